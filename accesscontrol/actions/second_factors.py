"""Who has to sign in with a second factor: the roles that ask for one, in a tenant, by its own choice."""

from collections import defaultdict
from collections.abc import Collection, Set
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction

from accesscontrol.models import TenantRole, TenantRolePermission
from applications.models import ApplicationRole, RolePermission
from applications.models.applications import PORTAL_ID
from iam_portal.errors import Invalid
from iam_portal.gate import Actor, Privilege
from tenants import policies
from tenants.actions.steps import EVERYBODY
from tenants.history import record
from tenants.models import Tenant

# A role that the organization was not granted, or whose permissions do not count now, asks all the same: it
# may count again tomorrow. Only the portal's roles and the tenant's own can ask.
ASKS = """
WITH RECURSIVE asks AS MATERIALIZED (
    SELECT id, application_id || '/' || key AS role, name FROM applications_applicationrole
    WHERE application_id = %(portal)s AND application_id || '/' || key = ANY(%(roles)s) AND during @> %(at)s
    UNION ALL
    SELECT id, '/' || key, name FROM accesscontrol_tenantrole
    WHERE tenant_id = %(tenant)s AND '/' || key = ANY(%(roles)s) AND during @> %(at)s
)"""
# Down the tree of groups from what is assigned, looked up role by role.
_HOLDING = f"""{ASKS}, given AS MATERIALIZED (
    SELECT a.user_id, a.group_id, asks.role FROM asks CROSS JOIN LATERAL (
        SELECT user_id, group_id FROM accesscontrol_assignment
        WHERE tenant_id = %(tenant)s AND application_role_id = asks.id AND contract_id IS NULL
            AND application_id IS NULL AND during @> %(at)s
        UNION ALL
        SELECT user_id, group_id FROM accesscontrol_assignment
        WHERE tenant_id = %(tenant)s AND tenant_role_id = asks.id AND contract_id IS NULL
            AND application_id IS NULL AND during @> %(at)s
        OFFSET 0
    ) a
), reached(group_id, role) AS (
    SELECT group_id, role FROM given WHERE (group_id IN (
        SELECT id FROM tenants_group WHERE tenant_id = %(tenant)s AND during @> %(at)s
    )) IS TRUE
    UNION
    SELECT below.group_id, reached.role FROM reached CROSS JOIN LATERAL (
        SELECT group_id FROM tenants_groupplacement
        WHERE parent_id = reached.group_id AND tenant_id = %(tenant)s AND during @> %(at)s OFFSET 0
    ) below
), holder AS (
    SELECT user_id, role FROM given WHERE user_id IS NOT NULL
    UNION
    SELECT m.user_id, reached.role FROM reached
    JOIN tenants_membership m
        ON m.group_id = reached.group_id AND m.tenant_id = %(tenant)s AND m.during @> %(at)s
    UNION ALL
    SELECT id, '*' FROM tenants_user WHERE tenant_id = %(tenant)s AND '*' = ANY(%(roles)s)
), active AS MATERIALIZED (
    SELECT role, user_id,
        (user_id IN (SELECT user_id FROM tenants_authenticatorapp WHERE tenant_id = %(tenant)s)) IS NOT TRUE
        AND (user_id IN (SELECT user_id FROM tenants_passkey WHERE tenant_id = %(tenant)s)) IS NOT TRUE
            AS without
    FROM holder
    WHERE (user_id IN (
            SELECT id FROM tenants_user WHERE tenant_id = %(tenant)s AND deleted_at IS NULL
        )) IS TRUE
        AND (user_id IN (
            SELECT user_id FROM tenants_useractivity WHERE tenant_id = %(tenant)s AND during @> %(at)s
        )) IS TRUE
)
"""
# Of one person up the tree: at each sign-in, whatever the others hold.
_OF_USER = f"""{ASKS}, above(group_id) AS (
    SELECT group_id FROM tenants_membership
    WHERE tenant_id = %(tenant)s AND user_id = ANY(ARRAY(SELECT %(user)s::uuid)) AND during @> %(at)s
    UNION
    SELECT p.parent_id FROM above JOIN tenants_groupplacement p
        ON p.group_id = above.group_id AND p.tenant_id = %(tenant)s AND p.during @> %(at)s
)
SELECT asks.name FROM accesscontrol_assignment a
JOIN asks ON asks.id = coalesce(a.application_role_id, a.tenant_role_id)
WHERE a.tenant_id = %(tenant)s AND a.during @> %(at)s AND a.application_id IS NULL AND a.contract_id IS NULL
    AND (a.user_id = %(user)s OR a.group_id = ANY(ARRAY(
        SELECT id FROM tenants_group
        WHERE id IN (SELECT group_id FROM above) AND tenant_id = %(tenant)s AND during @> %(at)s
    )))
UNION
SELECT '' FROM tenants_user WHERE id = %(user)s AND tenant_id = %(tenant)s AND '*' = ANY(%(roles)s)
ORDER BY name
"""
_COUNTED = f"{_HOLDING} SELECT role, count(*), count(*) FILTER (WHERE without) FROM active GROUP BY role"
_NUMBER = f"{_HOLDING} SELECT count(DISTINCT user_id) FROM active WHERE without"
_ASKED = f"""{_HOLDING}
SELECT u.id, coalesce(nullif(u.display_name, ''), u.username) AS shown
FROM (SELECT DISTINCT user_id FROM active WHERE without) asked
JOIN tenants_user u ON u.id = asked.user_id AND u.tenant_id = %(tenant)s
ORDER BY lower(u.username) LIMIT %(most)s
"""


