"""The ACL of an application: for every tenant it serves, its resources and which role may do what.

Set-based: the number of queries does not depend on the number of tenants. It must agree with ``granted``
at every moment; a test compares the two.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q

from accesscontrol.decide import (
    Address,
    Amount,
    Held,
    Permission,
    Placed,
    Protected,
    application_role_urn,
    gives,
    lineages,
    tenant_role_urn,
)
from accesscontrol.models import TenantRolePermission
from applications.models import Application, Availability, Resource, RolePermission
from applications.models.availability import Relation
from iam_portal.gate import Privilege
from iam_portal.walls import cross_tenant

_BY_RELATION = (Relation.OWNED, Relation.PROVISION)
_ORDER = {privilege.value: index for index, privilege in enumerate(Privilege)}

# Roles granted to the owner (all) and to provision consumers, wherever the application is available so.
# Grants are found by contract: looked up by role, each one reads all of an index of a million.
_GRANTED = """
WITH served AS MATERIALIZED (
    SELECT tenant_id, relation, contract_id FROM applications_availability
    WHERE application_id = %(application)s AND relation IN ('owned', 'provision') AND during @> %(at)s
        AND (%(owners)s::uuid[] IS NULL OR tenant_id = ANY(%(owners)s))
), held AS MATERIALIZED (
    SELECT contract_id, role_id FROM applications_contractgrant
    WHERE contract_id = ANY(ARRAY(SELECT contract_id FROM served WHERE relation = 'provision'))
        AND (during @> %(at)s) IS TRUE
), roles AS MATERIALIZED (
    SELECT id, key FROM applications_applicationrole
    WHERE application_id = %(application)s AND during @> %(at)s
)
SELECT served.tenant_id, roles.key FROM served CROSS JOIN roles WHERE served.relation = 'owned'
UNION
SELECT served.tenant_id, roles.key FROM served
JOIN held ON held.contract_id = served.contract_id JOIN roles ON roles.id = held.role_id
UNION
SELECT tenant_id, NULL FROM served
"""


# Through an access contract a role counts as far as the contract's provider confirmed it. Where it ever held
# more, it stands there under a name of its own, and stays there, since tokens carry that name a while longer.
_CONFIRMED = """
WITH latest AS (
    SELECT p.role_id, max(lower(p.during)) AS begun
    FROM applications_rolepermission p JOIN applications_applicationrole r ON r.id = p.role_id
    WHERE r.application_id = %(application)s AND lower(p.during) <= %(at)s
    GROUP BY p.role_id
), grown AS MATERIALIZED (
    SELECT DISTINCT u.contract_id, u.role_id
    FROM latest
    JOIN applications_contractterm u ON u.role_id = latest.role_id AND u.confirmed_at < latest.begun
    JOIN applications_contract c ON c.id = u.contract_id AND c.type = 'access'
    WHERE EXISTS (
        SELECT FROM applications_rolepermission q
        WHERE q.role_id = u.role_id AND q.during && u.during AND NOT q.held @> u.confirmed_at
            AND lower(q.during * u.during) <= %(at)s)
)
SELECT c.provider_id, c.id, r.key, s.type, s.key, p.privilege
FROM grown
JOIN applications_contract c ON c.id = grown.contract_id
    AND (%(owners)s::uuid[] IS NULL OR c.provider_id = ANY(%(owners)s))
JOIN applications_applicationrole r ON r.id = grown.role_id
JOIN applications_contractgrant g ON g.contract_id = c.id AND g.role_id = r.id AND g.during @> %(at)s
JOIN applications_contractterm t ON t.contract_id = c.id AND t.role_id = r.id AND t.during @> %(at)s
JOIN applications_rolepermission p
    ON p.role_id = r.id AND p.during @> %(at)s AND p.held @> t.confirmed_at
