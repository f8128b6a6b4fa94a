"""History and events of a contract: one call for both, for both sides."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from applications.events import emit
from applications.models import Contract
from iam_portal.decision import rfc3339
from iam_portal.gate import Actor
from tenants import history


def snapshot(contract: Contract) -> dict[str, Any]:
    """A contract as history and events show it: no names of persons."""
    terms = contract.terms.select_related("role").order_by("role__application_id", "role__key")
    return {
        "state": contract.state,
        "type": contract.type,
        "startsAt": rfc3339(contract.starts_at),
        "endsAt": rfc3339(contract.ends_at),
        "onwardAccess": contract.onward_access,
        "roles": sorted({f"{term.role.application_id}/{term.role.key}" for term in terms}),
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
    sides = [contract.provider_id]
    if contract.proposed_at is not None:
        sides.append(contract.consumer_id)
    after = {**snapshot(contract), **(extra or {})}
    name = f"{contract.provider} → {contract.consumer}"
    history.record(
        action=f"contract.{verb}",
        tenants=sides,
        by=by,
        at=at,
        subject=("contract", contract.id, name),
        before=before,
        after=after,
    )
    for tenant_id in sides if contract.proposed_at is not None else []:
        emit(
            type=f"contract.{verb}",
            tenant_id=tenant_id,
            subject=str(contract.id),
            at=at,
            data={
                "contractId": str(contract.id),
                "providerTenantId": str(contract.provider_id),
                "consumerTenantId": str(contract.consumer_id),
                **after,
            },
        )


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
    contract_changed(contract, verb, by=by, at=at, before=before, extra={**said, **(extra or {})})
