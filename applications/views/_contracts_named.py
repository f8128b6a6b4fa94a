"""Contracts by what was typed, for the search: the same as the list finds, of many among the newest.

Who is called so and which roles are is found once; then each side's contracts are asked, newest first, by an
index that holds what is asked. Where very many are called so, the newest contracts are asked for their
partner's name instead: a few of them are enough. Nothing can be turned around: from a role that everybody
has, terms of everybody would be read.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection

MANY = 1_000  # tenants that are called so
_SIDE = """
(SELECT c.id, c.consumer_id FROM applications_contract c
WHERE {side} AND c.type = ANY(%(types)s) AND (
    CASE WHEN (SELECT count(*) > %(many)s FROM called)
        THEN (SELECT upper(name) LIKE upper(%(within)s) FROM tenants_tenant WHERE id = c.{other})
        ELSE c.{other} IN (SELECT id FROM called) END
    OR EXISTS (SELECT FROM meant) AND EXISTS (
        SELECT FROM applications_contractterm WHERE contract_id = ANY(ARRAY[c.id])
            AND role_id = ANY(ARRAY(SELECT id FROM meant))))
ORDER BY c.created_at DESC LIMIT %(most)s)
UNION
(SELECT c.id, c.consumer_id FROM applications_contract c
WHERE {side} AND c.type = ANY(%(types)s) AND c.note > '' AND upper(c.note) LIKE upper(%(within)s)
ORDER BY c.created_at DESC LIMIT %(most)s)
"""
_PROVIDED = _SIDE.format(side="c.provider_id = %(tenant)s", other="consumer_id")
_RECEIVED = _SIDE.format(side="c.consumer_id = %(tenant)s AND c.proposed_at IS NOT NULL", other="provider_id")
_NAMED = f"""
WITH called AS MATERIALIZED (
    SELECT id FROM tenants_tenant WHERE upper(name) LIKE upper(%(within)s) LIMIT %(many)s + 1
), titled AS MATERIALIZED (
    SELECT id FROM applications_application
    WHERE upper(display_name) LIKE upper(%(within)s) OR upper(id) LIKE upper(%(within)s)
), meant AS MATERIALIZED (
    SELECT id FROM applications_applicationrole
    WHERE application_id IN (SELECT id FROM titled) OR upper(name) LIKE upper(%(within)s)
), found AS MATERIALIZED ({_PROVIDED} UNION {_RECEIVED})
SELECT found.id, (SELECT count(*) FROM found) FROM found
CROSS JOIN LATERAL (SELECT name FROM tenants_tenant WHERE id = found.consumer_id OFFSET 0) t
ORDER BY upper(t.name) LIKE upper(%(beginning)s) DESC, t.name, found.id LIMIT %(shown)s
"""


def contracts_named(
    wanted: str, *, tenant_id: UUID, types: Sequence[str], most: int, shown: int
) -> tuple[list[UUID], int]:
    """The first by their consumer's name, and how many; of a side no more than ``most`` are looked for."""
    escaped = connection.ops.prep_for_like_query(wanted)
    values: dict[str, Any] = {
        "tenant": tenant_id,
        "types": list(types),
        "within": f"%{escaped}%",
        "beginning": f"{escaped}%",
        "most": most,
        "shown": shown,
        "many": MANY,
    }
    with connection.cursor() as cursor:
        cursor.execute(_NAMED, values)
        rows = cursor.fetchall()
    return [row[0] for row in rows], rows[0][1] if rows else 0