JOIN applications_resource s ON s.id = p.resource_id AND s.owner_tenant_id IS NULL
"""


def served(application: Application, *, at: datetime) -> list[UUID]:
    """Whose resources the ACL has at the moment, in order."""
    rows = Availability.objects.at(at).filter(application=application, relation__in=_BY_RELATION)
    return list(rows.order_by("tenant_id").values_list("tenant_id", flat=True).distinct())


def build(
    application: Application, *, at: datetime, owners: Collection[UUID] | None = None
) -> list[dict[str, Any]]:
    """The ACL at the moment, complete; the slices of these owners with ``owners``. Six queries."""
    roles = _granted(application, at, owners)
    permissions = _permissions(application, at)
    confirmed = _confirmed(application, at, owners)
    with cross_tenant():  # tenant roles and dynamic resources of every tenant that is served
        made = _tenant_roles(application, list(roles), at)
        resources = _Resources.of(application, list(roles), at)
    declared = {key: _Holder(Amount(frozenset(held)).held()) for key, held in permissions.items()}
    entries: list[dict[str, Any]] = []
    for owner in sorted(roles, key=str):
        keys = roles[owner]
        holders = {
            application_role_urn(str(owner), application.id, key): declared[key]
            for key in keys
            if key in declared
        }
        for (key, contract_id), held in confirmed.get(owner, {}).items():
            if key in keys:  # who lost the role gives nobody access to it
                urn = application_role_urn(str(owner), application.id, key, contract_id)
                holders[urn] = _Holder(Amount(frozenset(held)).held())
        here = frozenset[Permission]().union(*(permissions.get(key, ()) for key in keys))
        grants = sorted(holders.items()) + [
            (tenant_role_urn(str(owner), key), _Holder(Amount(amount.static & here, amount.own).held()))
            for key, amount in sorted(made.get(owner, {}).items())
        ]
        naming = _naming(grants)
        for placed, lineage in resources.of_owner(owner):
            places = {place for each in lineage for place in naming.get(each.address, ())}
            entries.append(_entry(owner, placed, lineage, [grants[place] for place in sorted(places)]))
    return entries


def _naming(grants: Sequence[tuple[str, "_Holder"]]) -> Mapping[Address, list[int]]:
    """By resource, the places of the roles that name it: few of hundreds, on each of thousands."""
    found: dict[Address, list[int]] = defaultdict(list)
    for place, (_, holder) in enumerate(grants):
        for address in holder.held:
            found[address].append(place)
    return found


class _Holder:
    """A role, and what it gives on each resource: asked again by every tenant that has the same role."""

    def __init__(self, held: Held) -> None:
        self.held = held
        self._known: dict[int, list[str]] = {}  # by the resource's id, as the number that is hashed fastest

    def on(self, resource_id: UUID, lineage: Sequence[Protected]) -> list[str]:
        found = self._known.get(resource_id.int)
        if found is None:
            found = sorted(gives(lineage, self.held), key=_ORDER.__getitem__)
            self._known[resource_id.int] = found
        return found


Lines = Sequence[tuple[Placed, Sequence[Protected]]]  # resources, each with what contains it


@dataclass(frozen=True, slots=True)
class _Resources:
    """Those of the application, by type and key: static ones, and by owner what is a tenant's own."""

    static: Lines
    own: Mapping[UUID, Lines]

    @classmethod
    def of(cls, application: Application, owners: Sequence[UUID], at: datetime) -> "_Resources":
        rows = Resource.objects.placed(at).filter(
            Q(owner_tenant=None) | Q(owner_tenant__in=owners), application=application
        )
        placed = [
            Placed(pk, Protected(kind, key, name, owner is not None, frozenset(offered)), owner, parent)
            for pk, owner, parent, kind, key, name, offered in rows.values_list(
                "id", "owner_tenant_id", "parent_id", "type", "key", "name", "privileges"
            )
        ]
        lines = lineages(placed)
        found: dict[UUID | None, list[tuple[Placed, Sequence[Protected]]]] = defaultdict(list)
        for each in sorted(placed, key=_by_address):
            found[each.owner_id].append((each, lines[each.id]))
        static = found.pop(None, [])
        return cls(static, {owner: own for owner, own in found.items() if owner is not None})

    def of_owner(self, owner: UUID) -> Lines:
        """What there is in one tenant; its own before a static one of the same name."""
        own = self.own.get(owner)
        if own is None:
            return self.static
        return sorted((*self.static, *own), key=lambda line: _by_address(line[0]))


