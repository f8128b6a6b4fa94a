"""Giving the required roles that were ticked on an acceptance: all of them, or the acceptance goes back."""

from collections.abc import Sequence
from datetime import datetime

from accesscontrol import gate
from accesscontrol.actions.assignments import AlreadyAssigned, Wanted, assign
from applications.actions.requirements import Tick
from applications.models import Contract
from applications.models.applications import PORTAL_ID
from applications.reasons import no_contract
from iam_portal.decision import Reason
from iam_portal.errors import DomainError, Forbidden, NotFound
from iam_portal.gate import Actor
from tenants.models import Tenant


class RequiredRoleRefused(DomainError):
    """A ticked role cannot be had here; the reasons say why. The contract was not accepted."""

    code = "required_role_refused"


def give(*, contract: Contract, ticks: Sequence[Tick], by: Actor, at: datetime) -> None:
    """Assign each in the consumer's tenant. What is assigned already is fine; objections are collected.

    This is the door of assignments by another way in: it opens to the same permission.
    """
    may = gate.PortalGate().answers(actor=by, tenant_id=contract.consumer_id, at=at)
    may_assign = not ticks or bool(may(gate.ASSIGNING))
    refusals: list[tuple[int, DomainError]] = []
    for index, tick in enumerate(ticks):
        wanted = Wanted(
            role=tick.wanted_role,
            application_id=tick.wanted_application,
            principal_application_id=tick.application_id,
        )
        try:
            if not may_assign:
                _refuse(tick, contract.consumer, by=by, at=at)
            assign(tenant=contract.consumer, wanted=wanted, by=by, at=at)
        except AlreadyAssigned:
            continue
        except DomainError as refusal:
            refusals.append((index, refusal))
    if not refusals:
        return
    errors = [
        {"pointer": f"/requiredRoles/{index}", "code": found.code, "detail": found.detail}
        for index, found in refusals
    ]
    reasons = tuple(
        dict.fromkeys(
            reason for index, found in refusals for reason in _reasons(found, ticks[index], contract.consumer)
        )
    )
    for _index, first in refusals:
        if isinstance(first, Forbidden):
            raise Forbidden(first.detail, errors=errors, reasons=reasons, record=first.record)
    text = "A role that was ticked cannot be given. The contract was not accepted."
    raise RequiredRoleRefused(text, errors=errors, reasons=reasons)


def _refuse(tick: Tick, consumer: Tenant, *, by: Actor, at: datetime) -> None:
    """With the reasons that the drift report shows beforehand; noted, like every attempt to hand out more."""
    foreign = tick.wanted_application != PORTAL_ID
    gate.require_may_grant(
        actor=by,
        tenant_id=consumer.id,
        asked=() if foreign else [gate.asked_of(gate.ASSIGNING)],
        foreign=foreign,
        at=at,
        subject=("application", tick.application_id, tick.application_id),
    )


def _reasons(refusal: DomainError, tick: Tick, consumer: Tenant) -> tuple[Reason, ...]:
    """A stranger's application answers like one that is not there: nothing connects it with the tenant."""
    if isinstance(refusal, NotFound):
        wanted = tick.wanted_application
        return (no_contract(wanted, wanted, consumer.name, str(consumer.id)),)
    return refusal.reasons
