"""Two moments of a review, from rows laid by lot: whose lines differ, by the database and by a rule here.

Rows as no act would leave them in so few steps: groups that end and move, memberships that come twice, lives
with gaps, all with ends at the very moments that are compared.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from django.db import IntegrityError, InternalError, connection, transaction

from accesscontrol.decide import AssignmentFact
from accesscontrol.models import TenantRole
from accesscontrol.review import keys
from accesscontrol.review.keys import Edge, Side, Sought
from accesscontrol.review.slots import Slot
from applications.models import ApplicationRole
from iam_portal.spans import Span
from iam_portal.walls import tenant_scope
from tests.accesscontrol.oauth.asking import METER
from tests.accesscontrol.oauth.chance import Chance
from tests.accesscontrol.oauth.conftest import World
from tests.accesscontrol.oauth.signed_in import person
from tests.support.factories import make_group

TABLES = {
    "tenants_useractivity": "user_id",
    "tenants_membership": "group_id, user_id",
    "tenants_groupplacement": "group_id, parent_id",
    "accesscontrol_assignment": "user_id, group_id, application_role_id, tenant_role_id, contract_id",
}
_MORE = {
    "accesscontrol_assignment": (", id, created_at, by_name, ended_by", ", gen_random_uuid(), now(), 'x', ''")
}
Lines = set[tuple[UUID, int]]


class Row(NamedTuple):
    """What stands in one of the tables for days: from the first on, up to the last or for good."""

    of: tuple[Any, ...]
    first: int
    last: int | None

    def at(self, day: int) -> bool:
        return self.first <= day and (self.last is None or day < self.last)


class Laid:
    """A tenant whose rows are laid anew, again and again."""

    def __init__(self, world: World, seed: int) -> None:
        contract = Chance(world, seed).contracts[1]
        self.lot, self.tenant, self.start = random.Random(seed), world.globex, world.clock.at
        self.users = [person(world, f"u{number}").id for number in range(9)]
        self.groups = [make_group(self.tenant, f"G{number}", at=self.start).id for number in range(6)]
        roles = [each.id for each in ApplicationRole.objects.filter(application=METER)]
        with tenant_scope(self.tenant.id):
            self.made = [each.id for each in TenantRole.objects.filter(tenant=self.tenant)]
        self.declared = [(role, held_by) for role in roles for held_by in (None, str(contract.id))]
        self.rows: dict[str, list[Row]] = {}
        self.living: dict[UUID, Row] = {}

    def day(self, number: int) -> datetime:
        return self.start + timedelta(days=number)

    def lay(self) -> None:
        """In the tenant's scope."""
        lot, self.rows = self.lot, {table: [] for table in TABLES}
        with connection.cursor() as cursor:
            for table in reversed(TABLES):
                cursor.execute(f"DELETE FROM {table} WHERE tenant_id = %s", [self.tenant.id])
            for group in self.groups:
                row = self.living[group] = self._some(group)
                spans = "UPDATE tenants_group SET during = tstzrange(%s, %s) WHERE id = %s"
                cursor.execute(spans, [*self._days(row), group])
        for user in self.users:
            for _ in range(lot.choice((1, 1, 1, 2))):
                self._put("tenants_useractivity", user)
        for _ in range(lot.randint(0, 14)):
            self._put("tenants_membership", lot.choice(self.groups), lot.choice(self.users))
        for _ in range(lot.randint(0, 8)):
            above, below = sorted(lot.sample(range(6), 2))
            self._put("tenants_groupplacement", self.groups[below], self.groups[above])
        for _ in range(lot.randint(1, 8)):
            who = (lot.choice(self.users), None) if lot.random() < 0.4 else (None, lot.choice(self.groups))
            role, contract = lot.choice(self.declared)
            what = (role, None, contract) if lot.random() < 0.6 else (None, lot.choice(self.made), None)
            self._put("accesscontrol_assignment", *who, *what)

    def _some(self, *of: Any) -> Row:
        first = self.lot.choice((0, 0, self.lot.randint(0, 20)))
        return Row(of, first, self.lot.choice((None, None, first + self.lot.randint(1, 12))))

    def _days(self, row: Row) -> list[datetime | None]:
        return [self.day(row.first), None if row.last is None else self.day(row.last)]

    def _put(self, table: str, *of: Any) -> None:
        """Unless the database refuses it: it overlaps another."""
        row, (names, values) = self._some(*of), _MORE.get(table, ("", ""))
        marks, columns = "%s, " * len(of), f"tenant_id, {TABLES[table]}, during{names}"
        sql = f"INSERT INTO {table} ({columns}) VALUES (%s, {marks} tstzrange(%s, %s){values})"
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(sql, [self.tenant.id, *of, *self._days(row)])
        except (IntegrityError, InternalError):
            return
        self.rows[table].append(row)

    def _living_at(self, table: str, day: int) -> Iterator[tuple[Any, ...]]:
        return (row.of for row in self.rows[table] if row.at(day))

    def held(self, day: int, slots: Iterable[tuple[Slot, int]]) -> Lines:
        """Who has which line on that day."""
        lines = [((slot.role_id, slot.contract_id), line) for slot, line in slots]
        active = {user for (user,) in self._living_at("tenants_useractivity", day)}
        found: Lines = set()
        for user, group, role, made, contract in self._living_at("accesscontrol_assignment", day):
            who = {user} if user else self._members(group, day)
            mine = {line for held, line in lines if held == (role or made, contract)}
            found |= {(each, line) for each in who & active for line in mine}
        return found

    def _members(self, group: UUID, day: int) -> set[UUID]:
        if not self.living[group].at(day):
            return set()
        reached, before = {group}, set[UUID]()
        while reached != before:
            before = set(reached)
            placed = self._living_at("tenants_groupplacement", day)
            reached |= {below for below, above in placed if above in before}
        return {user for into, user in self._living_at("tenants_membership", day) if into in reached}

    def sought(self, days: Sequence[int], by_name: bool) -> tuple[Sought, Lines]:
        """Two days, on each of them all lines or some; and what must be found."""
        fact = AssignmentFact(id="", tenant_id="", span=Span(), by="", application_id=METER)
        every = [(Slot(*held, fact), line) for line, held in enumerate(self.declared)]
        every += [(Slot(made, None, fact), len(every)) for made in self.made]  # several slots of one line
        sides = [every if self.lot.random() < 0.7 else self.lot.sample(every, 3) for _ in days]
        told = {change: self.lot.sample(range(7), self.lot.choice((2, 7))) for change in ("lost", "gained")}
        told["changed"] = self.lot.sample(range(7), self.lot.choice((0, 0, 1, 3)))
        was, becomes = (self.held(day, slots) for day, slots in zip(days, sides, strict=True))
        wanted = {each for each in was - becomes if each[1] in told["lost"]}
        wanted |= {each for each in becomes - was if each[1] in told["gained"]}
        wanted |= {each for each in becomes & was if each[1] in told["changed"]}
        sought = Sought(
            tenant_id=str(self.tenant.id),
            sides=[Side(self.day(day), slots) for day, slots in zip(days, sides, strict=True)],
            told=told,
            text="",
            by_name=by_name,
        )
        return sought, wanted


