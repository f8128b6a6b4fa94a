"""Pausing an accepted contract, now or planned, and resuming it. The provider's acts."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from applications.actions.contracts import WrongState, changing, require_in_life, require_side
from applications.actions.drafts import state_of
from applications.actions.record import finish, snapshot
from applications.models import Contract, ContractPause
from applications.policies import lock_contract
from iam_portal.decision import rfc3339
from iam_portal.errors import DomainError, Invalid, NotFound
from iam_portal.gate import Actor
from tenants.models import Tenant, since
from tenants.models.spanned import clipped


class AlreadyPaused(DomainError):
    """There is a pause in that time."""

    code = "contract_already_paused"


class NotPaused(DomainError):
    """No pause runs."""

    code = "contract_not_paused"


def pause(
    *,
    tenant: Tenant,
    contract_id: UUID,
    by: Actor,
    at: datetime,
    when: datetime | None = None,
    until: datetime | None = None,
    note: str = "",
    revision: int | None = None,
) -> Contract:
    """Stop counting from now (or ``when``) until ``until`` or a resume."""
    moment = when or at
    if moment < at or (until is not None and until <= moment):
        raise Invalid("A pause begins now or later, and ends after it began.")
    with transaction.atomic():
        contract = lock_contract(tenant=tenant, contract_id=contract_id, revision=revision)
        require_side(contract, tenant, "provider")
        require_in_life(contract, at)
        if contract.ends_at is not None and contract.ends_at <= moment:
            raise WrongState("The contract will have ended by then.", data=state_of(contract))
        if contract.pauses.filter(during__overlap=since(moment, until)).exists():
            raise AlreadyPaused("There is a pause in that time already.", data=state_of(contract))
        before = {**snapshot(contract, at), **_told(contract, at)}
        with changing(contract, at=at):
            row = ContractPause(
                contract=contract, during=since(moment, until), note=note, by_name=by.name[:200]
            )
            row.full_clean()
            row.save()
            verb = "paused" if moment == at else "pause_planned"
            extra = _told(contract, at)
            finish(contract, verb, by=by, at=at, before=before, note=note, extra=extra)
    return contract


def resume(
    *, tenant: Tenant, contract_id: UUID, by: Actor, at: datetime, note: str = "", revision: int | None = None
) -> Contract:
    """Close the running pause now."""
    with transaction.atomic():
        contract = lock_contract(tenant=tenant, contract_id=contract_id, revision=revision)
        require_side(contract, tenant, "provider")
        require_in_life(contract, at)
        running = contract.pauses.filter(during__contains=at)
        if not running.exists():
            raise NotPaused("The contract is not paused.", data=state_of(contract))
        before = {**snapshot(contract, at), **_told(contract, at)}
        with changing(contract, at=at):
            running.update(during=clipped(at))
            extra = _told(contract, at)
            finish(contract, "resumed", by=by, at=at, before=before, note=note, extra=extra)
    return contract


def cancel(
    *,
    tenant: Tenant,
    contract_id: UUID,
    pause_id: int,
    by: Actor,
    at: datetime,
    revision: int | None = None,
) -> Contract:
    """Take back a planned pause that has not begun."""
    with transaction.atomic():
        contract = lock_contract(tenant=tenant, contract_id=contract_id, revision=revision)
        require_side(contract, tenant, "provider")
        planned = contract.pauses.filter(id=pause_id, during__startswith__gt=at)
        if not planned.exists():
            raise NotFound
        before = {**snapshot(contract, at), **_told(contract, at)}
        with changing(contract, at=at):
            planned.delete()  # it never counted
            extra = _told(contract, at)
            finish(contract, "pause_cancelled", by=by, at=at, before=before, note="", extra=extra)
    return contract


def _told(contract: Contract, at: datetime) -> dict[str, Any]:
    """Its pauses that are not over, as history and events show them."""
    spans = contract.pauses.not_over(at).order_by("during").values_list("during", flat=True)
    return {"pauses": [{"from": rfc3339(span.lower), "until": rfc3339(span.upper)} for span in spans]}
