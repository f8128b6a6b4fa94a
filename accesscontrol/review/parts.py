"""A part of a review in its order: found by key, then worked out for those who are in it."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from accesscontrol.books import of_tenant
from accesscontrol.decide import Ground, HeldRole, Permission
from accesscontrol.review import keys
from accesscontrol.review.callers import services
from accesscontrol.review.keys import Edge, Side, Sought
from accesscontrol.review.lines import SERVICE, USER, Change, Line, Review
from accesscontrol.review.people import people
from accesscontrol.review.slots import Counted, Fits, LineKey, counted, slots
from applications import facts as sharing_facts
from iam_portal.errors import NotFound
from tenants.models import Tenant, User

Place = tuple[str, ...]  # of a line in the order of the review; each is there once


class Order(StrEnum):
    """Services, then people, by their ids; or people, then services, by their names."""

    ID = "id"
    NAME = "name"


def everything(_role: HeldRole, _permissions: frozenset[Permission]) -> bool:
    """No role is left out."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is looked at: at one moment, or what differs at ``other``; of which kind, name and roles."""

    tenant: Tenant
    application_id: str
    at: datetime
    other: datetime | None = None
    kind: str = ""
    text: str = ""  # a part of the name, or the id
    fits: Fits = everything
    order: Order = Order.ID
    rows_alone: bool = False  # of thousands of people, only the nearest need be looked at for these


@dataclass(frozen=True, slots=True)
class Part:
    """From the line at ``first`` to that at ``last``; ``more`` lie beyond, on the side that was asked for.

    ``count``: of all lines that were asked for. ``roles``: keys of those that are given to anybody at all.
    Neither is looked for where the rows alone were asked for.
    """

    rows: Sequence[Change]
    first: Place
    last: Place
    more: bool
    count: int
    roles: frozenset[str]


def part(asked: Asked, *, after: Place | None = None, backwards: bool = False, limit: int) -> Part:
    """Up to ``limit`` lines after a place, or before it. A fixed number of statements.

    NotFound for an application with which the tenant never had to do. Runs in the tenant's scope.
    """
    return _Looking(asked).part(after, backwards, limit)


