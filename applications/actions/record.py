"""History and events of a contract: one call for both, for both sides."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from applications.events import event, write
from applications.models import Contract, ContractTerm, ContractTold, Event
from applications.policies import agreed_at
from iam_portal.decision import rfc3339
from iam_portal.gate import Actor
from tenants import history
from tenants.models import Tenant

NOT_SHAREABLE = "role_not_shareable"  # the objection against a role in an offer or an amendment
# What takes effect with its act is told by the act; what was planned, by the job or the next act.
BOUNDARIES = ("started", "resumed", "amended", "paused", "ended")


def snapshot(contract: Contract, at: datetime, terms: Iterable[ContractTerm] | None = None) -> dict[str, Any]:
    """A contract as history and events show it: no names of persons, no role that was taken away by then.

    ``terms``: where they are loaded, with their roles.
    """
    if terms is None:
        terms = contract.terms.select_related("role")
    roles = {f"{term.role.application_id}/{term.role.key}" for term in agreed_at(terms, at)}
    return {
        "state": contract.state,
        "type": contract.type,
        "startsAt": rfc3339(contract.starts_at),
        "endsAt": rfc3339(contract.ends_at),
        "onwardAccess": contract.onward_access,
        "roles": sorted(roles),
        "revision": f"r-{contract.revision}",
    }


def contract_changed(
    contract: Contract,
    verb: str,
    *,
    by: Actor,
    at: datetime,
    before: Mapping[str, Any] | None,
    extra: Mapping[str, Any] | None = None,
) -> None:
    """Record ``contract.<verb>``. A contract that was never proposed is the provider's own affair."""
    after = {**snapshot(contract, at), **(extra or {})}
    history.record(
        action=f"contract.{verb}",
        tenants=_sides(contract),
        by=by,
        at=at,
        subject=subject_of(contract),
        before=before,
        after=after,
    )
    if contract.proposed_at is not None:
        write(events_of(contract, verb, at=at, after=after))
    if verb in BOUNDARIES:
        mark_told([(contract.id, verb, at)])


def subject_of(contract: Contract) -> tuple[str, object, str]:
    """What history names it by."""
    return "contract", contract.id, f"{contract.provider} → {contract.consumer}"


def events_of(contract: Contract, verb: str, *, at: datetime, after: Mapping[str, Any]) -> list[Event]:
    """The event of both sides, still to be written."""
    data = {
        "contractId": str(contract.id),
        "providerTenantId": str(contract.provider_id),
        "consumerTenantId": str(contract.consumer_id),
        **after,
    }
    return [
        event(type=f"contract.{verb}", tenant_id=side, subject=str(contract.id), at=at, data=data)
        for side in _sides(contract)
    ]


def refused_offer(
    objections: Iterable[Mapping[str, str]],
    wanted: Sequence[tuple[str, str]],
    *,
    tenant: Tenant,
    by: Actor,
    at: datetime,
    subject: tuple[str, object, str],
) -> dict[str, Any] | None:
    """What the record is to say where roles were asked for that the provider cannot share: somebody tried.

    ``wanted`` is what the objections' pointers count through. In the record of the actor's own tenant only.
    """
    places = [
        int(found["pointer"].rpartition("/")[2]) for found in objections if found["code"] == NOT_SHAREABLE
    ]
    if not places:
        return None
    missing = ["/".join(wanted[place]) for place in places[:50]]
    after = {"missing": missing, "reasons": [NOT_SHAREABLE]}
    return {
        "action": "grant.refused",
        "tenants": [tenant.id],
        "by": by,
        "at": at,
        "subject": subject,
        "after": after,
    }


def mark_told(passed: Iterable[tuple[UUID, str, datetime]]) -> None:
    """Note which changes of contracts were told: (contract, verb, moment). The job passes them over."""
    rows = [ContractTold(contract_id=contract_id, verb=verb, at=at) for contract_id, verb, at in passed]
    # A contract that is paused, resumed and paused at one moment tells each act, and the boundary once.
    ContractTold.objects.bulk_create(rows, batch_size=1000, ignore_conflicts=True)


def _sides(contract: Contract) -> list[UUID]:
    return [contract.provider_id, *([contract.consumer_id] if contract.proposed_at is not None else [])]


def finish(
    contract: Contract,
    verb: str,
    *,
    by: Actor,
    at: datetime,
    before: Mapping[str, Any],
    note: str,
    extra: Mapping[str, Any] | None = None,
) -> None:
    """Save an act on a contract under its next revision, and record it; ``note`` is what the actor said."""
    contract.revision += 1
    contract.full_clean()
    contract.save()
    said = {"comment": note} if note else {}
    contract_changed(contract, verb, by=by, at=at, before=before, extra={**(extra or {}), **said})
