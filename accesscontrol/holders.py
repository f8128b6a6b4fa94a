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

# For whole applications, and up from the people: a group counts with somebody active in it or below it.
# ``OR … IN``, ``IN … IS TRUE`` and ``OFFSET 0`` are looked up in a table made once, or in an index, whatever
# the planner expects. Joined, it went through all members for each person, and all that is given for each
# group: behind the wall it does not know how many are active or members now, and takes them for a few.
_PEOPLED = """
WITH RECURSIVE held AS MATERIALIZED (
    SELECT DISTINCT application_role_id, tenant_role_id, group_id FROM accesscontrol_assignment
    WHERE tenant_id = %(tenant)s AND during @> %(at)s AND application_id IS NULL
        AND (group_id IS NOT NULL OR user_id IN (
            SELECT user_id FROM tenants_useractivity WHERE tenant_id = %(tenant)s AND during @> %(at)s
        ))
), part AS MATERIALIZED (
    SELECT r.id AS role_id, r.application_id FROM applications_applicationrole r
    WHERE r.id = ANY(ARRAY(SELECT DISTINCT application_role_id FROM held))
        AND r.application_id = ANY(%(applications)s)
    UNION
    SELECT p.role_id, s.application_id FROM accesscontrol_tenantrolepermission p
    JOIN applications_resource s ON s.id = p.resource_id AND s.application_id = ANY(%(applications)s)
    WHERE p.role_id = ANY(ARRAY(SELECT DISTINCT tenant_role_id FROM held)) AND p.during @> %(at)s
), given AS MATERIALIZED (
    SELECT DISTINCT part.application_id, held.group_id FROM held
    JOIN part ON part.role_id = coalesce(held.application_role_id, held.tenant_role_id)
), inhabited(group_id) AS (
    SELECT group_id FROM tenants_membership
    WHERE tenant_id = %(tenant)s AND during @> %(at)s AND (user_id IN (
        SELECT user_id FROM tenants_useractivity WHERE tenant_id = %(tenant)s AND during @> %(at)s
    )) IS TRUE
    UNION
    SELECT above.parent_id FROM inhabited
    CROSS JOIN LATERAL (
        SELECT parent_id FROM tenants_groupplacement
        WHERE group_id = inhabited.group_id AND tenant_id = %(tenant)s AND during @> %(at)s OFFSET 0
    ) above
)
SELECT DISTINCT application_id FROM given
WHERE group_id IS NULL OR (
    group_id IN (SELECT group_id FROM inhabited)
    AND group_id IN (SELECT id FROM tenants_group WHERE tenant_id = %(tenant)s AND during @> %(at)s)
)
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


def peopled(*, tenant_id: UUID, application_ids: Collection[str], at: datetime) -> set[str]:
    """Those of the applications of which somebody active in the tenant holds a role at the moment."""
    values: dict[str, Any] = {"tenant": tenant_id, "applications": list(application_ids), "at": at}
    with connection.cursor() as cursor:
        cursor.execute(_PEOPLED, values)
        return {row[0] for row in cursor.fetchall()}
