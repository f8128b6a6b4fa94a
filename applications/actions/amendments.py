"""Amending an accepted contract: narrowing at once or planned, widening by agreement of both sides."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from applications.actions.changes import Change, Plan, plan_of
from applications.actions.contracts import changing, require_in_life
from applications.actions.open_amendments import close_lapsed, diff, recorded, state
from applications.actions.record import finish, snapshot
from applications.actions.terms import rewrite
from applications.models import Amendment, AmendmentRole, AmendmentState, Contract
from applications.policies import lock_applications, lock_contract
from iam_portal.errors import DomainError
from iam_portal.gate import Actor
from tenants.models import Tenant


class AmendmentOpen(DomainError):
    """Another amendment of the contract waits for its answer; ``data`` names it and its state."""

    code = "amendment_open"


def amend(
    *,
    tenant: Tenant,
    contract_id: UUID,
    change: Change,
    by: Actor,
    at: datetime,
    note: str = "",
    revision: int | None = None,
) -> Amendment:
    """Either side: change the roles or the end of an accepted contract.

    What only narrows is agreed with the act, by whichever side, and takes effect at once or at the planned
    moment. What widens waits as a whole for the other side. One amendment of a contract can wait at a time:
    a second is :class:`AmendmentOpen`. Raises ``CannotAmend`` with every objection.
    """
    with transaction.atomic():
        contract = lock_contract(tenant=tenant, contract_id=contract_id, revision=revision)
        require_in_life(contract, at)
        plan = plan_of(contract=contract, tenant=tenant, change=change, by=by, at=at)
        widens = plan.widens(contract)
        if widens:
            lock_applications(
                role.application_id for role in plan.add.values()
            )  # what they hold now is what is offered
            _require_none_open(contract, by=by, at=at)
        amendment = _write(contract, plan, change, tenant=tenant, by=by, at=at, note=note, widens=widens)
        if widens:
            before = snapshot(contract, at)
            extra = recorded(amendment)
            finish(contract, "amendment_proposed", by=by, at=at, before=before, note=note, extra=extra)
        else:
            take_effect(contract, amendment, plan, by=by, at=at, note=note)
    return amendment


def take_effect(
    contract: Contract, amendment: Amendment, plan: Plan, *, by: Actor, at: datetime, note: str
) -> None:
    """Write the agreed change into the contract's facts and tell both sides, under the caller's locks.

    The facts of a planned change are written now, with their spans; what happens at its moment is told by
    the job. A shorter end is its author's act; one that both agreed is nobody's.
    """
    before = snapshot(contract, at)
    added = [role.application_id for role in plan.add.values()]
    with changing(contract, at=at, also=added):
        shortened = plan.shortens(contract) and not amendment.widens
        offered = amendment.proposed_by_tenant_id == contract.provider_id
        rewrite(contract, plan, at=at, confirmed_at=amendment.proposed_at if offered else at)
        if plan.moves_end:
            contract.ended_by = by.name[:200] if shortened else ""
            contract.ended_by_tenant_id = amendment.proposed_by_tenant_id if shortened else None
        planned = plan.moment > at
        verb = "amendment_planned" if planned else "amended"
        finish(contract, verb, by=by, at=at, before=before, note=note, extra=recorded(amendment))


def _require_none_open(contract: Contract, *, by: Actor, at: datetime) -> None:
    """One that has lapsed by its dates is in nobody's way."""
    waiting = contract.amendments.filter(state=AmendmentState.PROPOSED).first()
    if waiting is None:
        return
    waiting.contract = contract
    if state(waiting, at) == AmendmentState.LAPSED:
        close_lapsed(contract, waiting, by=Actor.system("availability job"), at=at)
        return
    data = {"state": waiting.state, "amendmentId": str(waiting.id)}
    raise AmendmentOpen("An amendment waits for its answer already: answer or withdraw it first.", data=data)


def _write(
    contract: Contract,
    plan: Plan,
    change: Change,
    *,
    tenant: Tenant,
    by: Actor,
    at: datetime,
    note: str,
    widens: bool,
) -> Amendment:
    amendment = Amendment(
        contract=contract,
        proposed_by_tenant=tenant,
        state=AmendmentState.PROPOSED if widens else AmendmentState.ACCEPTED,
        widens=widens,
        takes_effect_at=plan.moment if plan.moment > at else None,
        moves_end=plan.moves_end,
        former_ends_at=contract.ends_at if plan.moves_end else None,
        ends_at=plan.ends_at if plan.moves_end else None,
        note=note,
        answer_by=change.answer_by,
        proposed_at=at,
        proposed_by=by.name[:200],
        answered_at=None if widens else at,
        answered_by="" if widens else by.name[:200],
    )
    amendment.full_clean()
    amendment.save()
    verbs = AmendmentRole.Verb
    rows = [(role, verbs.ADD) for role in plan.add.values()]
    rows += [(role, verbs.REMOVE) for role in plan.remove.values()]
    AmendmentRole.objects.bulk_create(
        AmendmentRole(amendment=amendment, role=role, verb=verb) for role, verb in rows
    )
    return amendment


__all__ = ["AmendmentOpen", "Change", "amend", "diff", "take_effect"]
