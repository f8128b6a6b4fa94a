"""The resources of applications in the order of their trees, as one tenant sees them.

Put together here and not by a recursive statement: that one takes seconds for two thousand rows whenever the
planner has no idea of them.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

MOST = 5_000  # resources that one page looks through

_MINE = "during @> %(at)s AND (owner_tenant_id IS NULL OR owner_tenant_id = %(tenant)s)"
# One after the other, and none behind that with which they are too many; of each no further than decides
# whether it is taken: some have tens of thousands.
_COUNTED = f"""
WITH RECURSIVE looked(place, count, total) AS (
    SELECT 0, 0::bigint, 0::bigint
    UNION ALL
    SELECT before.place + 1, own.count, before.total + own.count
    FROM looked before CROSS JOIN LATERAL (SELECT count(*) FROM (
        SELECT FROM applications_resource
        WHERE application_id = (%(applications)s::text[])[before.place + 1] AND {_MINE} LIMIT %(most)s
    ) living) own
    WHERE before.place < cardinality(%(applications)s::text[]) AND before.total < %(most)s
)
SELECT count FROM looked WHERE place > 0 ORDER BY place
"""
# The place of each by the index of resources: in the constraint's own it takes three times as long.
_ROWS = f"""
SELECT r.id, r.application_id, place.parent_id, r.name, r.type, r.key, r.description, place.privileges,
    r.owner_tenant_id
FROM (
    SELECT id, application_id, name, type, key, description, owner_tenant_id FROM applications_resource
    WHERE {{among}} AND {_MINE} OFFSET 0
) r
CROSS JOIN LATERAL (
    SELECT parent_id, array_to_string(privileges, ' ') AS privileges FROM applications_resourceplace
    WHERE resource_id = ANY(ARRAY[r.id]) AND during @> %(at)s OFFSET 0
) place
"""
_OF_APPLICATIONS = "application_id = ANY(%(applications)s)"
_OF_SOME = f"id = ANY(%(among)s::uuid[]) AND ({_OF_APPLICATIONS}) IS TRUE"
# Where each stands that stands in something: of most applications only a few do.
_CONTAINED = """
SELECT r.id, place.parent_id
FROM applications_resource r JOIN applications_resourceplace place ON place.resource_id = r.id
WHERE r.application_id = ANY(%(applications)s) AND place.parent_id IS NOT NULL
    AND r.during @> %(at)s AND place.during @> %(at)s
    AND (r.owner_tenant_id IS NULL OR r.owner_tenant_id = %(tenant)s)
