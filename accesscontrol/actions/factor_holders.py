"""How many hold each role that can ask for a second factor: exact up to a bound, beyond it more than that.

In a large organization one role is held by thousands: to count all of each took longer than the whole page.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from accesscontrol.actions import second_factors
from applications.models.applications import PORTAL_ID
from tenants.models import Tenant

MOST = 50
_OPEN = "contract_id IS NULL AND application_id IS NULL AND during @> %(at)s"
_OWN = "starts_with(asks.role, '/')"  # a role of the tenant's making, by its name in ``roles``
# What groups hold is found by the index of what no person holds, and then down the tree.
_GROUPS = f"""
    SELECT given.group_id, asks.role FROM asks CROSS JOIN LATERAL (
        SELECT group_id FROM accesscontrol_assignment
        WHERE NOT {_OWN}
            AND tenant_id = %(tenant)s AND user_id IS NULL AND application_role_id = asks.id AND {_OPEN}
        UNION ALL
        SELECT group_id FROM accesscontrol_assignment
        WHERE {_OWN} AND tenant_id = %(tenant)s AND user_id IS NULL AND application_role_id IS NULL
            AND tenant_role_id = asks.id AND {_OPEN}
        OFFSET 0
    ) given
    WHERE (given.group_id IN (
        SELECT id FROM tenants_group WHERE tenant_id = %(tenant)s AND during @> %(at)s
    )) IS TRUE
    UNION
    SELECT below.group_id, reached.role FROM reached CROSS JOIN LATERAL (
        SELECT group_id FROM tenants_groupplacement
        WHERE parent_id = reached.group_id AND tenant_id = %(tenant)s AND during @> %(at)s OFFSET 0
    ) below
"""
# Role by role until so many rows are found; a person may be in two of them. The groups of a role lie beside
# it: looked for role by role, all of them would be gone through as often.
_SEEN = f"""{second_factors.ASKS}, reached(group_id, role) AS ({_GROUPS}), inside AS MATERIALIZED (
    SELECT role, array_agg(group_id) AS group_ids FROM reached GROUP BY role
), seen AS MATERIALIZED (
    SELECT asks.role, held.user_id FROM (
        SELECT asks.id, asks.role, inside.group_ids FROM asks LEFT JOIN inside ON inside.role = asks.role
        UNION ALL SELECT NULL, '*', NULL
    ) asks
    CROSS JOIN LATERAL (
        SELECT user_id FROM (
            SELECT user_id FROM accesscontrol_assignment
            WHERE NOT {_OWN} AND tenant_id = %(tenant)s AND application_role_id = asks.id
                AND user_id IS NOT NULL AND {_OPEN}
            UNION ALL
            SELECT user_id FROM accesscontrol_assignment
            WHERE {_OWN} AND tenant_id = %(tenant)s AND tenant_role_id = asks.id
                AND user_id IS NOT NULL AND {_OPEN}
            UNION ALL
            SELECT m.user_id FROM unnest(asks.group_ids) AS reached(group_id) CROSS JOIN LATERAL (
                SELECT user_id FROM tenants_membership
                WHERE group_id = reached.group_id AND tenant_id = %(tenant)s AND during @> %(at)s OFFSET 0
            ) m
            UNION ALL
            SELECT id FROM tenants_user
            WHERE tenant_id = %(tenant)s AND asks.role = '*' AND '*' = ANY(%(roles)s)
            OFFSET 0
        ) holder
        WHERE (user_id IN (
                SELECT user_id FROM tenants_useractivity WHERE tenant_id = %(tenant)s AND during @> %(at)s
            )) IS TRUE
        LIMIT %(rows)s
    ) held
)
SELECT role, count(*), count(DISTINCT user_id), count(DISTINCT user_id) FILTER (WHERE
    (user_id IN (SELECT user_id FROM tenants_authenticatorapp WHERE tenant_id = %(tenant)s)) IS NOT TRUE
    AND (user_id IN (SELECT user_id FROM tenants_passkey WHERE tenant_id = %(tenant)s)) IS NOT TRUE)
FROM seen GROUP BY role
"""


class Counted(NamedTuple):
    """Active people with a role, and those without a factor; where there are ``more``, at least so many."""

    people: int
    without: int
    more: bool = False


def counted(*, tenant: Tenant, roles: Collection[str], at: datetime) -> dict[str, Counted]:
    """For each of the roles that somebody holds. One query; a second where few hold one in many ways."""
    values: dict[str, Any] = {"tenant": tenant.pk, "portal": PORTAL_ID, "roles": list(roles), "at": at}
    with connection.cursor() as cursor:
        cursor.execute(_SEEN, {**values, "rows": MOST + 1})
        found = cursor.fetchall()
    told = {role: Counted(people, without, people > MOST) for role, _rows, people, without in found}
    unsure = [role for role, rows, people, _without in found if people <= MOST < rows]
    if unsure:
        exact = second_factors.holders(tenant=tenant, roles=unsure, at=at)
        for role in unsure:
            del told[role]  # nobody may hold it any more
        told |= {role: Counted(*exact[role]) for role in unsure if role in exact}
    return told