class RoleUnknown(Invalid):
    """Some of the roles are none that can ask; every one is listed."""

    code = "role_unknown"


class Choice(NamedTuple):
    """A role that can ask. ``value`` is what is stored."""

    value: str
    name: str


class Holders(NamedTuple):
    """Active people with a role, and those among them whom it would ask to set a factor up."""

    people: int
    without: int


def choices(*, tenant: Tenant, at: datetime) -> list[Choice]:
    """Everybody is not among them: the portal's roles, and the tenant's own."""
    portal = ApplicationRole.objects.at(at).filter(application_id=PORTAL_ID).order_by("name", "key")
    own = TenantRole.objects.at(at).filter(tenant=tenant).order_by("name", "key")
    found = [Choice(f"{PORTAL_ID}/{key}", name) for key, name in portal.values_list("key", "name")]
    return [*found, *(Choice(f"/{key}", name) for key, name in own.values_list("key", "name"))]


def choose(
    *, tenant: Tenant, roles: Collection[str], by: Actor, at: datetime, revision: int | None = None
) -> Tenant:
    """These ask from now on, at the next sign-in of who holds one. Nobody is signed out by it."""
    with transaction.atomic():
        row = Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
        policies.require_revision(row, revision)
        known = {EVERYBODY, *(choice.value for choice in choices(tenant=row, at=at))}
        if unknown := sorted(set(roles) - known):
            errors = [
                {
                    "pointer": "/roles",
                    "code": "unknown",
                    "detail": f"{role[:200]} is no role here that can ask.",
                }
                for role in unknown
            ]
            raise RoleUnknown("Some of these roles are not known here.", errors=errors)
        before, after = row.second_factor_roles, sorted(set(roles))
        if before == after:
            return row
        row.second_factor_roles = after
        row.revision += 1
        row.save(update_fields=["second_factor_roles", "revision"])
        record(
            action="tenant.second_factors_changed",
            tenants=[row],
            by=by,
            at=at,
            subject=("tenant", row.id, row.name),
            before={"roles": before},
            after={"roles": after, "revision": f"r-{row.revision}"},
        )
    return row


def reaching(*, tenant: Tenant, roles: Collection[str], at: datetime) -> list[str]:
    """These, and the tenant's own roles that allow at the portal what one of these does.

    Else whoever may make roles copies one that asks under another key, and nobody is asked any more. So a
    single act in common is enough; of a role that only reads, a copy is one that reads all of it.
    """
    if not set(roles) - {EVERYBODY}:
        return list(roles)
    held = _allowed(tenant, at)
    chosen = [held[role] for role in roles if held.get(role)]
    own = sorted(role for role in held if role.startswith("/") and role not in roles)
    return [*roles, *(role for role in own if any(_stands_for(held[role], one) for one in chosen))]


def _stands_for(own: Set[tuple[UUID, str]], chosen: Set[tuple[UUID, str]]) -> bool:
    acts = any(privilege != Privilege.READ for _, privilege in own & chosen)
    return acts or chosen <= own


def _allowed(tenant: Tenant, at: datetime) -> dict[str, set[tuple[UUID, str]]]:
    """What each role that can ask allows at the portal: resources with privileges, by the role's value."""
    fields = ("role__key", "resource_id", "privilege")
    theirs = RolePermission.objects.at(at).filter(role__application_id=PORTAL_ID)
    ours = TenantRolePermission.objects.at(at).filter(tenant=tenant, resource__application_id=PORTAL_ID)
    found: dict[str, set[tuple[UUID, str]]] = defaultdict(set)
    for before, rows in ((PORTAL_ID, theirs), ("", ours)):
        for key, resource_id, privilege in rows.values_list(*fields):
            found[f"{before}/{key}"].add((resource_id, privilege))
    return found


def asking(*, tenant: Tenant, user_id: UUID, at: datetime) -> list[str]:
    """Names of the roles of this person that ask."""
    values = _values(tenant, reaching(tenant=tenant, roles=tenant.second_factor_roles, at=at), at)
    return [name for (name,) in _rows(_OF_USER, {**values, "user": user_id})]


def holders(*, tenant: Tenant, roles: Collection[str], at: datetime) -> dict[str, Holders]:
    """For each of the roles that somebody holds."""
    return {role: Holders(*counts) for role, *counts in _rows(_COUNTED, _values(tenant, roles, at))}


def asked(*, tenant: Tenant, roles: Collection[str], at: datetime, most: int) -> list[tuple[UUID, str]]:
    """Who would have to set a factor up at his next sign-in, by user name: (id, name)."""
    reached = reaching(tenant=tenant, roles=roles, at=at)
    found = _rows(_ASKED, {**_values(tenant, reached, at), "most": most})
    return [(user_id, name) for user_id, name in found]


def count(*, tenant: Tenant, roles: Collection[str], at: datetime) -> int:
    """How many they are."""
    reached = reaching(tenant=tenant, roles=roles, at=at)
    [(number,)] = _rows(_NUMBER, _values(tenant, reached, at))
    return int(number)


def _values(tenant: Tenant, roles: Collection[str], at: datetime) -> dict[str, Any]:
    return {"tenant": tenant.pk, "portal": PORTAL_ID, "roles": list(roles), "at": at}


def _rows(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
