"""Whose lines of a review are in a part: one statement over what is assigned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from accesscontrol.review import differing
from accesscontrol.review.slots import Slot

# Who has which line at a moment: directly, or by a group above his own. ``IN … IS TRUE`` is looked up in a
# table made once; behind the wall the planner does not know how many are active, or members, at a moment.
# It would sort the pairs to keep each once, too: what a recursion finds is kept so in such a table.
_WAYS = """slot AS MATERIALIZED (
    SELECT * FROM unnest(%(roles)s::uuid[], %(contracts)s::uuid[], %(lines)s::int[])
        AS slot(role_id, contract_id, line)
), given AS MATERIALIZED (
    SELECT slot.line, a.user_id, a.group_id FROM slot CROSS JOIN LATERAL (
        SELECT user_id, group_id FROM accesscontrol_assignment
        WHERE tenant_id = %(tenant)s AND application_role_id = slot.role_id AND application_id IS NULL
            AND contract_id IS NOT DISTINCT FROM slot.contract_id AND during @> %(at1)s
        UNION ALL
        SELECT user_id, group_id FROM accesscontrol_assignment
        WHERE tenant_id = %(tenant)s AND tenant_role_id = slot.role_id AND application_id IS NULL
            AND during @> %(at1)s
        OFFSET 0
    ) a
), reached(line, group_id) AS (
    SELECT line, group_id FROM given WHERE (group_id IN (
        SELECT id FROM tenants_group WHERE tenant_id = %(tenant)s AND during @> %(at1)s
    )) IS TRUE
    UNION
    SELECT reached.line, below.group_id FROM reached CROSS JOIN LATERAL (
        SELECT group_id FROM tenants_groupplacement
        WHERE parent_id = reached.group_id AND tenant_id = %(tenant)s AND during @> %(at1)s OFFSET 0
    ) below
)"""
_PEOPLE = """person(line, user_id) AS (
    SELECT line, user_id FROM (
        SELECT line, user_id FROM given WHERE {given}
        UNION ALL
        SELECT reached.line, m.user_id FROM reached
        JOIN tenants_membership m ON m.group_id = reached.group_id
        WHERE m.tenant_id = %(tenant)s AND m.during @> %(at1)s {member}
    ) every
    UNION
    SELECT line, user_id FROM person WHERE false
), held AS MATERIALIZED (
    SELECT line, user_id FROM person WHERE (user_id IN (
        SELECT user_id FROM tenants_useractivity WHERE tenant_id = %(tenant)s AND during @> %(at1)s
    )) IS TRUE
)"""
_SAME = "kept AS NOT MATERIALIZED (SELECT line, user_id FROM held)"
NAME = "lower(CASE WHEN u.display_name > '' THEN u.display_name ELSE u.username END)"  # as the index has it
_ANYBODY = {"given": "user_id IS NOT NULL", "member": ""}
# With a text, those so named come first, and nobody else is looked at.
_OF_NAMED = {
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
LOOKED_AT = 2  # people whose lines may differ, for each line that is sought
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
    parts = _of_two(sought) if len(sought.sides) == 2 else _of_one(sought)
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


def nearest(
    sought: Sought, *, edge: Edge | None, backwards: bool, limit: int, most: int | None
) -> tuple[int | None, list[Edge] | None]:
    """Of two moments as :func:`rows`, as far as a few of those say it whose lines may differ.

    No number where they do not tell whether there are more than ``most``, which is not asked without one; no
    rows where they have too few.
    """
    order, near = _order(edge, backwards), LOOKED_AT * limit
    few = 0 if most is None else LOOKED_AT * (most + 1)
    ways = {"first": "''", "order": "id {way}", "compared": "id {compare}= %(user)s"}
    if sought.by_name:
        ways = {
            "first": f'{NAME} COLLATE "C"',
            "order": "first {way}, id {way}",
            "compared": "(first, id) {compare}= (%(first)s, %(user)s)",
        }
    from_edge = f"AND {ways['compared'].format(**order)}" if edge else ""
    parts = [
        _NAMED.format(first=ways["first"], once="NOT", text=""),
        *(differing.WAYS, _turned(sought)),
        differing.NEAREST.format(order=ways["order"].format(**order), from_edge=from_edge),
        differing.KEPT,
    ]
    values = {**_values(sought, edge, limit), "near": near, "few": few}
    with connection.cursor() as cursor:
        cursor.execute(f"WITH RECURSIVE {','.join(parts)}{differing.FOUND.format(**order)}", values)
        found = cursor.fetchall()
    turned, looked_at, number = found[0][:3]
    edges = [Edge(*row[3:]) for row in found if row[4] is not None]
    told = most is None or number > most or turned <= few
    return number if told else None, edges if len(edges) >= limit or looked_at < near else None


def _of_one(sought: Sought) -> list[str]:
    whom = _OF_NAMED if sought.text else _ANYBODY
    return [_WAYS, _PEOPLE.format(**whom), _SAME]


def _of_two(sought: Sought) -> list[str]:
    if sought.text:
        return [differing.WAYS, differing.PEOPLE.format(**differing.OF_NAMED), differing.KEPT]
    whom = differing.PEOPLE.format(**differing.OF_TURNED)
    return [differing.WAYS, _turned(sought), whom, differing.KEPT]


def _turned(sought: Sought) -> str:
    return differing.TURNED_OR_OTHERWISE if sought.told["changed"] else differing.TURNED


def _order(edge: Edge | None, backwards: bool) -> dict[str, str]:
    compare, way = ("<", "DESC") if backwards else (">", "")
    beyond = f"AND (first, id, line) {compare} (%(first)s, %(user)s, %(line)s)" if edge else ""
    return {"compare": compare, "way": way, "beyond": beyond}


def _values(sought: Sought, edge: Edge | None, limit: int) -> dict[str, Any]:
    values: dict[str, Any] = {"tenant": sought.tenant_id, "limit": limit, "text": sought.text}
    values |= {change: list(lines) for change, lines in sought.told.items()}
    if edge is not None:
        values |= {"first": edge.first, "user": edge.user_id, "line": edge.line}
    values |= {f"at{n}": side.at for n, side in enumerate(sought.sides, 1)}
    sides = [{(slot.role_id, slot.contract_id, line) for slot, line in side.slots} for side in sought.sides]
    slots = list({slot: None for side in sides for slot in side})
    values |= {"roles": [role for role, _contract, _line in slots]}
    values |= {"contracts": [contract for _role, contract, _line in slots]}
    values |= {"lines": [line for _role, _contract, line in slots]}
    values["ones"], values["twos"] = ([slot in side for slot in slots] for side in (sides[0], sides[-1]))
    return values


_ASSIGNED = """
SELECT DISTINCT slot.line FROM unnest(
    %(moments)s::timestamptz[], %(roles)s::uuid[], %(contracts)s::uuid[], %(lines)s::int[]
) AS slot(at, role_id, contract_id, line)
WHERE EXISTS (
    SELECT FROM accesscontrol_assignment
    WHERE tenant_id = %(tenant)s AND application_role_id = slot.role_id AND application_id IS NULL
        AND contract_id IS NOT DISTINCT FROM slot.contract_id AND during @> slot.at
) OR EXISTS (
    SELECT FROM accesscontrol_assignment
    WHERE tenant_id = %(tenant)s AND application_role_id = slot.role_id AND user_id IS NULL
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
