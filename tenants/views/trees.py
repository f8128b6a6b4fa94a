"""The tree of groups, in the order in which it is printed. No recursion in templates."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from django.db import connection
from django.db.models import Count, TextField
from django.db.models.functions import Cast

from tenants.models import Group, GroupPlacement, Membership, Tenant

FEW = 200  # as many as a list to choose from can be looked through


class Leaf(NamedTuple):
    """Of a group what a tree shows; a model of each took longer than all the rest of a page."""

    pk: str
    name: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Branch:
    """A group in its place. ``closes`` has one element for each list that ends behind it."""

    group: Leaf
    depth: int
    opens: bool
    closes: range
    hidden: int = 0  # groups right below it that are not drawn


@dataclass(frozen=True)
class Forest:
    """Every living group of a tenant, by its id as text, and what stands below what."""

    groups: Mapping[str, Leaf]
    parents: Mapping[str, str]

    def branches(self, *, most: int | None = None) -> list[Branch]:
        """Depth first, by name. Where there are more than ``most``, the topmost of them."""
        found: list[tuple[Leaf, int]] = []
        every = self._children
        below = every if most is None or len(self.groups) <= most else _topmost(every, most)
        waiting = [(group, 0) for group in reversed(below.get(None, ()))]
        while waiting:
            group, depth = waiting.pop()
            found.append((group, depth))
            waiting += [(child, depth + 1) for child in reversed(below.get(group.pk, ()))]
        following = [*(depth for _group, depth in found[1:]), 0][: len(found)]
        return [
            Branch(
                group,
                depth,
                after > depth,
                range(depth - min(after, depth)),
                len(every.get(group.pk, ())) - len(below.get(group.pk, ())),
            )
            for (group, depth), after in zip(found, following, strict=True)
        ]

    def below(self, group_id: str) -> set[str]:
        """The group and everything below it."""
        found, waiting = set(), [group_id]
        while waiting:
            current = waiting.pop()
            found.add(current)
            waiting += [child.pk for child in self._children.get(current, ()) if child.pk not in found]
        return found

    def above(self, group_id: str) -> list[Leaf]:
        """The way from the root down to the group's parent."""
        found: list[Leaf] = []
        current = self.parents.get(group_id)
        while current is not None and current in self.groups and len(found) <= len(self.groups):
            found.insert(0, self.groups[current])
            current = self.parents.get(current)
        return found

    def choices(self, *, without: Iterable[str] = ()) -> list[tuple[str, str]]:
        """For a select, with the depth shown."""
        left_out = set(without)
        return [
            (branch.group.pk, "\u2007\u2007" * branch.depth + branch.group.name)
            for branch in self.branches()
            if branch.group.pk not in left_out
        ]

    def matching(self, text: str) -> list[Leaf]:
        """Those whose name or purpose contains the text, by name."""
        wanted = text.casefold()
        found = [
            group
            for group in self.groups.values()
            if wanted in f"{group.name}\n{group.description}".casefold()
        ]
        return sorted(found, key=_by_name)

    @cached_property
    def _children(self) -> dict[str | None, list[Leaf]]:
        found: dict[str | None, list[Leaf]] = defaultdict(list)
        for group in sorted(self.groups.values(), key=_by_name):
            parent = self.parents.get(group.pk)
            found[parent if parent in self.groups else None].append(group)
        return found


class Around(NamedTuple):
    """A group's place: the way down to it, and what stands right below it."""

    above: list[Leaf]
    below: list[Leaf]


def _by_name(group: Leaf) -> tuple[str, str]:
    return group.name.lower(), group.pk


def _topmost(every: Mapping[str | None, list[Leaf]], most: int) -> dict[str | None, list[Leaf]]:
    """Of everything that stands below something: level by level, until so many are there."""
    found: dict[str | None, list[Leaf]] = defaultdict(list)
    parents: list[str | None] = [None]
    left = most
    for parent in parents:  # grows while it is read
        found[parent] = every.get(parent, [])[:left]
        left -= len(found[parent])
        parents += [group.pk for group in found[parent]]
    return found


def forest(tenant: Tenant, at: datetime) -> Forest:
    """Two queries for any number of groups."""
    groups = Group.objects.at(at).filter(tenant=tenant).order_by()
    rows = groups.values_list(Cast("pk", TextField()), "name", "description")
    placements = GroupPlacement.objects.at(at).filter(tenant=tenant)
    placed = placements.values_list(Cast("group_id", TextField()), Cast("parent_id", TextField()))
    return Forest({row[0]: Leaf(*row) for row in rows}, dict(placed))


def members(tenant: Tenant, group_ids: Iterable[str], at: datetime) -> dict[str, int]:
    """How many are in each of these groups. One query."""
    rows = Membership.objects.at(at).filter(tenant=tenant, group_id__in=list(group_ids))
    counts = rows.values("group_id").annotate(count=Count("id"))
    return {str(row["group_id"]): row["count"] for row in counts}


_AROUND = """
WITH RECURSIVE above(group_id, height) AS (
    SELECT parent_id, 1 FROM tenants_groupplacement
    WHERE group_id = %(group)s AND tenant_id = %(tenant)s AND during @> %(at)s
    UNION
    SELECT p.parent_id, above.height + 1 FROM above CROSS JOIN LATERAL (
        SELECT parent_id FROM tenants_groupplacement
        WHERE group_id = above.group_id AND tenant_id = %(tenant)s AND during @> %(at)s OFFSET 0
    ) p
), near(group_id, height) AS (
    SELECT group_id, height FROM above
    UNION ALL
    SELECT group_id, 0 FROM tenants_groupplacement
    WHERE parent_id = %(group)s AND tenant_id = %(tenant)s AND during @> %(at)s
)
SELECT near.height, g.id::text, g.name FROM near CROSS JOIN LATERAL (
    SELECT id, name FROM tenants_group
    WHERE id = near.group_id AND tenant_id = %(tenant)s AND during @> %(at)s OFFSET 0
) g
ORDER BY near.height DESC, lower(g.name), g.id
"""


def around(group: Group, at: datetime) -> Around:
    """Of one group, whatever else there is. One query; a trigger keeps placements free of rings."""
    with connection.cursor() as cursor:
        cursor.execute(_AROUND, {"group": group.pk, "tenant": group.tenant_id, "at": at})
        rows = cursor.fetchall()
    above = [Leaf(pk, name) for height, pk, name in rows if height]
    return Around(above, [Leaf(pk, name) for height, pk, name in rows if not height])
