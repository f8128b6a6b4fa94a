"""What whoever becomes a person, or comes into a group, would have in hand: ``may grant`` asks it."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import connection

from accesscontrol.decide import Permission
from applications.models.applications import PORTAL_ID

NOT_OVER = "NOT isempty(during) AND (upper_inf(during) OR upper(during) > %(at)s)"
# The roles that people and groups have, now or by plan, by themselves or by groups above.
GIVEN = f"""
WITH RECURSIVE above(id) AS (
    SELECT group_id FROM tenants_membership
    WHERE tenant_id = %(tenant)s AND user_id = ANY(ARRAY(SELECT unnest(%(users)s::uuid[]))) AND {NOT_OVER}
    UNION ALL
    SELECT unnest(%(groups)s::uuid[])
    UNION
    SELECT p.parent_id FROM above JOIN tenants_groupplacement p
        ON p.group_id = above.id AND p.tenant_id = %(tenant)s
    WHERE {NOT_OVER}
), given AS MATERIALIZED (
    SELECT DISTINCT application_role_id, tenant_role_id FROM accesscontrol_assignment
    WHERE tenant_id = %(tenant)s AND {NOT_OVER}
        AND (user_id = ANY(%(users)s::uuid[]) OR group_id = ANY(ARRAY(SELECT id FROM above)))
)"""
# Permissions of the portal; a row of nothing stands for something of another application, or for a role that
# is empty: it may be filled with anything. Each by its id: joined, all that the tenant's roles hold is read.
_IN_HAND = f"""{GIVEN}, declared AS MATERIALIZED (
    SELECT id, application_id = %(portal)s AS of_portal FROM applications_applicationrole
    WHERE id = ANY(ARRAY(SELECT application_role_id FROM given))
)
(SELECT NULL, NULL, NULL FROM declared WHERE NOT of_portal LIMIT 1)
UNION ALL
SELECT s.type, s.key, p.privilege
FROM (
    SELECT resource_id, privilege FROM applications_rolepermission
    WHERE role_id = ANY(ARRAY(SELECT id FROM declared WHERE of_portal)) AND during @> %(at)s OFFSET 0
) p
CROSS JOIN LATERAL (SELECT type, key FROM applications_resource WHERE id = p.resource_id OFFSET 0) s
UNION ALL
SELECT DISTINCT s.type, s.key, s.privilege
FROM (SELECT DISTINCT tenant_role_id FROM given WHERE tenant_role_id IS NOT NULL) made
LEFT JOIN LATERAL (
    SELECT resource_id, privilege FROM accesscontrol_tenantrolepermission
    WHERE role_id = made.tenant_role_id AND {NOT_OVER} OFFSET 0
) p ON true
LEFT JOIN LATERAL (
    SELECT type, key, p.privilege FROM applications_resource
    WHERE id = p.resource_id AND application_id = %(portal)s OFFSET 0
) s ON true
"""


def in_hand(
    *, tenant_id: UUID, users: Collection[UUID] = (), groups: Collection[UUID] = (), at: datetime
) -> tuple[set[Permission], bool]:
    """(portal permissions, whether anything else) of what these have, by themselves or by groups above.

    Now or by plan: what begins tomorrow is handed out today. One statement, in the tenant's scope.
    """
    given = {"users": list(users), "groups": list(groups)}
    with connection.cursor() as cursor:
        cursor.execute(_IN_HAND, {"tenant": tenant_id, "portal": PORTAL_ID, "at": at, **given})
        rows = cursor.fetchall()
    return {(kind, key, privilege) for kind, key, privilege in rows if kind}, any(not row[0] for row in rows)
