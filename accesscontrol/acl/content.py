"""The ACL of an application: for every tenant it serves, its resources and which role may do what.

Set-based: the number of queries does not depend on the number of tenants. It must agree with ``granted``
at every moment; a test compares the two.
"""

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from accesscontrol.decide import Permission, application_role_urn, tenant_role_urn
from accesscontrol.models import TenantRolePermission
from applications.models import Application, Resource, RolePermission
from iam_portal.gate import Privilege
from iam_portal.walls import cross_tenant

_ORDER = {privilege.value: index for index, privilege in enumerate(Privilege)}

# Roles granted to the owner (all) and to provision consumers, wherever the application is available so.
_GRANTED = """
WITH served AS (
    SELECT DISTINCT tenant_id, relation FROM applications_availability
    WHERE application_id = %(application)s AND relation IN ('owned', 'provision') AND during @> %(at)s
)
SELECT DISTINCT served.tenant_id, r.key
FROM served
JOIN applications_applicationrole r ON r.application_id = %(application)s AND r.during @> %(at)s
WHERE served.relation = 'owned' OR EXISTS (
    SELECT FROM applications_contractgrant g JOIN applications_contract c ON c.id = g.contract_id
    WHERE g.role_id = r.id AND g.during @> %(at)s AND c.type = 'provision'
        AND c.consumer_id = served.tenant_id)
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
JOIN applications_applicationrole r ON r.id = grown.role_id
JOIN applications_contractgrant g ON g.contract_id = c.id AND g.role_id = r.id AND g.during @> %(at)s
JOIN applications_contractterm t ON t.contract_id = c.id AND t.role_id = r.id AND t.during @> %(at)s
JOIN applications_rolepermission p
    ON p.role_id = r.id AND p.during @> %(at)s AND p.held @> t.confirmed_at
JOIN applications_resource s ON s.id = p.resource_id AND s.owner_tenant_id IS NULL
"""


@dataclass(frozen=True, slots=True)
class Acl:
    """The snapshot: wire form of the resources, and a digest of them."""

    resources: list[dict[str, Any]]
    digest: str


def build(application: Application, *, at: datetime, tenant_id: UUID | None = None) -> Acl:
    """The ACL at the moment, complete; one owner's slice with ``tenant_id``. Six queries."""
    roles = _granted(application, at)
    if tenant_id is not None:
        roles = {key: value for key, value in roles.items() if key == tenant_id}
    permissions = _permissions(application, at)
    confirmed = _confirmed(application, at)
    with cross_tenant():  # tenant roles and dynamic resources of every tenant that is served
        made = _tenant_roles(application, list(roles), at)
        resources = list(
            Resource.objects.at(at).filter(application=application).order_by("type", "key", "owner_tenant_id")
        )
    entries: list[dict[str, Any]] = []
    for owner in sorted(roles, key=str):
        granted = {
            application_role_urn(str(owner), application.id, key): permissions.get(key, set())
            for key in roles[owner]
        }
        for (key, contract_id), held in confirmed.get(owner, {}).items():
            if key in roles[owner]:  # who lost the role gives nobody access to it
                granted[application_role_urn(str(owner), application.id, key, contract_id)] = held
        for resource in resources:
            if resource.owner_tenant_id in (None, owner):
                grants = _grants(owner, resource, granted, made.get(owner, {}))
                entries.append(_entry(owner, resource, grants))
    return Acl(entries, digest(entries))


def _granted(application: Application, at: datetime) -> dict[UUID, set[str]]:
    found: dict[UUID, set[str]] = defaultdict(set)
    with connection.cursor() as cursor:
        cursor.execute(_GRANTED, {"application": application.id, "at": at})
        for tenant_id, key in cursor.fetchall():
            keys = found[tenant_id]
            if key is not None:
                keys.add(key)
    return dict(found)


def _confirmed(application: Application, at: datetime) -> dict[UUID, dict[tuple[str, str], set[Permission]]]:
    """By provider, role key and access contract: what counts through it."""
    found: dict[UUID, dict[tuple[str, str], set[Permission]]] = defaultdict(lambda: defaultdict(set))
    with connection.cursor() as cursor:
        cursor.execute(_CONFIRMED, {"application": application.id, "at": at})
        for provider_id, contract_id, key, *permission in cursor.fetchall():
            kind, resource, privilege = permission
            found[provider_id][key, str(contract_id)].add((kind, resource, privilege))
    return found


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
) -> dict[UUID, dict[str, dict[UUID, set[str]]]]:
    """By tenant, role key and resource id: the privileges."""
    rows = TenantRolePermission.objects.at(at).filter(
        tenant_id__in=tenant_ids, resource__application=application, role__during__contains=at
    )
    found: dict[UUID, dict[str, dict[UUID, set[str]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(set))
    )
    for tenant_id, key, resource_id, privilege in rows.values_list(
        "tenant_id", "role__key", "resource_id", "privilege"
    ):
        found[tenant_id][key][resource_id].add(privilege)
    return found


def _grants(
    owner: UUID,
    resource: Resource,
    granted: dict[str, set[Permission]],
    made: dict[str, dict[UUID, set[str]]],
) -> list[dict[str, Any]]:
    grants: list[dict[str, Any]] = []
    for urn, permissions in sorted(granted.items()):
        privileges = {p for kind, name, p in permissions if (kind, name) == (resource.type, resource.key)}
        if privileges and resource.owner_tenant_id is None:
            grants.append(_grant(urn, privileges))
    here = set().union(*granted.values()) if granted else set()
    for key, by_resource in sorted(made.items()):
        privileges = set(by_resource.get(resource.id, ()))
        if resource.owner_tenant_id is None:  # counts only while a granted role contains it
            privileges = {p for p in privileges if (resource.type, resource.key, p) in here}
        if privileges:
            grants.append(_grant(tenant_role_urn(str(owner), key), privileges))
    return grants


def _grant(role: str, privileges: set[str]) -> dict[str, Any]:
    return {"role": role, "privileges": sorted(privileges, key=lambda privilege: _ORDER[privilege])}


def _entry(owner: UUID, resource: Resource, grants: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "owningTenantId": str(owner),
        "resourceType": resource.type,
        "resourceId": resource.key,
        "name": resource.name,
        "kind": "static" if resource.owner_tenant_id is None else "dynamic",
        "grants": grants,
    }


def digest(entries: list[dict[str, Any]]) -> str:
    """Of entries in their wire form: equal exactly where they are."""
    canonical = json.dumps(entries, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