class _Looking:
    """The ground of both moments, and on it the lines that count there for whoever holds them."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.tenant_id = str(asked.tenant.id)
        sharing = sharing_facts.of_application(asked.application_id, tenant_id=self.tenant_id)
        if sharing is None or not sharing_facts.concerns(sharing, tenant_id=self.tenant_id):
            raise NotFound
        book = of_tenant([asked.application_id], tenant_id=self.tenant_id)[asked.application_id]
        self.review = Review(self.tenant_id, sharing, book, (), ())
        moments = [asked.at] if asked.other is None else [asked.at, asked.other]
        known = slots(sharing, book, tenant_id=self.tenant_id)
        self.counted = [
            (at, counted(known, Ground(sharing, book, tenant_id=self.tenant_id, at=at))) for at in moments
        ]
        self.lines = sorted({key for _at, lines in self.counted for key in lines})
        self.numbers = {key: number for number, key in enumerate(self.lines)}

    def part(self, after: Place | None, backwards: bool, limit: int) -> Part:
        """As :func:`part`."""
        found: dict[Place, Change | UUID] = {}
        count = 0
        if self.asked.kind != USER:
            every = self._services()
            count += len(every)
            found |= {place: change for place, change in every.items() if _is_beyond(place, after, backwards)}
        if self.asked.kind != SERVICE:
            number, people_found = self._people(after, backwards, limit + 1)
            count += number
            found |= people_found
        places = sorted(found, reverse=backwards)
        inside = sorted(places[:limit])
        rows = self._worked_out([(place, found[place]) for place in inside])
        first, last = (inside[0], inside[-1]) if inside else ((), ())
        if self.asked.rows_alone:
            return Part(rows, first, last, len(places) > limit, 0, frozenset())
        return Part(rows, first, last, len(places) > limit, count, self._roles())

    def _roles(self) -> frozenset[str]:
        sides = [self._side(at, lines) for at, lines in self.counted]
        given = keys.assigned(self.tenant_id, sides)
        every = {key: each.role.key for _at, lines in self.counted for key, each in lines.items()}
        return frozenset(role for key, role in every.items() if self.numbers[key] in given)

    def _services(self) -> dict[Place, Change]:
        """All of them: a tenant has few, and who calls in another's data is found otherwise than people."""
        asked = self.asked
        since = min(asked.at, asked.other or asked.at)
        given = {"tenant_id": self.tenant_id, "application_id": asked.application_id}
        calls = services(since=since, made=self._made(), **given)
        changes = replace(self.review, services=tuple(calls)).between(asked.at, asked.other)
        return {self._place(change.line): change for change in changes if self._is_asked(change)}

    def _made(self) -> set[str]:
        """Keys of the tenant's own roles that hold something of the application, whenever."""
        return {*self.review.book.tenant, *self.review.book.own}

    def _is_asked(self, change: Change) -> bool:
        line, text = change.line, self.asked.text.casefold()
        if text and text not in line.name.casefold() and text != line.principal_id:
            return False
        return self.asked.fits(line.role, change.before | line.permissions)

    def _place(self, line: Line) -> Place:
        if self.asked.order is Order.ID:
            return line.key
        return (SERVICE, line.name.casefold(), *line.key[1:])

    def _people(self, after: Place | None, backwards: bool, limit: int) -> tuple[int, dict[Place, UUID]]:
        """How many lines of people there are, and the nearest beyond the place."""
        kind = USER if self.asked.order is Order.ID else ""
        edge = None
        if after is not None and after[0] == kind:
            edge = self._edge(after, backwards)
        elif not _is_beyond((kind,), after, backwards):
            limit = 0  # all of them lie on this side of it
        sought = self._sought()
        near = self.asked.rows_alone and self.asked.order is Order.ID and not sought.text
        if near and len(sought.sides) == 1:
            number, found = 0, keys.first_rows(sought, edge=edge, backwards=backwards, limit=limit)
        else:
            number, found = keys.rows(sought, edge=edge, backwards=backwards, limit=limit)
        return number, {self._place_of(each, kind): each.user_id for each in found}

    def _edge(self, after: Place, backwards: bool) -> Edge:
        *named, user_id, urn, contract_id = after[1:]
        key = (urn, contract_id)
        line = bisect_left(self.lines, key) if backwards else bisect_right(self.lines, key) - 1
        return Edge(named[0] if named else "", UUID(user_id), line)

    def _place_of(self, edge: Edge, kind: str) -> Place:
        rest = (str(edge.user_id), *self.lines[edge.line])
        return (kind, *rest) if self.asked.order is Order.ID else (kind, edge.first, *rest)

    def _sought(self) -> Sought:
        """At one moment only the lines that fit; of two, all, for what is lost in one may be in the other."""
        asked, fits = self.asked, self.asked.fits
        (at, was), (later, becomes) = self.counted[0], self.counted[-1]
        told: dict[str, list[int]] = {}
        sides = [
            self._side(at, {key: each for key, each in was.items() if fits(each.role, each.permissions)})
        ]
        if asked.other is not None:
            sides = [self._side(at, was), self._side(later, becomes)]
            told = {"lost": self._fitting(was), "gained": self._fitting(becomes)}
            both = {
                key: replace(each, permissions=each.permissions | was[key].permissions)
                for key, each in becomes.items()
                if key in was and was[key].permissions != each.permissions
            }
            told["changed"] = self._fitting(both)
        return Sought(
            tenant_id=self.tenant_id,
            sides=sides,
            told=told,
            text=asked.text.lower(),
            by_name=asked.order is Order.NAME,
        )

    def _fitting(self, lines: Mapping[LineKey, Counted]) -> list[int]:
        fits = self.asked.fits
        return [self.numbers[key] for key, each in lines.items() if fits(each.role, each.permissions)]

    def _side(self, at: datetime, lines: Mapping[LineKey, Counted]) -> Side:
        return Side(at, [(slot, self.numbers[key]) for key, each in lines.items() for slot in each.slots])

    def _worked_out(self, inside: Sequence[tuple[Place, Change | UUID]]) -> list[Change]:
        """In their order. What ceased to be since its key was read is left out."""
        asked = self.asked
        users = {found for _place, found in inside if isinstance(found, UUID)}
        only, made = [asked.application_id], self._made()
        found = people(users, tenant_id=self.tenant_id, application_ids=only, made=made)
        names = {user.pk: str(user) for user in User.everyone.filter(tenant=asked.tenant, id__in=users)}
        holders = [(names[pk], facts) for pk, facts in found.get(asked.application_id, {}).items()]
        changes = replace(self.review, people=tuple(holders)).between(asked.at, asked.other)
        theirs = {change.line.key[1:]: change for change in changes}
        rows = [theirs.get(_three(place)) if isinstance(each, UUID) else each for place, each in inside]
        return [change for change in rows if change is not None]


def _is_beyond(place: Place, after: Place | None, backwards: bool) -> bool:
    return after is None or (place < after if backwards else place > after)


def _three(place: Place) -> tuple[str, str, str]:
    """Person, URN and contract: how each place ends."""
    user_id, urn, contract_id = place[-3:]
    return user_id, urn, contract_id
