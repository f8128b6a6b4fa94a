"""A review part by part is the whole review, whatever happened before, in both orders and directions."""

from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accesscontrol import review as reviewing
from accesscontrol.actions import assignments
from accesscontrol.actions.assignments import Wanted
from accesscontrol.decide import HeldRole, Permission
from accesscontrol.models import Assignment
from accesscontrol.review import Asked, Change, Order, Part, everything, part, review
from accesscontrol.serializers.review import as_json
from accesscontrol.views import standing
from applications.actions import contracts
from iam_portal.walls import tenant_scope
from tenants.models import Group
from tests.accesscontrol.oauth.asking import METER
from tests.accesscontrol.oauth.chance import Chance
from tests.accesscontrol.oauth.conftest import World
from tests.accesscontrol.oauth.signed_in import give, person
from tests.support.factories import SYSTEM, make_group


def told(change: Change) -> tuple[str, dict[str, Any], Any]:
    return change.what, as_json(change), change.line.role.reasons


def walked(asked: Asked, *, backwards: bool, limit: int) -> tuple[list[Change], set[int]]:
    """Part after part, in the order in which they come; and how many each says there are."""
    found: list[Change] = []
    counts, after = set(), None
    while True:
        shown = part(asked, after=after, backwards=backwards, limit=limit)
        counts.add(shown.count)
        found += reversed(shown.rows) if backwards else shown.rows
        if not shown.more:
            return found, counts
        after = shown.first if backwards else shown.last


def by_name(change: Change) -> tuple[str, ...]:
    kind, *rest = change.line.key
    return ("" if kind == reviewing.USER else kind, change.line.name.lower(), *rest)


@pytest.mark.parametrize("seed", range(3))
def test_rows_alone_are_the_same(shared: World, seed: int) -> None:
    """The nearest people are looked at first; where those hold too little, all are."""
    chance, seen = Chance(shared, seed), 0
    chance.live(30)
    now = shared.clock.at
    pairs: list[tuple[datetime, datetime | None]] = [(now, None), (chance.moments[5], now)]
    pairs += [(moment, None) for moment in chance.lot.sample(chance.moments, 3)]
    pairs.append((now, now - timedelta(minutes=1)))
    for at, other in pairs:
        given = {"tenant": shared.globex, "application_id": METER, "at": at, "other": other}
        with tenant_scope(shared.globex.id):
            whole = review(tenant=shared.globex, application_id=METER, since=min(at, other or at))
            every = whole.between(at, other)
            seen, expected = seen + len(every), [told(change) for change in every]
            asked = Asked(rows_alone=True, **given)
            for limit, backwards in product((1, 2, 3, 5), (False, True)):
                found, counts = walked(asked, backwards=backwards, limit=limit)
                shown = [told(change) for change in found]
                assert (shown[::-1] if backwards else shown, counts) == (expected, {0}), (at, limit)
    assert seen > 5


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("order", Order)
def test_of_many_the_number_is_not_told_and_the_rows_are_the_same(
    shared: World, seed: int, order: Order
) -> None:
    chance, many = Chance(shared, seed), 0
    chance.live(30)
    now = shared.clock.at
    pairs: list[tuple[datetime, datetime | None]] = [(now, None), (chance.moments[0], now)]
    pairs += [(moment, None) for moment in chance.lot.sample(chance.moments, 2)]
    pairs += [(now, chance.moments[15]), (now, now + timedelta(days=15))]
    for (at, other), fits in product(pairs, (everything, of_viewers, of_who_may_modify)):
        given = {"tenant": shared.globex, "application_id": METER, "at": at, "other": other}
        with tenant_scope(shared.globex.id):
            whole = review(tenant=shared.globex, application_id=METER, since=min(at, other or at))
            lines = whole.between(at, other)
            every = [each for each in lines if fits(each.line.role, each.before | each.line.permissions)]
            key = by_name if order is Order.NAME else lambda change: change.line.key
            expected = [told(change) for change in sorted(every, key=key)]
            for most, backwards in product((0, 2, 100), (False, True)):
                asked = Asked(order=order, fits=fits, most=most, **given)
                found, counts = walked(asked, backwards=backwards, limit=chance.lot.randint(1, 4))
                shown = [told(change) for change in found]
                assert (shown[::-1] if backwards else shown) == expected, (at, other, most)
                assert counts == {min(len(every), most + 1)}, (at, other, most)
                many += len(every) > most
    assert many > 5


