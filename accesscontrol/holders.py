"""Who holds a permission of the portal now: people, in any number of tenants, by one statement.

The gate answers for one actor; this answers the other way round, for mail. A test sets one against the other.
"""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from applications.models.applications import PORTAL_ID
from iam_portal.gate import Privilege
from iam_portal.walls import cross_tenant

# Roles of the portal, and those that a tenant made of its permissions; then down the tree of groups.
_PEOPLE = """
WITH RECURSIVE door AS MATERIALIZED (
    SELECT id, key FROM applications_resource
    WHERE application_id = %(portal)s AND type = 'urn:iam:portal' AND key = ANY(%(resources)s)
        AND owner_tenant_id IS NULL
), given AS (
    SELECT a.tenant_id, a.user_id, a.group_id, door.key AS resource
    FROM accesscontrol_assignment a
    JOIN applications_applicationrole r ON r.id = a.application_role_id AND r.during @> %(at)s
    JOIN applications_rolepermission p
        ON p.role_id = r.id AND p.privilege = %(privilege)s AND p.during @> %(at)s
    JOIN door ON door.id = p.resource_id
    WHERE a.tenant_id = ANY(%(tenants)s) AND a.during @> %(at)s AND a.contract_id IS NULL
        AND r.application_id = %(portal)s
    UNION
    SELECT a.tenant_id, a.user_id, a.group_id, door.key
    FROM accesscontrol_assignment a
    JOIN accesscontrol_tenantrole r ON r.id = a.tenant_role_id AND r.during @> %(at)s
    JOIN accesscontrol_tenantrolepermission p
        ON p.role_id = r.id AND p.privilege = %(privilege)s AND p.during @> %(at)s
    JOIN door ON door.id = p.resource_id
    WHERE a.tenant_id = ANY(%(tenants)s) AND a.during @> %(at)s
), reached(tenant_id, group_id, resource) AS (
    SELECT given.tenant_id, given.group_id, given.resource FROM given
    JOIN tenants_group g ON g.id = given.group_id AND g.during @> %(at)s
    UNION
    SELECT reached.tenant_id, p.group_id, reached.resource FROM reached
    JOIN tenants_groupplacement p
        ON p.parent_id = reached.group_id AND p.tenant_id = reached.tenant_id AND p.during @> %(at)s
), person AS (
    SELECT tenant_id, user_id, resource FROM given WHERE user_id IS NOT NULL
    UNION
    SELECT reached.tenant_id, m.user_id, reached.resource FROM reached
    JOIN tenants_membership m
        ON m.group_id = reached.group_id AND m.tenant_id = reached.tenant_id AND m.during @> %(at)s
)
SELECT person.tenant_id, person.resource, u.display_name, u.email, u.language
FROM person JOIN tenants_user u ON u.id = person.user_id AND u.tenant_id = person.tenant_id
WHERE EXISTS (SELECT FROM tenants_useractivity s WHERE s.user_id = u.id AND s.during @> %(at)s)
    AND NOT EXISTS (SELECT FROM tenants_tenantsuspension s
                    WHERE s.tenant_id = person.tenant_id AND s.during @> %(at)s)
ORDER BY person.tenant_id, person.resource, u.id
"""

