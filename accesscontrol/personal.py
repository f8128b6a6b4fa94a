"""What somebody's roles come to: each resource that they open, with its privileges, in whose data."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q

from accesscontrol.decide import HeldRole, Permission, Protected, RoleBook, amounts_to, gives
from applications.availability import SharingFacts
from applications.models import Resource
from iam_portal.gate import Privilege
from iam_portal.walls import cross_tenant

_ORDER = [privilege.value for privilege in Privilege]


class _Row(NamedTuple):
    id: UUID
    type: str
    key: str
    name: str
    owner_id: UUID | None
    parent_id: UUID | None

    @property
    def protected(self) -> Protected:
        return Protected(self.type, self.key, self.name, self.owner_id is not None)


class _Opening(NamedTuple):
    """A role, and what it comes to."""

    role: HeldRole
    amount: set[Permission]
    book: RoleBook
    at: datetime

    def on(self, resource: Protected) -> set[str]:
        return gives(self.role, resource, self.amount, self.book, at=self.at)


def entries(
    roles: Sequence[HeldRole], sharing: SharingFacts, book: RoleBook, *, at: datetime
) -> list[dict[str, Any]]:
    """In the order of owner, type and key; without those on which nothing may be done. One query.

    Of another tenant's own resources those are among it that lie below what a role on its data opens.
    """
    if not roles:
        return []
    rows = _resources(sharing.application.id, {role.scope_tenant_id for role in roles}, at)
    by_id = {row.id: row for row in rows}
    scopes: dict[str, list[_Opening]] = defaultdict(list)
    for role in roles:
        amount = amounts_to(role, sharing, book, tenant_id=role.scope_tenant_id, at=at)
        scopes[role.scope_tenant_id].append(_Opening(role, amount, book, at))
    return [
        entry
        for owner, openings in sorted(scopes.items())
        for row in rows
        if str(row.owner_id or owner) == owner
        for entry in _entry(owner, row, by_id, openings)
    ]


def _resources(application_id: str, owners: set[str], at: datetime) -> list[_Row]:
    with cross_tenant():  # a role on a provider's data opens what that one keeps there
        rows = Resource.objects.at(at).filter(
            Q(owner_tenant=None) | Q(owner_tenant__in=owners), application_id=application_id
        )
        found = rows.order_by("type", "key", "owner_tenant_id").values_list(
            "id", "type", "key", "name", "owner_tenant_id", "parent_id"
        )
        return [_Row(*row) for row in found]


def _entry(
    owner: str, row: _Row, by_id: Mapping[UUID, _Row], openings: Sequence[_Opening]
) -> Iterator[dict[str, Any]]:
    privileges: set[str] = set()
    urns: set[str] = set()
    for each in _lineage(row, by_id):
        for opening in openings:
            if given := opening.on(each.protected):
                privileges |= given
                urns.add(opening.role.urn)
    if privileges:
        yield {
            "owningTenantId": owner,
            "resourceType": row.type,
            "resourceId": row.key,
            "name": row.name,
            "kind": "static" if row.owner_id is None else "dynamic",
            "privileges": sorted(privileges, key=_ORDER.index),
            "roles": sorted(urns),
        }


def _lineage(row: _Row, by_id: Mapping[UUID, _Row]) -> Iterator[_Row]:
    """The resource and outwards what contains it; a loop, if there ever were one, ends."""
    seen: set[UUID] = set()
    found: _Row | None = row
    while found is not None and found.id not in seen:
        yield found
        seen.add(found.id)
        found = by_id.get(found.parent_id) if found.parent_id is not None else None
