"""What is told of mappers, and those that end with a group."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from iam_portal.gate import Actor
from tenants.history import record
from tenants.models import Group, IdentityMapper

FIELDS = ("kind", "when", "claim", "value", "template")


def end_with(group: Group, *, by: Actor, at: datetime) -> None:
    """Nobody comes into a group that is gone. Under its lock, which comes before that of a mapper into it."""
    rows = IdentityMapper.objects.filter(group=group).select_for_update(of=("self",), no_key=True)
    for row in rows.select_related("provider").order_by("pk"):
        told("mapper.deleted", row, by, at, before=snapshot(row))
        row.delete()


def snapshot(row: IdentityMapper) -> dict[str, Any]:
    """Without ``value``: it may be the name of somebody's."""
    shown = {name: getattr(row, name) for name in FIELDS if name != "value"}
    return {**shown, "group": str(row.group_id) if row.group_id else None}


def told(
    action: str,
    row: IdentityMapper,
    by: Actor,
    at: datetime,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """In the history of the provider."""
    record(
        action=action,
        tenants=[row.tenant_id],
        by=by,
        at=at,
        subject=("identity_provider", row.provider_id, row.provider.name),
        before=None if before is None else {"mapper": str(row.id), **before},
        after=None if after is None else {"mapper": str(row.id), **after},
    )
