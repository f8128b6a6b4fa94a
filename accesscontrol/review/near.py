"""The nearest people in the order of a review, whatever they hold.

Where most hold something a part is theirs. Of thousands, the next few dozens are found by an index; who of
all of them holds something takes ten times as long.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from accesscontrol.review.keys import NAME, Edge

# Asked of each by himself: together, the planner would read whoever is active, and sort.
_PEOPLE = """
SELECT {first} AS first, u.id, CASE WHEN u.display_name > '' THEN u.display_name ELSE u.username END
FROM tenants_user u
WHERE u.tenant_id = %(tenant)s {from_edge} AND (
    SELECT true FROM tenants_useractivity
    WHERE user_id = ANY(ARRAY[u.id]) AND tenant_id = %(tenant)s AND during @> ANY(%(moments)s::timestamptz[])
    LIMIT 1
) IS TRUE
ORDER BY first {way}, u.id {way} LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class Person:
    """As the review orders and calls people; ``first`` is nothing where ids alone are the order."""

    first: str
    user_id: UUID
    name: str


def people(
    tenant_id: str,
    moments: Sequence[datetime],
    *,
    by_name: bool,
    edge: Edge | None,
    backwards: bool,
    most: int,
) -> list[Person]:
    """Who is active at one of the moments, from the person of the edge on, the nearest first."""
    first = f'{NAME} COLLATE "C"' if by_name else "''"
    compare, way = ("<=", "DESC") if backwards else (">=", "")
    beyond = f"({first}, u.id) {compare} (%(first)s, %(user)s)" if by_name else f"u.id {compare} %(user)s"
    from_edge = f"AND {beyond}" if edge else ""
    values: dict[str, Any] = {"tenant": tenant_id, "moments": list(moments), "most": most}
    if edge is not None:
        values |= {"first": edge.first, "user": edge.user_id}
    with connection.cursor() as cursor:
        cursor.execute(_PEOPLE.format(first=first, from_edge=from_edge, way=way), values)
        return [Person(*row) for row in cursor.fetchall()]