# Whether somebody active is assigned {whom} directly, by the first that is found: one look for each row of
# ``{whom}``. A scalar question is asked row by row; as EXISTS, it was joined with everybody of the tenant.
_SOMEBODY = """(
    SELECT true FROM accesscontrol_assignment a
    WHERE a.tenant_id = %(tenant)s AND a.{column} = {whom} AND a.during @> %(at)s AND a.user_id IS NOT NULL
        AND a.user_id IS DISTINCT FROM %(without)s::uuid
        AND (SELECT true FROM tenants_useractivity
             WHERE user_id = a.user_id AND tenant_id = %(tenant)s AND during @> %(at)s LIMIT 1)
    LIMIT 1
)"""
# In turns, each for the applications that are left: who holds a role of it directly, then a role of the
# tenant's own making that holds something of it, then what groups hold with somebody active in or below them.
_PEOPLED = f"""
WITH RECURSIVE part AS MATERIALIZED (
    SELECT id AS role_id, application_id FROM applications_applicationrole
    WHERE application_id = ANY(%(applications)s)
), direct AS MATERIALIZED (
    SELECT application_id FROM unnest(%(applications)s::text[]) AS wanted(application_id) WHERE (
        SELECT true FROM part WHERE part.application_id = wanted.application_id
            AND {_SOMEBODY.format(whom="part.role_id", column="application_role_id")} LIMIT 1
    )
), rest AS MATERIALIZED (
    SELECT application_id FROM unnest(%(applications)s::text[]) AS wanted(application_id)
    WHERE NOT application_id = ANY(ARRAY(SELECT application_id FROM direct))
), made AS MATERIALIZED (
    SELECT DISTINCT p.role_id, rest.application_id FROM rest
    CROSS JOIN LATERAL (
        SELECT id FROM applications_resource WHERE application_id = rest.application_id OFFSET 0
    ) s
    CROSS JOIN LATERAL (
        SELECT role_id FROM accesscontrol_tenantrolepermission
        WHERE tenant_id = %(tenant)s AND resource_id = s.id AND during @> %(at)s OFFSET 0
    ) p
), by_own AS MATERIALIZED (
    SELECT DISTINCT application_id FROM made
    WHERE {_SOMEBODY.format(whom="made.role_id", column="tenant_role_id")}
), below(application_id, group_id) AS (
    SELECT DISTINCT role.application_id, a.group_id FROM (
        SELECT role_id, application_id, true AS declared FROM part
        UNION ALL SELECT role_id, application_id, false FROM made
    ) role
    CROSS JOIN LATERAL (
        SELECT group_id FROM accesscontrol_assignment
        WHERE role.declared AND tenant_id = %(tenant)s AND application_role_id = role.role_id
            AND user_id IS NULL AND group_id IS NOT NULL AND during @> %(at)s
        UNION ALL
        SELECT group_id FROM accesscontrol_assignment
        WHERE NOT role.declared AND tenant_id = %(tenant)s AND tenant_role_id = role.role_id
            AND user_id IS NULL AND group_id IS NOT NULL AND during @> %(at)s
        OFFSET 0
    ) a
    WHERE role.application_id = ANY(ARRAY(SELECT application_id FROM rest))
        AND NOT role.application_id = ANY(ARRAY(SELECT application_id FROM by_own))
        AND (SELECT true FROM tenants_group
             WHERE id = a.group_id AND tenant_id = %(tenant)s AND during @> %(at)s)
    UNION
    SELECT below.application_id, inside.group_id FROM below
    CROSS JOIN LATERAL (
        SELECT group_id FROM tenants_groupplacement
        WHERE parent_id = below.group_id AND tenant_id = %(tenant)s AND during @> %(at)s OFFSET 0
    ) inside
)
SELECT application_id FROM direct
UNION SELECT application_id FROM by_own
UNION SELECT application_id FROM below WHERE (
    SELECT true FROM tenants_membership m
    WHERE m.group_id = below.group_id AND m.tenant_id = %(tenant)s AND m.during @> %(at)s
        AND m.user_id IS DISTINCT FROM %(without)s::uuid
        AND (SELECT true FROM tenants_useractivity
             WHERE user_id = m.user_id AND tenant_id = %(tenant)s AND during @> %(at)s LIMIT 1)
    LIMIT 1
)
"""


# From one role to the next by the index: all that is assigned is not looked at.
_GIVEN = """
WITH RECURSIVE given(role_id) AS (
    (SELECT application_role_id FROM accesscontrol_assignment
     WHERE tenant_id = %(tenant)s AND application_role_id IS NOT NULL ORDER BY application_role_id LIMIT 1)
    UNION ALL
    SELECT (SELECT application_role_id FROM accesscontrol_assignment
            WHERE tenant_id = %(tenant)s AND application_role_id > given.role_id
            ORDER BY application_role_id LIMIT 1)
    FROM given WHERE given.role_id IS NOT NULL
)
SELECT DISTINCT a.id, a.display_name FROM given
JOIN applications_applicationrole r ON r.id = given.role_id
JOIN applications_application a ON a.id = r.application_id
ORDER BY a.display_name, a.id LIMIT %(most)s
"""


def people(
    *, tenant_ids: Collection[UUID], resources: Collection[str], privilege: Privilege, at: datetime
) -> Iterator[tuple[UUID, str, str, str, str]]:
    """(tenant, resource, name, address, language) of everybody who holds the privilege there now."""
    values: dict[str, Any] = {
        "portal": PORTAL_ID,
        "tenants": list(tenant_ids),
        "resources": list(resources),
        "privilege": privilege.value,
        "at": at,
    }
    with cross_tenant(), connection.cursor() as cursor:
        cursor.execute(_PEOPLE, values)
        yield from cursor.fetchall()


def peopled(
    *, tenant_id: UUID, application_ids: Collection[str], at: datetime, without: UUID | None = None
) -> set[str]:
    """Those of the applications of which somebody active in the tenant holds a role at the moment.

    ``without``: somebody other than this person.
    """
    if not application_ids:
        return set()
    values: dict[str, Any] = {"tenant": tenant_id, "applications": list(application_ids), "at": at}
    with connection.cursor() as cursor:
        cursor.execute(_PEOPLED, {**values, "without": without})
        return {row[0] for row in cursor.fetchall()}


def applications_given(*, tenant_id: UUID, most: int) -> list[tuple[str, str]]:
    """(id, name) of applications of which a role is or was assigned in the tenant, by name."""
    with connection.cursor() as cursor:
        cursor.execute(_GIVEN, {"tenant": tenant_id, "most": most})
        return cursor.fetchall()
