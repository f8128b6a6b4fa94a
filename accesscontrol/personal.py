"""What somebody's roles come to: each resource that they open, with its privileges, in whose data."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q

from accesscontrol.decide import (
    Ground,
    Held,
    HeldRole,
    Placed,
    Protected,
    RoleBook,
    gives,
    lineages,
)
from applications.availability import SharingFacts
from applications.models import Resource
from applications.trees import around
from iam_portal.gate import Privilege
from iam_portal.walls import cross_tenant

_ORDER = [privilege.value for privilege in Privilege]


def entries(
    roles: Sequence[HeldRole], sharing: SharingFacts, book: RoleBook, *, at: datetime
) -> list[dict[str, Any]]:
    """In the order of owner, type and key; without those on which nothing may be done. Three queries.

    Of another tenant's own resources those are among it that lie below what a role on its data opens.
    """
    if not roles:
        return []
    scopes: dict[str, list[tuple[HeldRole, Held]]] = defaultdict(list)
    grounds = {
        scope: Ground(sharing, book, tenant_id=scope, at=at)
        for scope in {role.scope_tenant_id for role in roles}
    }
    for role in roles:
        amount = grounds[role.scope_tenant_id].comes_to(role)
        scopes[role.scope_tenant_id].append((role, amount.held()))
    named = {
        (kind, key) for openings in scopes.values() for _role, held in openings for _own, kind, key in held
    }
    rows = _resources(sharing.application.id, set(scopes), at, named)
    lines = lineages(rows)
    return [
        entry
        for owner, openings in sorted(scopes.items())
        for row in rows
        if str(row.owner_id or owner) == owner
        for entry in _entry(owner, lines[row.id], openings)
    ]


def _resources(
    application_id: str, owners: set[str], at: datetime, named: set[tuple[str, str]]
) -> list[Placed]:
    """What is named, and what it contains: of an application with thousands, a role names a few."""
    with cross_tenant():  # a role on a provider's data opens what that one keeps there
        rows = Resource.objects.placed(at).filter(
            Q(owner_tenant=None) | Q(owner_tenant__in=owners), application_id=application_id
        )
        alike = rows.filter(type__in={kind for kind, _key in named}, key__in={key for _kind, key in named})
        seeds = [pk for pk, *address in alike.values_list("id", "type", "key") if tuple(address) in named]
        above = dict(rows.filter(Q(("parent_id__isnull", False))).values_list("id", "parent_id"))
        found = rows.filter(id__in=around(above, seeds)).order_by("type", "key", "owner_tenant_id")
        columns = ("id", "owner_tenant_id", "parent_id", "type", "key", "name", "privileges")
        return [
            Placed(pk, Protected(kind, key, name, owner is not None, frozenset(offered)), owner, parent)
            for pk, owner, parent, kind, key, name, offered in found.values_list(*columns)
        ]


def _entry(
    owner: str, lineage: Sequence[Protected], openings: Sequence[tuple[HeldRole, Held]]
) -> Iterator[dict[str, Any]]:
    privileges: set[str] = set()
    urns: set[str] = set()
    for role, held in openings:
        if given := gives(lineage, held):
            privileges |= given
            urns.add(role.urn)
    if privileges:
        resource = lineage[0]
        yield {
            "owningTenantId": owner,
            "resourceType": resource.type,
            "resourceId": resource.key,
            "name": resource.name,
            "kind": "dynamic" if resource.dynamic else "static",
            "privileges": sorted(privileges, key=_ORDER.index),
            "roles": sorted(urns),
        }
