"""The nearest people in the order of a review who may have something in it.

Where thousands have, a part is found so by an index, person by person; who of all of them has what takes ten
times as long. What they have is worked out from their facts: a few may have nothing that counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from accesscontrol.review.keys import NAME, Edge, Sought

# Asked of each by himself: together, the planner would read whoever is active, or all that is assigned. By an
# array that it does not know: by one value it reads all of the index that keeps memberships apart.
_PEOPLE = """
WITH RECURSIVE reached(group_id) AS (
    SELECT group_id FROM (
        SELECT group_id FROM accesscontrol_assignment
        WHERE tenant_id = %(tenant)s AND user_id IS NULL AND group_id IS NOT NULL
            AND application_role_id = ANY(%(roles)s::uuid[]) AND during @> ANY(%(moments)s::timestamptz[])
        UNION ALL
        SELECT group_id FROM accesscontrol_assignment
        WHERE tenant_id = %(tenant)s AND user_id IS NULL AND group_id IS NOT NULL
            AND tenant_role_id = ANY(%(roles)s::uuid[]) AND during @> ANY(%(moments)s::timestamptz[])
    ) given
    UNION
    SELECT below.group_id FROM reached CROSS JOIN LATERAL (
        SELECT group_id FROM tenants_groupplacement
        WHERE parent_id = reached.group_id AND tenant_id = %(tenant)s
            AND during @> ANY(%(moments)s::timestamptz[]) OFFSET 0
    ) below
)
SELECT u.* FROM (
    SELECT {first} AS first, u.id FROM tenants_user u WHERE u.tenant_id = %(tenant)s {from_edge}
    ORDER BY {order} LIMIT %(looked_at)s
) u
WHERE (
    SELECT true FROM tenants_useractivity
    WHERE user_id = ANY(ARRAY(SELECT u.id)) AND tenant_id = %(tenant)s
        AND during @> ANY(%(moments)s::timestamptz[])
    LIMIT 1
) IS TRUE AND ((
    SELECT true FROM tenants_membership
    WHERE user_id = ANY(ARRAY(SELECT u.id)) AND tenant_id = %(tenant)s
        AND during @> ANY(%(moments)s::timestamptz[])
        AND (group_id IN (SELECT group_id FROM reached)) IS TRUE
    LIMIT 1
) IS TRUE OR (
    SELECT true FROM accesscontrol_assignment
    WHERE user_id = ANY(ARRAY(SELECT u.id)) AND tenant_id = %(tenant)s
        AND during @> ANY(%(moments)s::timestamptz[])
        AND (application_role_id = ANY(%(roles)s::uuid[]) OR tenant_role_id = ANY(%(roles)s::uuid[])) IS TRUE
    LIMIT 1
) IS TRUE)
ORDER BY {order} LIMIT %(most)s
"""
LOOKED_AT = (
    40  # people for each who is sought: where those who have something stand far apart, all are looked at
)


@dataclass(frozen=True, slots=True)
class Person:
    """As the review orders people; ``first`` is nothing where ids alone are the order."""

    first: str
    user_id: UUID


def people(sought: Sought, *, edge: Edge | None, backwards: bool, most: int) -> Sequence[Person]:
    """Who may have a line at one of the moments, from the person of the edge on, the nearest first.

    At most so many, of the next :data:`LOOKED_AT` times as many: fewer are not all that there are.
    """
    compare, way = ("<=", "DESC") if backwards else (">=", "")
    if sought.by_name:
        first, order = f'{NAME} COLLATE "C"', f"first {way}, u.id {way}"
        beyond = f"({first}, u.id) {compare} (%(first)s, %(user)s)"
    else:
        first, order = "''", f"u.id {way}"
        beyond = f"u.id {compare} %(user)s"
    values: dict[str, Any] = {
        "tenant": sought.tenant_id,
        "moments": [side.at for side in sought.sides],
        "roles": list({slot.role_id for side in sought.sides for slot, _line in side.slots}),
        "most": most,
        "looked_at": LOOKED_AT * most,
    }
    if edge is not None:
        values |= {"first": edge.first, "user": edge.user_id}
    statement = _PEOPLE.format(first=first, from_edge=f"AND {beyond}" if edge else "", order=order)
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [Person(*row) for row in cursor.fetchall()]
