"""A part of a review in its order: found by key, then worked out for those who are in it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from accesscontrol.books import of_tenant
from accesscontrol.review import keys, near
from accesscontrol.review.callers import services
from accesscontrol.review.keys import Edge
from accesscontrol.review.lines import SERVICE, USER, Change, Line, Review
from accesscontrol.review.people import people
from accesscontrol.review.seeking import Asked, Lines, Order, Place
from applications import facts as sharing_facts
from iam_portal.errors import NotFound

MANY = 1_000  # lines of people: where there are more, the nearest people are looked at before all


@dataclass(frozen=True, slots=True)
class Part:
    """From the line at ``first`` to that at ``last``; ``more`` lie beyond, on the side that was asked for.

    ``count``: of all lines that were asked for, or one more than ``most``. ``roles``: keys of those that are
    given to anybody at all. Neither is looked for where the rows alone were asked for.
    """

    rows: Sequence[Change]
    first: Place
    last: Place
    more: bool
    count: int
    roles: frozenset[str]


def part(asked: Asked, *, after: Place | None = None, backwards: bool = False, limit: int) -> Part:
    """Up to ``limit`` lines after a place, or before it. At most so many statements, whatever there is.

    NotFound for an application with which the tenant never had to do. Runs in the tenant's scope.
    """
    return _Looking(asked, after, backwards, limit).part()


class _Looking:
    """The ground of both moments, and on it the lines that count there for whoever holds them."""

    def __init__(self, asked: Asked, after: Place | None, backwards: bool, limit: int) -> None:
        self.asked, self.after, self.backwards, self.limit = asked, after, backwards, limit
        self.tenant_id = str(asked.tenant.id)
        self.most = MANY if asked.most is None else asked.most
        self.kind = USER if asked.order is Order.ID else ""  # how the places of people begin
        sharing = sharing_facts.of_application(asked.application_id, tenant_id=self.tenant_id)
        if sharing is None or not sharing_facts.concerns(sharing, tenant_id=self.tenant_id):
            raise NotFound
        book = of_tenant([asked.application_id], tenant_id=self.tenant_id)[asked.application_id]
        self.review = Review(self.tenant_id, sharing, book, (), ())
        self.lines = Lines(asked, sharing, book)

    def part(self) -> Part:
        """As :func:`part`."""
        asked, found, count = self.asked, dict[Place, Change | UUID](), 0
        if asked.kind != SERVICE:
            count, found = self._people()
        if asked.kind != USER and not self._without_services(count, len(found)):
            every = self._services()
            count += len(every)
            found |= {place: change for place, change in every.items() if self._is_beyond(place)}
        places = sorted(found, reverse=self.backwards)
        inside, more = sorted(places[: self.limit]), len(places) > self.limit
        rows = self._worked_out([(place, found[place]) for place in inside])
        first, last = (inside[0], inside[-1]) if inside else ((), ())
        if asked.rows_alone:
            return Part(rows, first, last, more, 0, frozenset())
        if asked.most is not None:
            count = min(count, asked.most + 1)
        return Part(rows, first, last, more, count, self.lines.roles())

    def _without_services(self, count: int, found: int) -> bool:
        """Whether neither the number nor the rows need them, after so many lines of people."""
        asked, after = self.asked, self.after
        if not asked.rows_alone and (asked.most is None or count <= asked.most):
            return False
        if (self.kind < SERVICE) != self.backwards:  # people come before them
            return found > self.limit
        return after is not None and after[0] == self.kind

    def _services(self) -> dict[Place, Change]:
        """All of them: a tenant has few, and who calls in another's data is found otherwise than people."""
        asked = self.asked
        calls = services(
            tenant_id=self.tenant_id,
            application_id=asked.application_id,
            since=min(asked.moments),
            book=self.review.book,
        )
        changes = replace(self.review, services=tuple(calls)).between(asked.at, asked.other)
        return {self._place_of_service(change.line): change for change in changes if self._is_asked(change)}

    def _made(self) -> set[str]:
        """Keys of the tenant's own roles that hold something of the application, whenever."""
        return {*self.review.book.tenant, *self.review.book.own}

    def _is_asked(self, change: Change) -> bool:
        line, text = change.line, self.asked.text.casefold()
        if text and text not in line.name.casefold() and text != line.principal_id:
            return False
        return self.asked.fits(line.role, change.before | line.permissions)

    def _place_of_service(self, line: Line) -> Place:
        if self.asked.order is Order.ID:
            return line.key
        return (SERVICE, line.name.casefold(), *line.key[1:])

    def _people(self) -> tuple[int, dict[Place, Change | UUID]]:
        """How many lines of people there are, and the nearest beyond the place: one more than a part."""
        edge, limit = None, self.limit + 1
        if self.after is not None and self.after[0] == self.kind:
            edge = self._edge(self.after)
        elif not self._is_beyond((self.kind,)):
            limit = 0  # all of them lie on this side of it
        number, found = self._all(edge, limit)
        if found is None:
            found = self._nearest(edge, limit)
        if found is None:
            number, found = self._rows(edge, limit)
        return number, found

    def _all(self, edge: Edge | None, limit: int) -> tuple[int, dict[Place, Change | UUID] | None]:
        """Nothing of them where they are too many to look at each.

        Of two moments most people have the same; many have not where a line counts at one of them alone.
        """
        asked, most = self.asked, self.most
        if asked.text or (asked.most is None and not asked.rows_alone):
            return self._rows(edge, limit)
        if asked.other is None:
            number, found = self._rows(edge, limit, most=most)
            return number, None if number > most else found
        for sought in self.lines.surely():
            number, _found = keys.rows(sought, edge=None, backwards=False, limit=0, most=most)
            if number > most:
                return number, None
        few, near = self._of_few(edge, limit)
        return (few, near) if few is not None and near is not None else self._rows(edge, limit)

    def _of_few(self, edge: Edge | None, limit: int) -> tuple[int | None, dict[Place, Change | UUID] | None]:
        """By a few whose lines may differ."""
        sought = self.lines.sought()
        most = None if self.asked.rows_alone else self.most
        number, near = keys.nearest(sought, edge=edge, backwards=self.backwards, limit=limit, most=most)
        return number, None if near is None else {self._place_of(each): each.user_id for each in near}

    def _rows(
        self, edge: Edge | None, limit: int, most: int | None = None
    ) -> tuple[int, dict[Place, Change | UUID]]:
        sought = self.lines.sought()
        number, found = keys.rows(sought, edge=edge, backwards=self.backwards, limit=limit, most=most)
        return number, {self._place_of(each): each.user_id for each in found}

    def _nearest(self, edge: Edge | None, limit: int) -> dict[Place, Change | UUID] | None:
        """The lines of the nearest who may have one; nothing where those have too few."""
        found: dict[Place, Change | UUID] = {}
        if not limit:
            return found
        every = near.people(self.lines.sought(), edge=edge, backwards=self.backwards, most=limit)
        firsts = {str(person.user_id): person.first for person in every}
        for change in self._changes([person.user_id for person in every]):
            place = self._place_at(firsts[change.line.principal_id], change.line.key[1:])
            if self._is_beyond(place) and self._is_asked(change):
                found[place] = change
        return found if len(found) >= limit else None

    def _edge(self, after: Place) -> Edge:
        *named, user_id, urn, contract_id = after[1:]
        first = named[0] if named else ""
        return self.lines.edge(first, UUID(user_id), (urn, contract_id), backwards=self.backwards)

    def _place_of(self, edge: Edge) -> Place:
        return self._place_at(edge.first, (str(edge.user_id), *self.lines.lines[edge.line]))

    def _place_at(self, first: str, rest: tuple[str, ...]) -> Place:
        return (self.kind, *rest) if self.asked.order is Order.ID else (self.kind, first, *rest)

    def _is_beyond(self, place: Place) -> bool:
        if self.after is None:
            return True
        return place < self.after if self.backwards else place > self.after

    def _worked_out(self, inside: Sequence[tuple[Place, Change | UUID]]) -> list[Change]:
        """In their order. What ceased to be since its key was read is left out."""
        users = {found for _place, found in inside if isinstance(found, UUID)}
        theirs: dict[tuple[str, ...], Change] = {}
        if users:
            theirs = {change.line.key[1:]: change for change in self._changes(users)}
        # Each place ends with person, URN and contract.
        told = [theirs.get(place[-3:]) if isinstance(each, UUID) else each for place, each in inside]
        return [change for change in told if change is not None]

    def _changes(self, user_ids: Collection[UUID]) -> list[Change]:
        """The lines of those of them who have a name: nobody else ever lived here."""
        only = [self.asked.application_id]
        found = people(user_ids, tenant_id=self.tenant_id, application_ids=only, made=self._made())
        facts = found.held.get(self.asked.application_id, {})
        holders = tuple((found.names[pk], facts[pk]) for pk in facts if pk in found.names)
        return replace(self.review, people=holders).between(self.asked.at, self.asked.other)
