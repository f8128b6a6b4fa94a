"""What lies below a resource is covered by what is held on it: said here, once, for every answer."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from uuid import UUID

Permission = tuple[str, str, str]  # resource type, resource key, privilege
Address = tuple[bool, str, str]  # whether it is a tenant's own, resource type, resource key
DEEPEST = 50  # levels that are looked at: static ones and a tenant's own have fewer together
Held = Mapping[Address, AbstractSet[str]]  # the privileges of a role on each resource that it names


@dataclass(frozen=True, slots=True)
class Protected:
    """A resource as it is at the moment that is asked about. ``dynamic``: a tenant's own."""

    type: str
    key: str
    name: str
    dynamic: bool = False
    offered: frozenset[str] = frozenset()

    @property
    def address(self) -> Address:
        """A static one and a tenant's own may have the same name: they are two."""
        return self.dynamic, self.type, self.key


@dataclass(frozen=True, slots=True)
class Placed:
    """A resource among others: whose it is (nobody's when static), and what contains it."""

    id: UUID
    resource: Protected
    owner_id: UUID | None
    parent_id: UUID | None


@dataclass(frozen=True, slots=True)
class Amount:
    """What a role comes to: permissions on static resources, and on the tenant's own."""

    static: frozenset[Permission] = frozenset()
    own: frozenset[Permission] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.static or self.own)

    def __or__(self, other: "Amount") -> "Amount":
        return Amount(self.static | other.static, self.own | other.own)

    def exceeds(self, other: "Amount") -> bool:
        """Whether there is anything in it that the other lacks."""
        return bool(self.static - other.static or self.own - other.own)

    def together(self) -> frozenset[Permission]:
        """All of it, for lists that people read."""
        return self.static | self.own

    def held(self) -> Held:
        """By resource."""
        found: dict[Address, set[str]] = defaultdict(set)
        for dynamic, permissions in ((False, self.static), (True, self.own)):
            for kind, key, privilege in permissions:
                found[dynamic, kind, key].add(privilege)
        return found


def lineages(placed: Iterable[Placed]) -> dict[UUID, tuple[Protected, ...]]:
    """Of each: itself, then outwards what contains it, as far as that is among them. At most DEEPEST."""
    by_id = {each.id: each for each in placed}
    found: dict[UUID, tuple[Protected, ...]] = {}
    for each in by_id.values():
        waiting: dict[UUID, Protected] = {}
        here: Placed | None = each
        while here is not None and here.id not in found and here.id not in waiting:
            waiting[here.id] = here.resource
            here = by_id.get(here.parent_id) if here.parent_id is not None else None
        above = found.get(here.id, ()) if here is not None else ()
        for place, resource in reversed(waiting.items()):
            above = found[place] = (resource, *above[: DEEPEST - 1])
    return found


def gives(lineage: Sequence[Protected], held: Held) -> set[str]:
    """The privileges on the first of a lineage for who holds this; the others contain it, outwards.

    What is named on the resource itself counts as it is. What comes from above counts as far as the resource
    offers it: nobody executes what cannot be executed.
    """
    asked, *above = lineage
    return set(held.get(asked.address, ())) | (_named(above, held) & asked.offered)


def giving(lineage: Sequence[Protected], privilege: str, held: Held) -> Protected | None:
    """The innermost resource of the lineage by which the privilege is given on the first."""
    if not lineage or privilege not in gives(lineage, held):
        return None
    return next(each for each in lineage if privilege in held.get(each.address, ()))


def _named(resources: Iterable[Protected], held: Held) -> set[str]:
    return {privilege for each in resources for privilege in held.get(each.address, ())}
