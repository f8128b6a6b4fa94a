"""Partners by what was typed, for the search: each side from an index that holds what is asked.

Only what is told is read whole: thousands lie on as many pages.
"""

from typing import Any
from uuid import UUID

from django.db import connection

_NAMED = """
WITH said AS MATERIALIZED (
    SELECT id FROM tenants_partnership
    WHERE inviter_id = %(tenant)s AND (note > '' OR expected_slug > '')
        AND (upper(note) LIKE upper(%(within)s) OR upper(expected_slug) LIKE upper(%(within)s))
), found AS MATERIALIZED (
    SELECT mine.id, t.name FROM (
        SELECT id, invitee_id AS other FROM tenants_partnership WHERE inviter_id = %(tenant)s
        UNION ALL
        SELECT id, inviter_id FROM tenants_partnership WHERE invitee_id = %(tenant)s
    ) AS mine LEFT JOIN tenants_tenant t ON t.id = mine.other
    WHERE upper(t.name) LIKE upper(%(within)s) OR upper(t.slug) LIKE upper(%(within)s)
        OR mine.id IN (SELECT id FROM said)
)
SELECT id, (SELECT count(*) FROM found) FROM found
ORDER BY coalesce(upper(name) LIKE upper(%(beginning)s), false) DESC, name, id LIMIT %(shown)s
"""


def partners_named(wanted: str, *, tenant_id: UUID, shown: int) -> tuple[list[UUID], int]:
    """The first partnerships by the other side's name, and how many there are. One statement."""
    escaped = connection.ops.prep_for_like_query(wanted)
    values: dict[str, Any] = {
        "tenant": tenant_id,
        "within": f"%{escaped}%",
        "beginning": f"{escaped}%",
        "shown": shown,
    }
    with connection.cursor() as cursor:
        cursor.execute(_NAMED, values)
        rows = cursor.fetchall()
    return [row[0] for row in rows], rows[0][1] if rows else 0
