"""The answers to an open amendment: the other side accepts or declines, the proposer withdraws."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from applications.actions.amendments import take_effect
from applications.actions.availability import lock_applications
from applications.actions.changes import applications_of, judge, plan_again, refuse, shareable_still
from applications.actions.contracts import NotYours, require_in_life
from applications.actions.open_amendments import answer, recorded, state
from applications.actions.record import finish, snapshot
from applications.models import Amendment, AmendmentState, Contract
from applications.policies import Stale, lock_contract
from iam_portal.errors import DomainError, NotFound
from iam_portal.gate import Actor
from iam_portal.sentences import said
from tenants.actions.partners import are_partners
from tenants.models import Tenant


class NotOpen(DomainError):
    """The amendment was answered, or its time has passed; ``data`` carries its state."""

    code = "amendment_not_open"


class PartnersNoMore(DomainError):
    """The two organizations are not partners any more."""

    code = "not_a_partner"


def accept(
    *,
    tenant: Tenant,
    contract_id: UUID,
    amendment_id: UUID,
    by: Actor,
    at: datetime,
    note: str = "",
    revision: int | None = None,
) -> Amendment:
    """The other side agrees: what the proposal says becomes the contract's, if it still can.

    After the planned moment it takes effect now. Raises ``CannotAmend`` with all objections when the
    contract or the provider has changed so that it cannot be done any more.
    """
    with transaction.atomic():
        contract, amendment = _open(tenant, contract_id, amendment_id, revision, at)
        _require_asked(contract, amendment, tenant)
        require_in_life(contract, at)
        plan = plan_again(contract, amendment, at=at)
        # Locked before it is looked at, or a role could be retired in between.
        lock_applications(applications_of(contract.id) | {role.application_id for role in plan.add.values()})
        if not are_partners(contract.provider, contract.consumer):
            raise PartnersNoMore("These organizations are not partners any more.")
        refuse(contract, judge(contract, plan) + shareable_still(contract, plan, at))
        amendment.takes_effect_at = plan.moment if plan.moment > at else None
        answer(amendment, AmendmentState.ACCEPTED, by=by, at=at)
        take_effect(contract, amendment, plan, by=by, at=at, note=note)
    return amendment


def decline(
    *,
    tenant: Tenant,
    contract_id: UUID,
    amendment_id: UUID,
    by: Actor,
    at: datetime,
    note: str = "",
    revision: int | None = None,
) -> Amendment:
    """The other side refuses."""
    with transaction.atomic():
        contract, amendment = _open(tenant, contract_id, amendment_id, revision, at)
        _require_asked(contract, amendment, tenant)
        _close(contract, amendment, AmendmentState.DECLINED, by=by, at=at, note=note)
    return amendment


def withdraw(
    *,
    tenant: Tenant,
    contract_id: UUID,
    amendment_id: UUID,
    by: Actor,
    at: datetime,
    note: str = "",
    revision: int | None = None,
) -> Amendment:
    """The side that proposed takes it back."""
    with transaction.atomic():
        contract, amendment = _open(tenant, contract_id, amendment_id, revision, at)
        if amendment.proposed_by_tenant_id != tenant.id:
            raise NotYours("Only the side that proposed it can withdraw it.", data=_data(amendment, at))
        _close(contract, amendment, AmendmentState.WITHDRAWN, by=by, at=at, note=note)
    return amendment


def _open(
    tenant: Tenant, contract_id: UUID, amendment_id: UUID, revision: int | None, at: datetime
) -> tuple[Contract, Amendment]:
    """Contract and open amendment, both safe from others: whoever changes one holds the contract's lock."""
    contract = lock_contract(tenant=tenant, contract_id=contract_id, revision=None)
    amendment = contract.amendments.filter(id=amendment_id).first()
    if amendment is None:
        raise NotFound
    amendment.contract = contract
    if revision is not None and revision != amendment.revision:
        raise Stale(
            "The amendment was changed meanwhile. Nothing was changed by you.",
            data={"revision": f"r-{amendment.revision}"},
        )
    if (found := state(amendment, at)) != AmendmentState.PROPOSED:
        raise NotOpen(said("The amendment is %(found)s.", {"found": found}), data=_data(amendment, at))
    return contract, amendment


def _require_asked(contract: Contract, amendment: Amendment, tenant: Tenant) -> None:
    if amendment.proposed_by_tenant_id == tenant.id:
        raise NotYours("Only the other side can answer it.", data={"state": amendment.state})


def _close(
    contract: Contract, amendment: Amendment, state: str, *, by: Actor, at: datetime, note: str
) -> None:
    before = snapshot(contract, at)
    answer(amendment, state, by=by, at=at)
    extra = recorded(amendment)
    finish(contract, f"amendment_{state}", by=by, at=at, before=before, note=note, extra=extra)


def _data(amendment: Amendment, at: datetime) -> dict[str, str]:
    return {"state": state(amendment, at), "revision": f"r-{amendment.revision}"}
