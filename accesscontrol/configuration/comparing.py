"""From what stands to what is wanted: the steps in the order in which they can be done, and what speaks
against the document itself. No row is read here; what rights and rules say is found out by trying
(``carrying``).

Order: what others rest on comes first and goes last; what is given comes before what is taken, so that nobody
is without in between, and the last administrator may be another one; at the very end what the actor takes
from himself. One exception: a span that another takes the place of ends before it.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from accesscontrol.configuration import shape
from accesscontrol.configuration.shape import Configuration, Names
from accesscontrol.configuration.state import State
from accesscontrol.configuration.steps import ADD, CHANGE, REMOVE, Step, lines

Objections = list[dict[str, str]]


@dataclass(slots=True)
class Comparison:
    """What both sides are, and what speaks against the wanted one."""

    state: State
    wanted: Configuration
    names: Names
    types: Collection[str]  # of contracts that the actor may read
    actor: tuple[str, str]  # kind and name, as a principal
    at: datetime
    objections: Objections = field(default_factory=list)
    _groups: dict[str, str] = field(init=False)  # lower name → name as it will be
    _roles: frozenset[str] | None = field(init=False)

    def __post_init__(self) -> None:
        coming, standing = self.wanted.groups, self.state.groups
        named = standing.values() if coming is None else [one.name for one in coming]
        self._groups = {name.lower(): name for name in named}
        roles = self.wanted.roles
        self._roles = None if roles is None else frozenset(one.key for one in roles)

    def object(self, pointer: str, code: str, detail: str) -> None:
        """One more objection."""
        self.objections.append({"pointer": pointer, "code": code, "detail": detail})

    def ahead(self, moment: datetime | None) -> datetime | None:
        """A beginning that has not come yet: what began has begun."""
        return moment if moment is not None and moment > self.at else None

    def over(self, moment: datetime | None) -> bool:
        """What has ended is wanted no more: the same document can be applied for years."""
        return moment is not None and moment <= self.at

    def group(self, name: str) -> str | None:
        """A group's name as it will be, if there will be one."""
        return self._groups.get(name.lower())

    def role(self, key: str) -> bool:
        """Whether the document lets the tenant have this role of its making."""
        return self._roles is None or key in self._roles

    def user(self, name: str, pointer: str) -> str | None:
        """A user name as it is written; nobody of that name is an objection."""
        found = self.state.users.get(name.lower())
        if found is None:
            self.object(pointer, "unknown_user", f"There is nobody here with the user name {name}.")
        return found[0] if found else None

    def lines(self, was: Any, wanted: Any) -> tuple[str, ...]:
        """What differs between two items."""
        return lines(*(None if one is None else shape.written(one, self.names) for one in (was, wanted)))


def by_depth(groups: Mapping[str, shape.Group]) -> list[str]:
    """Parents first. In this order no move meets a loop: whatever stands above is in its place already."""
    below: dict[str | None, list[str]] = defaultdict(list)
    for key, one in groups.items():
        above = one.parent.lower() if one.parent is not None else None
        below[above if above in groups else None].append(key)
    found: list[str] = sorted(below[None])
    for key in found:  # grows on the way
        found += sorted(below[key])
    return found


def groups_coming(of: Comparison) -> Iterator[Step]:
    """New groups, other names and other places."""
    old = {one.name.lower(): one for one in of.state.configuration.groups or ()}
    new = {one.name.lower(): one for one in of.wanted.groups or ()}
    index = {key: number for number, key in enumerate(new)}
    for key in by_depth(new):
        one = replace(new[key], members=frozenset(), parent=of.group(new[key].parent or ""))
        step = in_place("groups", f"/groups/{index[key]}", one.name, f"group:{key}")
        above = frozenset({f"group:{one.parent.lower()}"} if one.parent else ())
        was = replace(old[key], members=frozenset()) if key in old else None
        if was is None:
            yield step("group.create", ADD, "Groups:add", wanted=one, needs=above, lines=of.lines(None, one))
            continue
        if (was.name, was.description) != (one.name, one.description):
            named = replace(one, parent=was.parent)
            yield step("group.rename", CHANGE, "Groups:modify", wanted=one, lines=of.lines(was, named))
        if (was.parent or "").lower() != (one.parent or "").lower():
            placed = replace(was, parent=one.parent)
            yield step(
                "group.move", CHANGE, "Groups:modify", wanted=one, needs=above, lines=of.lines(was, placed)
            )


def groups_going(of: Comparison) -> Iterator[Step]:
    """The deepest first: none is deleted while others stand below it."""
    if of.wanted.groups is None:
        return
    old = {one.name.lower(): one for one in of.state.configuration.groups or ()}
    kept = {one.name.lower() for one in of.wanted.groups}
    for key in reversed(by_depth(old)):
        if key not in kept:
            step = in_place("groups", "/groups", old[key].name, "")
            lines = of.lines(old[key], None) + _mappings_going(of, key)
            yield step("group.delete", REMOVE, "Groups:delete", wanted=key, lines=lines)


def _mappings_going(of: Comparison, key: str) -> tuple[str, ...]:
    """Where the document does not name them itself."""
    many = of.state.leading.get(of.state.group_ids[key], 0) if of.wanted.mappings is None else 0
    return (f"! mappings of identity providers that lead into it end with it: {many}",) * bool(many)


def roles_coming(of: Comparison) -> Iterator[Step]:
    """Roles to make, or to make otherwise."""
    old = {one.key: one for one in of.state.configuration.roles or ()}
    for number, one in enumerate(of.wanted.roles or ()):
        was = old.get(one.key)
        if was == one:
            continue
        rests_on = rests(permission[0] for permission in one.permissions)
        step = in_place("roles", f"/roles/{number}", one.key, f"role:{one.key}")
        verb, permission = (ADD, "Roles:add") if was is None else (CHANGE, "Roles:modify")
        yield step(
            "role.define",
            verb,
            permission,
            was=was,
            wanted=one,
            needs=rests_on,
            lines=of.lines(was, one),
            parts=len(one.permissions),
        )


def roles_going(of: Comparison) -> Iterator[Step]:
    """Roles that are in the document no more."""
    if of.wanted.roles is None:
        return
    kept = {one.key for one in of.wanted.roles}
    for was in sorted(of.state.configuration.roles or (), key=lambda one: one.key):
        if was.key not in kept:
            step = in_place("roles", "/roles", was.key, "")
            yield step("role.delete", REMOVE, "Roles:delete", wanted=was.key, lines=of.lines(was, None))


def rests(applications: Iterable[str | None]) -> frozenset[str]:
    """On these applications, and on what they declare."""
    ids = {one for one in applications if one}
    return frozenset({f"application:{one}" for one in ids} | {f"manifest:{one}" for one in ids})


def in_place(section: str, pointer: str, name: str, gives: str) -> Callable[..., Step]:
    """A maker of the steps of one item."""

    def step(
        act: str,
        verb: str,
        *permissions: str,
        was: Any = None,
        wanted: Any = None,
        needs: frozenset[str] = frozenset(),
        lines: tuple[str, ...] = (),
        final: bool = False,
        parts: int = 0,
    ) -> Step:
        return Step(
            act=act,
            verb=verb,
            section=section,
            name=name,
            pointer=pointer,
            permissions=permissions,
            lines=lines,
            was=was,
            wanted=wanted,
            gives=gives,
            needs=needs,
            final=final,
            parts=parts,
        )

    return step