"""
# Gathered there: of a resource in many roles not each is carried over.
_USABLE = """
SELECT resource_id, string_agg(DISTINCT privilege, ' ') FROM applications_rolepermission
WHERE role_id = ANY(%(roles)s::uuid[]) AND (during @> %(at)s) IS TRUE{among} GROUP BY resource_id
"""


class Node(NamedTuple):
    """A living resource. ``above`` contains it; ``usable`` is what the asked-for roles hold of it."""

    id: UUID
    application_id: str
    above: UUID | None
    depth: int
    name: str
    type: str
    key: str
    description: str
    offered: tuple[str, ...]
    dynamic: bool
    usable: frozenset[str]
    found: bool  # fits what was searched for


@dataclass(frozen=True, slots=True)
class Forest:
    """The nodes of some applications in their order; ``left_out`` were too many to look through at once."""

    nodes: Mapping[UUID, Node]
    left_out: tuple[str, ...] = ()

    def above(self, node: Node) -> Iterator[Node]:
        """What contains it, outwards."""
        here = self.nodes.get(node.above) if node.above else None
        while here is not None:
            yield here
            here = self.nodes.get(here.above) if here.above else None


def forest(
    applications: Sequence[str],
    *,
    tenant_id: UUID,
    at: datetime,
    roles: Mapping[UUID, str] | None = None,
    text: str = "",
    among: Collection[UUID] | None = None,
) -> Forest:
    """Static resources and the tenant's own. Of more than MOST, only the first applications.

    ``usable`` is what ``roles`` (each with its application) hold, ``found`` what has ``text`` in one of its
    names. Three queries; with ``among`` another: only these, what contains them and what they contain, and
    ``usable`` of these alone.
    """
    counts = _counts(applications, tenant_id, at)
    taken: list[str] = []
    left_out: list[str] = []
    total = 0
    for place, application_id in enumerate(applications):
        total += counts[place] if place < len(counts) else 0
        (taken if total <= MOST or not taken else left_out).append(application_id)
    asked: dict[str, Any] = {"applications": taken, "tenant": tenant_id, "at": at}
    usable = _usable(taken, roles or {}, at, among)
    if among is not None:
        asked["among"] = list(around(dict(_rows(_CONTAINED, asked)), among))
    rows = _rows(_ROWS.format(among=_OF_APPLICATIONS if among is None else _OF_SOME), asked)
    return Forest(_in_order(rows, taken, usable, text.lower()), tuple(left_out))


def around(above: Mapping[UUID, UUID], among: Collection[UUID]) -> set[UUID]:
    """Those, with all that contains them or is contained in them: most resources stand alone."""
    below: dict[UUID, list[UUID]] = defaultdict(list)
    for pk, parent in above.items():
        below[parent].append(pk)
    found, waiting = set(among), list(among)
    while waiting:
        new = [pk for pk in below[waiting.pop()] if pk not in found]
        found.update(new)
        waiting += new
    for pk in among:
        here = above.get(pk)
        while here is not None and here not in found:
            found.add(here)
            here = above.get(here)
    return found


def _counts(applications: Sequence[str], tenant_id: UUID, at: datetime) -> list[int]:
    """Living resources of each in this order, until there are more than are looked through."""
    values = {"applications": list(applications), "tenant": tenant_id, "at": at, "most": MOST + 1}
    return [count for (count,) in _rows(_COUNTED, values)]


def _usable(
    applications: Collection[str], roles: Mapping[UUID, str], at: datetime, among: Collection[UUID] | None
) -> dict[UUID, str]:
    """A role holds resources of its own application alone, so those of others are not read."""
    wanted = set(applications)
    values: dict[str, Any] = {
        "roles": [pk for pk, application_id in roles.items() if application_id in wanted],
        "at": at,
    }
    if not values["roles"]:
        return {}
    if among is None:
        return dict(_rows(_USABLE.format(among=""), values))
    some = " AND resource_id = ANY(%(among)s::uuid[])"
    return dict(_rows(_USABLE.format(among=some), {**values, "among": list(among)}))


def _rows(statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


class _Sets(dict[str, frozenset[str]]):
    """Of many resources the privileges are the same."""

    def __missing__(self, text: str) -> frozenset[str]:
        self[text] = found = frozenset(text.split())
        return found


def _in_order(
    rows: Sequence[tuple[Any, ...]], applications: list[str], usable: Mapping[UUID, str], text: str
) -> dict[UUID, Node]:
    """By application, then each below what contains it; what has no living parent stands at the top."""
    known = {row[0]: row for row in rows}
    below: dict[Any, list[tuple[Any, ...]]] = defaultdict(list)
    for row in sorted(known.values(), key=lambda row: (row[3].lower(), row[0].int), reverse=True):
        below[row[2] if row[2] in known else row[1]].append(row)
    waiting = [(row, 0) for application_id in reversed(applications) for row in below[application_id]]
    made: dict[UUID, Node] = {}
    sets = _Sets()
    while waiting:
        (pk, application_id, parent, name, kind, key, described, offered, owner), depth = waiting.pop()
        made[pk] = Node(
            pk,
            application_id,
            parent if depth else None,
            depth,
            name,
            kind,
            key,
            described,
            tuple(offered.split()),
            owner is not None,
            sets[usable.get(pk, "")],
            not text or text in f"{name} {kind} {key}".lower(),
        )
        if pk in below:
            waiting += [(row, depth + 1) for row in below[pk]]
    return made
