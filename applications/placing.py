"""Where the resources of one tenant stand in each other, and what may be put where. Pure.

Static resources may contain them and are contained by none of them: to them it does not matter where a static
one stands itself.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping

Address = tuple[str, str]  # resource type, resource key
DEEPEST = 20  # levels of a tenant's own, and of static ones: each question about access walks up all of them


class Forest:
    """A tenant's own resources with what contains each, as far as somebody is about to change it."""

    def __init__(self, parents: Mapping[Address, Address | None], static: Collection[Address]) -> None:
        self._static = frozenset(static)
        self._parents = dict(parents)
        self._children: dict[Address, set[Address]] = defaultdict(set)
        for address, parent in self._parents.items():
            if parent is not None:
                self._children[parent].add(address)

    def objection(self, address: Address, parent: Address | None) -> str | None:
        """Why not there: ``parent_unknown``, ``resource_loop``, ``resource_too_deep``. None: it may."""
        if address == parent:
            return "resource_loop"
        if parent is None or parent in self._static:
            above: list[Address] = []
        elif parent in self._parents:
            above = self._line(parent)
        else:
            return "parent_unknown"
        if address in above:
            return "resource_loop"
        return "resource_too_deep" if len(above) + self._height(address) > DEEPEST else None

    def parent_of(self, address: Address) -> Address | None:
        """What contains it."""
        return self._parents.get(address)

    def put(self, address: Address, parent: Address | None) -> None:
        """It stands there from now on."""
        former = self._parents.get(address)
        if former is not None:
            self._children[former].discard(address)
        self._parents[address] = parent
        if parent is not None:
            self._children[parent].add(address)

    def _line(self, address: Address) -> list[Address]:
        """The resource and what contains it, as far as these are the tenant's own."""
        found: list[Address] = []
        here: Address | None = address
        while here is not None and here in self._parents and here not in self._static:
            found.append(here)
            here = self._parents[here]
        return found

    def _height(self, address: Address) -> int:
        """How many levels it is, with all that lies below it."""
        level, height = {address}, 0
        while level:
            height += 1
            level = {child for each in level for child in self._children.get(each, ())}
        return height