def of_viewers(role: HeldRole, _permissions: frozenset[Permission]) -> bool:
    return role.key == "viewer"


def of_who_may_modify(_role: HeldRole, permissions: frozenset[Permission]) -> bool:
    """As one looks for a resource: it may be in a role at one of two moments alone."""
    return any(privilege == "modify" for _kind, _key, privilege in permissions)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("text", ["", "a"])
def test_part_by_part_is_the_whole(shared: World, seed: int, text: str) -> None:
    chance = Chance(shared, seed)
    chance.live(30)
    later = shared.clock.at + timedelta(days=5)
    pairs: list[tuple[datetime, datetime | None]] = [(shared.clock.at, None), (later, chance.moments[20])]
    pairs += [(moment, None) for moment in chance.lot.sample(chance.moments, 3)]
    pairs.append((chance.moments[10], shared.clock.at))
    seen = 0
    for at, other in pairs:
        with tenant_scope(shared.globex.id):
            whole = review(tenant=shared.globex, application_id=METER, since=min(at, other or at))
            every = [each for each in whole.between(at, other) if text in each.line.name.casefold()]
            seen += len(every)
            for order, key in ((Order.ID, lambda change: change.line.key), (Order.NAME, by_name)):
                expected = [told(change) for change in sorted(every, key=key)]
                given = {"tenant": shared.globex, "application_id": METER, "at": at, "other": other}
                asked = Asked(order=order, text=text, **given)
                for backwards in (False, True):
                    found, counts = walked(asked, backwards=backwards, limit=chance.lot.randint(1, 4))
                    shown = [told(change) for change in found]
                    assert (shown[::-1] if backwards else shown) == expected, (at, other, order)
                    assert counts == {len(every)}
    assert seen > (1 if text else 5)
    _standings_agree(shared, shared.clock.at)


def _standings_agree(world: World, at: datetime) -> None:
    """What pages say of each assignment, by the few permissions that they read, the review says, too."""
    with tenant_scope(world.globex.id):
        lines = review(tenant=world.globex, application_id=METER, since=at).lines(at)
        rows = Assignment.objects.filter(tenant=world.globex, user__isnull=False, during__isempty=False)
        rows = list(rows.select_related("application_role", "tenant_role"))
        stands = standing.of_rows(rows, tenant=world.globex, at=at)
    counting = {
        way.id for line in lines if line.kind == reviewing.USER for way in line.through if not way.via
    }
    assert {str(row.pk) for row in rows if stands[row.pk].state == "in_force"} == counting


def narrowed(world: World, **filters: Any) -> Part:
    with tenant_scope(world.globex.id):
        at = world.clock.at
        return part(Asked(tenant=world.globex, application_id=METER, at=at, **filters), limit=10)


