"""Whose lines of a review are in a part: one statement over what is assigned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from accesscontrol.review.slots import Slot

# Who has which line at a moment: directly, or by a group above his own. ``IN … IS TRUE`` is looked up in a
# table made once; behind the wall the planner does not know how many are active, or members, at a moment.
# It would sort the pairs to keep each once, too: what a recursion finds is kept so in such a table.
_WAYS = """slot{n} AS MATERIALIZED (
    SELECT * FROM unnest(%(roles{n})s::uuid[], %(contracts{n})s::uuid[], %(lines{n})s::int[])
        AS slot(role_id, contract_id, line)
), given{n} AS MATERIALIZED (
    SELECT slot.line, a.user_id, a.group_id FROM slot{n} slot CROSS JOIN LATERAL (
        SELECT user_id, group_id FROM accesscontrol_assignment
        WHERE tenant_id = %(tenant)s AND application_role_id = slot.role_id AND application_id IS NULL
            AND contract_id IS NOT DISTINCT FROM slot.contract_id AND during @> %(at{n})s
        UNION ALL
        SELECT user_id, group_id FROM accesscontrol_assignment
        WHERE tenant_id = %(tenant)s AND tenant_role_id = slot.role_id AND application_id IS NULL
            AND during @> %(at{n})s
        OFFSET 0
    ) a
), reached{n}(line, group_id) AS (
    SELECT line, group_id FROM given{n} WHERE (group_id IN (
        SELECT id FROM tenants_group WHERE tenant_id = %(tenant)s AND during @> %(at{n})s
    )) IS TRUE
    UNION
    SELECT reached.line, below.group_id FROM reached{n} reached CROSS JOIN LATERAL (
        SELECT group_id FROM tenants_groupplacement
        WHERE parent_id = reached.group_id AND tenant_id = %(tenant)s AND during @> %(at{n})s OFFSET 0
    ) below
)"""
_PEOPLE = """person{n}(line, user_id) AS (
    SELECT line, user_id FROM (
        SELECT line, user_id FROM given{n} WHERE {given}
        UNION ALL
        SELECT reached.line, m.user_id FROM reached{n} reached
        JOIN {memberships} m ON m.group_id = reached.group_id
        WHERE m.tenant_id = %(tenant)s AND m.during @> %(at{n})s {member}
    ) every
    UNION
    SELECT line, user_id FROM person{n} WHERE false
), held{n} AS MATERIALIZED (
    SELECT line, user_id FROM person{n} WHERE (user_id IN (
        SELECT user_id FROM {lives} WHERE tenant_id = %(tenant)s AND during @> %(at{n})s
    )) IS TRUE
)"""
_SAME = "kept AS NOT MATERIALIZED (SELECT line, user_id FROM held1)"
_DIFFERENT = """kept AS MATERIALIZED (
    SELECT line, user_id FROM held1 FULL JOIN held2 USING (line, user_id)
    WHERE CASE WHEN held2.user_id IS NULL THEN line = ANY(%(lost)s)
        WHEN held1.user_id IS NULL THEN line = ANY(%(gained)s) ELSE line = ANY(%(changed)s) END
)"""
NAME = "lower(CASE WHEN u.display_name > '' THEN u.display_name ELSE u.username END)"  # as the index has it
# Between two moments, of those alone whose own lines may not be the same: by what was given, by a group that
# came to other lines, by a membership, by a life.
_TURNED = """moved AS MATERIALIZED (
    (SELECT line, group_id FROM reached1 EXCEPT SELECT line, group_id FROM reached2)
    UNION ALL
    (SELECT line, group_id FROM reached2 EXCEPT SELECT line, group_id FROM reached1)
), turned AS MATERIALIZED (
    SELECT user_id FROM (
        (SELECT line, user_id FROM given1 EXCEPT SELECT line, user_id FROM given2)
        UNION ALL
        (SELECT line, user_id FROM given2 EXCEPT SELECT line, user_id FROM given1)
    ) given WHERE user_id IS NOT NULL
    UNION ALL
    SELECT user_id FROM tenants_membership WHERE tenant_id = %(tenant)s AND (
        (during @> %(at1)s AND during @> %(at2)s AND group_id IN (SELECT group_id FROM moved))
        OR ((during @> %(at1)s) <> (during @> %(at2)s)
            AND group_id IN (SELECT group_id FROM reached1 UNION ALL SELECT group_id FROM reached2))
    ) IS TRUE
    UNION ALL
    SELECT user_id FROM tenants_useractivity
    WHERE tenant_id = %(tenant)s AND (during @> %(at1)s) <> (during @> %(at2)s)
), theirs AS MATERIALIZED (
    SELECT tenant_id, group_id, user_id, during FROM tenants_membership
    WHERE tenant_id = %(tenant)s AND (user_id IN (SELECT user_id FROM turned)) IS TRUE
), lives AS MATERIALIZED (
    SELECT tenant_id, user_id, during FROM tenants_useractivity
    WHERE tenant_id = %(tenant)s AND (user_id IN (SELECT user_id FROM turned)) IS TRUE
)"""
_ANYBODY = {
    "given": "user_id IS NOT NULL",
    "member": "",
    "memberships": "tenants_membership",
    "lives": "tenants_useractivity",
}
_OF_TURNED = {
    "given": "(user_id IN (SELECT user_id FROM turned)) IS TRUE",
    "member": "",
    "memberships": "theirs",
    "lives": "lives",
}
# With a text, those so named come first, and nobody else is looked at.
_OF_NAMED = {
    **_ANYBODY,
    "given": "(user_id IN (SELECT id FROM named)) IS TRUE",
    "member": "AND (m.user_id IN (SELECT id FROM named)) IS TRUE",
}
_TEXT = f"AND (position(%(text)s IN {NAME}) > 0 OR u.id::text = %(text)s)"
_NAMED = """named AS {once} MATERIALIZED (
    SELECT {first} AS first, u.id FROM tenants_user u WHERE u.tenant_id = %(tenant)s {text}
)"""
_NEAR = """, near AS MATERIALIZED (
    SELECT first, id FROM named WHERE (id IN (SELECT user_id FROM kept)) IS TRUE {from_edge}
    ORDER BY first {way}, id {way} LIMIT %(limit)s + 1
), found AS (
    SELECT near.first, near.id, kept.line FROM near JOIN kept ON kept.user_id = near.id
)"""
# By ids alone nothing of the people is asked but what the pairs say.
_BY_ID = """, found AS (
    SELECT '' AS first, user_id AS id, line FROM kept
)"""
_FOUND = """
SELECT counted.number, part.first, part.id, part.line
FROM (SELECT count(*) AS number FROM {counted}) counted
LEFT JOIN LATERAL (
    SELECT * FROM found WHERE {few} {beyond} ORDER BY first {way}, id {way}, line {way} LIMIT %(limit)s
) part ON true
"""
_ALL = {"counted": "kept", "few": "true"}
# A table that a recursion makes is made as far as it is read: of many lines, the others are not looked for.
_UP_TO = {"counted": "(SELECT FROM kept LIMIT %(most)s + 1) up_to", "few": "counted.number <= %(most)s"}


@dataclass(frozen=True, slots=True)
class Side:
    """A moment, and the slots that count then, each with the number of its line."""

    at: datetime
    slots: Sequence[tuple[Slot, int]]


@dataclass(frozen=True, slots=True)
class Edge:
    """Beyond which row: its name in the order (nothing where ids alone are one), its person, its line."""

    first: str
    user_id: UUID
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """One moment; or two, and which lines are told when lost, gained or changed."""

    tenant_id: str
    sides: Sequence[Side]
    told: Mapping[str, Sequence[int]]
    text: str
    by_name: bool


def rows(
    sought: Sought, *, edge: Edge | None, backwards: bool, limit: int, most: int | None = None
) -> tuple[int, list[Edge]]:
    """How many there are in all, and those of the part: the nearest to the edge first.

    Of more than ``most``, only that they are more: the number is one more, and there are no rows.
    """
    both = len(sought.sides) == 2
    parts = [_WAYS.format(n=n) for n in range(1, len(sought.sides) + 1)]
    whom = _OF_NAMED if sought.text else _ANYBODY
    if both and not sought.text and not sought.told["changed"]:
        parts.append(_TURNED)
        whom = _OF_TURNED
    parts += [_PEOPLE.format(n=n, **whom) for n in range(1, len(sought.sides) + 1)]
    parts.append(_DIFFERENT if both else _SAME)
    order, tail = _order(edge, backwards), _BY_ID
    if sought.by_name or sought.text:
        # With a text it is asked three times.
        once = {"once": "" if sought.text else "NOT", "text": _TEXT if sought.text else ""}
        first = f'{NAME} COLLATE "C"' if sought.by_name else "''"
        parts.insert(0, _NAMED.format(first=first, **once))
        beyond = f"AND (first, id) {order['compare']}= (%(first)s, %(user)s)" if edge else ""
        tail = _NEAR.format(from_edge=beyond, **order)
    tail += _FOUND.format(**order, **(_ALL if most is None else _UP_TO))
    values = {**_values(sought, edge, limit), "most": most}
    with connection.cursor() as cursor:
        cursor.execute(f"WITH RECURSIVE {','.join(parts)}{tail}", values)
        found = cursor.fetchall()
    return found[0][0], [Edge(*row) for _number, *row in found if row[1] is not None]


def _order(edge: Edge | None, backwards: bool) -> dict[str, str]:
    compare, way = ("<", "DESC") if backwards else (">", "")
    beyond = f"AND (first, id, line) {compare} (%(first)s, %(user)s, %(line)s)" if edge else ""
    return {"compare": compare, "way": way, "beyond": beyond}


def _values(sought: Sought, edge: Edge | None, limit: int) -> dict[str, Any]:
    values: dict[str, Any] = {"tenant": sought.tenant_id, "limit": limit, "text": sought.text}
    values |= {change: list(lines) for change, lines in sought.told.items()}
    if edge is not None:
        values |= {"first": edge.first, "user": edge.user_id, "line": edge.line}
    for n, side in enumerate(sought.sides, 1):
        values |= {
            f"at{n}": side.at,
            f"roles{n}": [slot.role_id for slot, _line in side.slots],
            f"contracts{n}": [slot.contract_id for slot, _line in side.slots],
            f"lines{n}": [line for _slot, line in side.slots],
        }
    return values


_ASSIGNED = """
SELECT DISTINCT slot.line FROM unnest(
    %(moments)s::timestamptz[], %(roles)s::uuid[], %(contracts)s::uuid[], %(lines)s::int[]
) AS slot(at, role_id, contract_id, line)
WHERE EXISTS (
    SELECT FROM accesscontrol_assignment
    WHERE tenant_id = %(tenant)s AND application_role_id = slot.role_id
        AND contract_id IS NOT DISTINCT FROM slot.contract_id AND during @> slot.at
) OR EXISTS (
    SELECT FROM accesscontrol_assignment
    WHERE tenant_id = %(tenant)s AND tenant_role_id = slot.role_id AND during @> slot.at
)
"""


def assigned(tenant_id: str, sides: Sequence[Side]) -> set[int]:
    """Numbers of the lines that are given to anybody at all, whoever it reaches."""
    pairs = [(side.at, slot, line) for side in sides for slot, line in side.slots]
    values: dict[str, Any] = {
        "tenant": tenant_id,
        "moments": [at for at, _slot, _line in pairs],
        "roles": [slot.role_id for _at, slot, _line in pairs],
        "contracts": [slot.contract_id for _at, slot, _line in pairs],
        "lines": [line for _at, _slot, line in pairs],
    }
    with connection.cursor() as cursor:
        cursor.execute(_ASSIGNED, values)
        return {row[0] for row in cursor.fetchall()}