def _by_address(placed: Placed) -> tuple[str, str, bool]:
    return placed.resource.type, placed.resource.key, not placed.resource.dynamic


def _granted(application: Application, at: datetime, owners: Collection[UUID] | None) -> dict[UUID, set[str]]:
    found: dict[UUID, set[str]] = defaultdict(set)
    with connection.cursor() as cursor:
        cursor.execute(_GRANTED, _asked(application, at, owners))
        for tenant_id, key in cursor.fetchall():
            keys = found[tenant_id]
            if key is not None:
                keys.add(key)
    return dict(found)


def _confirmed(
    application: Application, at: datetime, owners: Collection[UUID] | None
) -> dict[UUID, dict[tuple[str, str], set[Permission]]]:
    """By provider, role key and access contract: what counts through it."""
    found: dict[UUID, dict[tuple[str, str], set[Permission]]] = defaultdict(lambda: defaultdict(set))
    with connection.cursor() as cursor:
        cursor.execute(_CONFIRMED, _asked(application, at, owners))
        for provider_id, contract_id, key, *permission in cursor.fetchall():
            kind, resource, privilege = permission
            found[provider_id][key, str(contract_id)].add((kind, resource, privilege))
    return found


def _asked(application: Application, at: datetime, owners: Collection[UUID] | None) -> dict[str, Any]:
    return {"application": application.id, "at": at, "owners": None if owners is None else list(owners)}


def _permissions(application: Application, at: datetime) -> dict[str, set[Permission]]:
    rows = RolePermission.objects.at(at).filter(role__application=application, resource__owner_tenant=None)
    found: dict[str, set[Permission]] = defaultdict(set)
    for key, kind, resource, privilege in rows.values_list(
        "role__key", "resource__type", "resource__key", "privilege"
    ):
        found[key].add((kind, resource, privilege))
    return found


def _tenant_roles(
    application: Application, tenant_ids: list[UUID], at: datetime
) -> dict[UUID, dict[str, Amount]]:
    """By tenant and role key: what the role names, on static resources and on the tenant's own."""
    rows = TenantRolePermission.objects.at(at).filter(
        tenant_id__in=tenant_ids, resource__application=application, role__during__contains=at
    )
    named: dict[tuple[UUID, str], dict[bool, set[Permission]]] = defaultdict(lambda: defaultdict(set))
    for tenant_id, role, owner, *permission in rows.values_list(
        "tenant_id",
        "role__key",
        "resource__owner_tenant_id",
        "resource__type",
        "resource__key",
        "privilege",
    ):
        kind, key, privilege = permission
        named[tenant_id, role][owner is not None].add((kind, key, privilege))
    found: dict[UUID, dict[str, Amount]] = defaultdict(dict)
    for (tenant_id, role), by_kind in named.items():
        found[tenant_id][role] = Amount(frozenset(by_kind[False]), frozenset(by_kind[True]))
    return found


def _entry(
    owner: UUID,
    placed: Placed,
    lineage: Sequence[Protected],
    grants: Sequence[tuple[str, _Holder]],
) -> dict[str, Any]:
    given = [(urn, holder.on(placed.id, lineage)) for urn, holder in grants]
    return {
        "owningTenantId": str(owner),
        "resourceType": placed.resource.type,
        "resourceId": placed.resource.key,
        "name": placed.resource.name,
        "kind": "dynamic" if placed.resource.dynamic else "static",
        "grants": [{"role": urn, "privileges": list(privileges)} for urn, privileges in given if privileges],
    }
