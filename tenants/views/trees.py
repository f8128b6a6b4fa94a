"""The tree of groups, in the order in which it is printed. No recursion in templates."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count

from tenants.models import Group, GroupPlacement, Membership, Tenant


@dataclass(frozen=True, slots=True)
class Branch:
    """A group in its place. ``closes`` has one element for each list that ends behind it."""

    group: Group
    depth: int
    members: int
    opens: bool
    closes: range
    hidden: int = 0  # groups right below it that are not drawn


@dataclass(frozen=True, slots=True)
class Forest:
    """Every living group of a tenant, and what stands below what."""

    groups: Mapping[UUID, Group]
    parents: Mapping[UUID, UUID]
    members: Mapping[UUID, int]

    def branches(self, *, most: int | None = None) -> list[Branch]:
        """Depth first, by name. Where there are more than ``most``, the topmost of them."""
        found: list[tuple[Group, int]] = []
        every = self._children()
        below = every if most is None or len(self.groups) <= most else _topmost(every, most)
        waiting = [(group, 0) for group in reversed(below[None])]
        while waiting:
            group, depth = waiting.pop()
            found.append((group, depth))
            waiting += [(child, depth + 1) for child in reversed(below[group.pk])]
        following = [*(depth for _group, depth in found[1:]), 0][: len(found)]
        return [
            Branch(
                group,
                depth,
                self.members.get(group.pk, 0),
                after > depth,
                range(depth - min(after, depth)),
                len(every[group.pk]) - len(below[group.pk]),
            )
            for (group, depth), after in zip(found, following, strict=True)
        ]

    def below(self, group_id: UUID) -> set[UUID]:
        """The group and everything below it."""
        children = self._children()
        found, waiting = set(), [group_id]
        while waiting:
            current = waiting.pop()
            found.add(current)
            waiting += [child.pk for child in children[current] if child.pk not in found]
        return found

    def above(self, group_id: UUID) -> list[Group]:
        """The way from the root down to the group's parent."""
        found: list[Group] = []
        current = self.parents.get(group_id)
        while current is not None and current in self.groups and len(found) <= len(self.groups):
            found.insert(0, self.groups[current])
            current = self.parents.get(current)
        return found

    def choices(self, *, without: Iterable[UUID] = ()) -> list[tuple[str, str]]:
        """For a select, with the depth shown."""
        left_out = set(without)
        return [
            (str(branch.group.pk), "\u2007\u2007" * branch.depth + branch.group.name)
            for branch in self.branches()
            if branch.group.pk not in left_out
        ]

    def matching(self, text: str) -> list[Group]:
        """Those whose name or purpose contains the text, by name."""
        wanted = text.casefold()
        found = [
            group
            for group in self.groups.values()
            if wanted in f"{group.name}\n{group.description}".casefold()
        ]
        return sorted(found, key=_by_name)

    def _children(self) -> dict[UUID | None, list[Group]]:
        found: dict[UUID | None, list[Group]] = defaultdict(list)
        for group in sorted(self.groups.values(), key=_by_name):
            parent = self.parents.get(group.pk)
            found[parent if parent in self.groups else None].append(group)
        return found


def _by_name(group: Group) -> tuple[str, str]:
    return group.name.lower(), str(group.pk)


def _topmost(every: Mapping[UUID | None, list[Group]], most: int) -> dict[UUID | None, list[Group]]:
    """Of everything that stands below something: level by level, until so many are there."""
    found: dict[UUID | None, list[Group]] = defaultdict(list)
    parents: list[UUID | None] = [None]
    left = most
    for parent in parents:  # grows while it is read
        found[parent] = every.get(parent, [])[:left]
        left -= len(found[parent])
        parents += [group.pk for group in found[parent]]
    return found


def forest(tenant: Tenant, at: datetime) -> Forest:
    """Three queries for any number of groups."""
    groups = {group.pk: group for group in Group.objects.at(at).filter(tenant=tenant)}
    placements = GroupPlacement.objects.at(at).filter(tenant=tenant)
    rows = Membership.objects.at(at).filter(tenant=tenant).values("group_id").annotate(count=Count("id"))
    return Forest(
        groups,
        dict(placements.values_list("group_id", "parent_id")),
        {row["group_id"]: row["count"] for row in rows},
    )