def test_only_who_is_in_the_part_is_worked_out(shared: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three hundred hold the role, and as many statements and facts of people are read as for two."""
    worked: list[int] = []
    whole = reviewing.parts.people  # type: ignore[attr-defined]

    def counting(user_ids: Any, **more: Any) -> Any:
        found = whole(user_ids, **more)
        worked.append(
            sum(len(facts.assignments) for theirs in found.held.values() for facts in theirs.values())
        )
        return found

    monkeypatch.setattr(reviewing.parts, "people", counting)  # type: ignore[attr-defined]
    give(shared, person(shared, "ann"))
    with CaptureQueriesContext(connection) as few:
        assert narrowed(shared).count == 2
    crowd = _crowd(shared, 300)
    wanted = Wanted(role="editor", application_id=METER, group_id=crowd.id)
    assignments.assign(tenant=shared.globex, wanted=wanted, by=SYSTEM, at=shared.clock.at)
    with CaptureQueriesContext(connection) as many:
        found = narrowed(shared)
    assert (found.count, len(found.rows), found.more) == (302, 10, True)
    assert len(many) == len(few)
    assert worked[-1] <= 2 * 10
    assert found.roles == {"viewer", "editor"}


@pytest.mark.parametrize("looked_at", [1, 40])
def test_those_who_stand_far_apart_are_found(
    shared: World, monkeypatch: pytest.MonkeyPatch, looked_at: int
) -> None:
    """The next people in the order have nothing: not everybody is asked one by one."""
    monkeypatch.setattr(reviewing.parts.near, "LOOKED_AT", looked_at)  # type: ignore[attr-defined]
    _crowd(shared, 60)
    late = [person(shared, f"z{number}") for number in range(5)]
    for each in late:
        give(shared, each)
    found = narrowed(shared, order=Order.NAME, most=3, kind=reviewing.USER)
    assert [change.line.principal_id for change in found.rows] == [str(each.id) for each in late]
    assert (found.count, found.more) == (4, False)


def test_of_many_only_the_nearest_are_looked_at(shared: World, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = _crowd(shared, 300)
    wanted = Wanted(role="editor", application_id=METER, group_id=crowd.id)
    assignments.assign(tenant=shared.globex, wanted=wanted, by=SYSTEM, at=shared.clock.at)
    whole = reviewing.parts.people  # type: ignore[attr-defined]
    looked_at: list[int] = []

    def counting(user_ids: Any, **more: Any) -> Any:
        looked_at.append(len(user_ids))
        return whole(user_ids, **more)

    monkeypatch.setattr(reviewing.parts, "people", counting)  # type: ignore[attr-defined]
    rows, asked = reviewing.parts.keys.rows, list[int | None]()  # type: ignore[attr-defined]

    def noting(*given: Any, most: int | None = None, **more: Any) -> Any:
        asked.append(most)
        return rows(*given, most=most, **more)

    monkeypatch.setattr(reviewing.parts.keys, "rows", noting)  # type: ignore[attr-defined]
    found = narrowed(shared, order=Order.NAME, most=100)
    assert (found.count, len(found.rows), found.more) == (101, 10, True)
    assert (asked, looked_at) == ([100], [11])


def test_filters_of_one_role_kind_and_name(shared: World) -> None:
    assert narrowed(shared).roles == {"viewer"}  # a service holds it, and nobody else
    give(shared, person(shared, "ann"))
    give(shared, person(shared, "bob"), "editor")
    for filters, names in (
        ({}, ["Reader", "Ann", "Bob"]),
        ({"kind": reviewing.USER}, ["Ann", "Bob"]),
        ({"kind": reviewing.SERVICE}, ["Reader"]),
        ({"text": "AN"}, ["Ann"]),
        ({"text": "%"}, []),
        ({"fits": lambda role, _permissions: role.key == "editor"}, ["Bob"]),
        ({"fits": lambda _role, permissions: not permissions}, []),
    ):
        found = narrowed(shared, **filters)
        names_found = {change.line.name for change in found.rows}
        assert (names_found, found.count) == (set(names), len(names)), filters
        assert found.roles == {"viewer", "editor"}


def test_what_ends_while_it_is_read_is_left_out(shared: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key was read, then somebody took the role away: the line is not told, and nothing breaks."""
    row = give(shared, person(shared, "ann"))
    whole = reviewing.parts.people  # type: ignore[attr-defined]

    def late(user_ids: Any, **more: Any) -> Any:
        shared.withdraw(row)
        return whole(user_ids, **more)

    monkeypatch.setattr(reviewing.parts, "people", late)  # type: ignore[attr-defined]
    shown = narrowed(shared)
    assert [change.line.name for change in shown.rows] == ["Reader"]


def test_a_contract_that_ended_gives_no_line(shared: World) -> None:
    give(shared, person(shared, "ann"))
    contract = shared.globex.contracts_received.get()
    contracts.end(tenant=shared.acme, contract_id=contract.id, by=SYSTEM, at=shared.clock.forward(seconds=1))
    found = narrowed(shared)
    assert (list(found.rows), found.count, found.roles) == ([], 0, frozenset())


def _crowd(world: World, number: int) -> Group:
    """By rows: nobody of them signs in."""
    at = world.clock.at
    group = make_group(world.globex, "Crowd", at=at)
    with tenant_scope(world.globex.id), connection.cursor() as cursor:
        cursor.execute(
            """
            WITH made AS (
                INSERT INTO tenants_user (id, tenant_id, username, email, display_name, password, language,
                    time_zone, created_at, revision)
                SELECT gen_random_uuid(), %(tenant)s, 'crowd' || n, 'crowd' || n || '@example.org',
                    'Crowd ' || n, '!', '', '', %(at)s, 1
                FROM generate_series(1, %(number)s) n RETURNING id
            ), active AS (
                INSERT INTO tenants_useractivity (tenant_id, user_id, during)
                SELECT %(tenant)s, id, tstzrange(%(at)s, NULL) FROM made
            )
            INSERT INTO tenants_membership (tenant_id, group_id, user_id, during)
            SELECT %(tenant)s, %(group)s, id, tstzrange(%(at)s, NULL) FROM made
            """,
            {"tenant": world.globex.id, "at": at, "number": number, "group": group.id},
        )
    return group
