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

from django.contrib.postgres.aggregates import ArrayAgg
from django.db import connection
from django.db.models import Q, QuerySet

from applications.models import Resource, RolePermission

MOST = 5_000  # resources that one page looks through

# Of each application no further than decides whether it is taken: some have tens of thousands.
_COUNTED = """
SELECT wanted.id, (SELECT count(*) FROM (
    SELECT FROM applications_resource WHERE application_id = wanted.id AND during @> %(at)s
        AND (owner_tenant_id IS NULL OR owner_tenant_id = %(tenant)s) LIMIT %(most)s
) living) FROM unnest(%(applications)s::text[]) AS wanted(id)
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
    mine = Q(owner_tenant=None) | Q(owner_tenant_id=tenant_id)
    counts = _counts(applications, tenant_id, at)
    taken: list[str] = []
    left_out: list[str] = []
    total = 0
    for application_id in applications:
        total += counts.get(application_id, 0)
        (taken if total <= MOST or not taken else left_out).append(application_id)
    rows = Resource.objects.placed(at).filter(mine, application_id__in=taken).order_by()
    usable = _usable(taken, roles or {}, at, among)
    if among is not None:
        rows = rows.filter(id__in=around(rows, among))
    return Forest(_in_order(rows, taken, usable, text.lower()), tuple(left_out))


def around(rows: QuerySet[Resource], among: Collection[UUID]) -> set[UUID]:
    """Those, with all that contains them or is contained in them: most resources stand alone."""
    columns = ("id", "parent_id")  # ``placed()`` has annotated the second
    contained = rows.filter(Q(("parent_id__isnull", False)))
    above: dict[UUID, UUID] = dict(contained.values_list(*columns))
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


def _counts(applications: Sequence[str], tenant_id: UUID, at: datetime) -> dict[str, int]:
    """Living resources of each, up to one more than are looked through."""
    values: dict[str, Any] = {
        "applications": list(applications),
        "tenant": tenant_id,
        "at": at,
        "most": MOST + 1,
    }
    with connection.cursor() as cursor:
        cursor.execute(_COUNTED, values)
        return dict(cursor.fetchall())


def _usable(
    applications: Collection[str], roles: Mapping[UUID, str], at: datetime, among: Collection[UUID] | None
) -> dict[UUID, list[str]]:
    """A role holds resources of its own application alone, so those of others are not read."""
    wanted = set(applications)
    asked = [pk for pk, application_id in roles.items() if application_id in wanted]
    if not asked:
        return {}
    held = RolePermission.objects.at(at).filter(role_id__in=asked)
    if among is not None:
        held = held.filter(resource_id__in=among)
    # Gathered there: of a resource in many roles not each is carried over.
    each = held.order_by().values_list("resource_id")
    return dict(each.annotate(privileges=ArrayAgg("privilege", distinct=True)))


_COLUMNS = ("id", "application_id", "parent_id", "name", "type", "key", "description", "privileges")


def _in_order(
    rows: QuerySet[Resource], applications: list[str], usable: Mapping[UUID, Sequence[str]], text: str
) -> dict[UUID, Node]:
    """By application, then each below what contains it; what has no living parent stands at the top."""
    known = {row[0]: row for row in rows.values_list(*_COLUMNS, "owner_tenant_id")}
    below: dict[Any, list[tuple[Any, ...]]] = defaultdict(list)
    for row in sorted(known.values(), key=lambda row: (row[3].lower(), row[0].int), reverse=True):
        below[row[2] if row[2] in known else row[1]].append(row)
    waiting = [(row, 0) for application_id in reversed(applications) for row in below[application_id]]
    made: dict[UUID, Node] = {}
    nothing: frozenset[str] = frozenset()
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
            tuple(offered),
            owner is not None,
            frozenset(usable[pk]) if pk in usable else nothing,
            not text or text in f"{name} {kind} {key}".lower(),
        )
        if pk in below:
            waiting += [(row, depth + 1) for row in below[pk]]
    return made