@pytest.mark.parametrize("seed", range(3))
def test_whose_lines_differ(shared: World, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """All of them; and the nearest and the number, of a few, wherever a few say it."""
    laid = Laid(shared, seed)
    lot, settled, open_ones = laid.lot, 0, 0
    for _ in range(25):
        with tenant_scope(laid.tenant.id):
            laid.lay()
            for by_name in (False, True):
                days = [lot.randint(0, 24), lot.randint(0, 24)]
                sought, wanted = laid.sought(days, by_name)
                number, every = keys.rows(sought, edge=None, backwards=False, limit=1000)
                assert (number, len(every)) == (len(wanted), len(wanted)), days
                assert {(each.user_id, each.line) for each in every} == wanted, days
                for backwards in (False, True):
                    monkeypatch.setattr(keys, "LOOKED_AT", lot.choice((1, 1, 2)))
                    edge, limit = lot.choice([None, *every]), lot.randint(0, 4)
                    most = lot.choice((None, 0, 1, 2, 5))
                    asked: dict[str, Any] = {"edge": edge, "backwards": backwards, "limit": limit}
                    told, near = keys.nearest(sought, most=most, **asked)
                    if most is not None and told is not None:
                        assert min(told, most + 1) == min(len(wanted), most + 1), (days, most)
                    if near is not None:
                        assert near == _beyond(every, edge, backwards)[:limit], (days, asked)
                    settled += bool(near) and told is not None
                    open_ones += near is None or told is None
    assert min(settled, open_ones) > 3


def _beyond(every: list[Edge], edge: Edge | None, backwards: bool) -> list[Edge]:
    ordered = every[::-1] if backwards else every
    return ordered if edge is None else ordered[ordered.index(edge) + 1 :]
