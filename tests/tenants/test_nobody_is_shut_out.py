"""Who guesses is slowed down; whom he guesses at is not kept out; and history says so, in few rows."""

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pytest_django import DjangoDbBlocker

from iam_portal.walls import tenant_scope
from tenants import acquainted
from tenants.actions import attempts, sessions, users
from tenants.models import HistoryEvent, HistoryPerson, Tenant, User
from tests.support.factories import NOW, PASSWORD, SYSTEM, make_tenant, make_user
from tests.support.once import made_once, savepoint

OFFICE, HOME = "192.0.2.1", "198.51.100.9"
SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def office(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[tuple[Tenant, User]]:
    with made_once(django_db_blocker):
        tenant = make_tenant("acme")
        yield tenant, make_user(tenant)


@pytest.fixture(autouse=True)
def undone(office: tuple[Tenant, User], django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with savepoint(django_db_blocker):
        yield


@pytest.fixture
def acme(office: tuple[Tenant, User]) -> Tenant:
    return office[0]


@pytest.fixture
def jane(office: tuple[Tenant, User]) -> User:
    return office[1]


def attempt(tenant: Tenant | None, username: str, password: str = "wrong", **more: Any) -> str:
    """How it ended: ``in``, or the code of the refusal."""
    given = {"at": NOW, "source_address": OFFICE, **more}
    try:
        sessions.sign_in(tenant=tenant, username=username, password=password, **given)
    except (sessions.SignInRefused, attempts.TooManyAttempts) as refusal:
        return refusal.code
    return "in"


def refused(tenant: Tenant) -> list[HistoryEvent]:
    with tenant_scope(tenant.id):
        rows = HistoryEvent.objects.filter(tenant=tenant, action__in=("session.refused", "session.unknown"))
        return list(rows.order_by("id"))


@pytest.mark.parametrize("seed", range(2))
def test_whatever_a_guesser_does_the_right_password_comes_in_soon(
    acme: Tenant, jane: User, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once where she signed in before and from a network that is not his; from his after the window."""
    for name, less in (("ADDRESS_FAILURES", 12), ("NAME_FAILURES", 15), ("ORGANIZATION_FAILURES", 25)):
        monkeypatch.setattr(attempts, name, less)
    chance = random.Random(seed)
    hers = acquainted.with_user("", jane)
    networks = [OFFICE, *(f"203.0.113.{number}" for number in range(5))]
    at, last = NOW, NOW
    for _ in range(50):
        at += SECOND * chance.randint(0, 20)
        last = at
        name = chance.choice(["jane", "jane", "jane@example.org", "nobody", f"name{chance.randint(0, 9)}"])
        attempt(acme, name, source_address=chance.choice(networks), at=at)
        if chance.random() < 0.2:
            assert attempt(acme, "jane", PASSWORD, browser=hers, at=at) == "in"
            assert attempt(acme, "jane", PASSWORD, source_address=HOME, at=at) == "in"
    assert attempt(acme, "jane", PASSWORD, at=last + attempts.WINDOW) == "in"


def test_a_known_browser_is_counted_for_whom_it_knows_only(acme: Tenant, jane: User) -> None:
    make_user(acme, "kim")
    hers = acquainted.with_user("", jane)
    for _ in range(attempts.FAILURES):
        assert attempt(acme, "jane", browser=hers) == "sign_in_refused"
        assert attempt(acme, "kim", browser=hers) == "sign_in_refused"
    assert attempt(acme, "jane", PASSWORD, browser=hers) == "too_many_attempts"
    assert attempt(acme, "kim", PASSWORD, browser=hers) == "too_many_attempts"
    assert attempt(acme, "jane", PASSWORD) == "in", "the network has not been tried"
    assert attempt(acme, "kim", PASSWORD, source_address=HOME) == "in"


@pytest.mark.parametrize("forged", ["", ".", "a.b", "é" * 43, "x" * 43 + "." + "0" * 32, "x" * 4000])
def test_a_made_up_browser_has_no_tries_of_its_own(acme: Tenant, forged: str) -> None:
    for _ in range(attempts.FAILURES):
        attempt(acme, "jane", browser=forged)
    assert attempt(acme, "jane", PASSWORD, browser=forged) == "too_many_attempts"


def test_another_persons_mark_is_none(acme: Tenant, jane: User) -> None:
    kim = make_user(acme, "kim")
    name, mark = acquainted.with_user("", jane).split(".")
    assert acquainted.counted_by(f"{name}.{mark}", jane)
    assert not acquainted.counted_by(f"{name}.{mark}", kim)
    both = acquainted.with_user(f"{name}.{mark}", kim)
    assert acquainted.counted_by(both, jane) == acquainted.counted_by(both, kim) != ""
    assert acquainted.with_user(both, kim) == both


def test_from_many_networks_each_has_fewer_tries(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "NAME_FAILURES", 6)
    for number in range(6):
        assert attempt(acme, "jane", source_address=f"203.0.113.{number}") == "sign_in_refused"
    for _ in range(attempts.FEW):
        assert attempt(acme, "jane") == "sign_in_refused"
    assert attempt(acme, "jane", PASSWORD) == "too_many_attempts"
    assert attempt(acme, "jane", PASSWORD, source_address=HOME) == "in"
    assert attempt(acme, "kim") == "sign_in_refused", "another name has its own"


def test_a_flood_over_all_names_leaves_each_network_few_tries(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "ORGANIZATION_FAILURES", 6)
    for number in range(6):
        attempt(acme, f"name{number}", source_address=f"203.0.113.{number}")
    for _ in range(attempts.FEW):
        assert attempt(acme, "jane") == "sign_in_refused"
    assert attempt(acme, "jane") == "too_many_attempts"
    assert attempt(acme, "jane", PASSWORD, at=NOW + attempts.WINDOW) == "in"


@pytest.mark.parametrize(("passed", "told"), [(0, "5 minutes"), (200, "2 minutes"), (270, "1 minute.")])
def test_the_wait_that_is_told_is_the_true_one(acme: Tenant, passed: int, told: str) -> None:
    for _ in range(attempts.FAILURES):
        attempt(acme, "jane")
    at = NOW + SECOND * passed
    with pytest.raises(attempts.TooManyAttempts) as refusal:
        sessions.sign_in(
            tenant=acme, username="jane", password=PASSWORD, at=at, source_address=OFFICE, slug=""
        )
    assert told in refusal.value.detail
    wait = refusal.value.data["retryAfter"]
    assert wait == 300 - passed
    assert attempt(acme, "jane", PASSWORD, at=at + SECOND * (wait - 1)) == "too_many_attempts"
    assert attempt(acme, "jane", PASSWORD, at=at + SECOND * wait) == "in"


def test_refusals_stand_in_history_with_their_address_and_few_of_them(acme: Tenant, jane: User) -> None:
    for number in range(attempts.NAME_RECORDED + 5):
        attempt(acme, "jane", source_address=f"203.0.113.{number}")
    rows = refused(acme)
    assert len(rows) == attempts.NAME_RECORDED
    assert {(row.action, row.subject_kind, row.subject_id) for row in rows} == {
        ("session.refused", "user", str(jane.id))
    }
    assert [bool((row.after or {}).get("furtherNotRecorded")) for row in rows] == [False] * 9 + [True]
    with tenant_scope(acme.id):
        people = HistoryPerson.objects.filter(event_id__in=[row.id for row in rows])
        assert {person.source_address for person in people} == {f"203.0.113.{n}" for n in range(10)}
    attempt(acme, "jane", at=NOW + attempts.MEMORY)
    assert len(refused(acme)) == attempts.NAME_RECORDED + 1


def test_a_flood_over_names_that_nobody_has_is_kept_to_some_rows(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "RECORDED", 7)
    for number in range(12):
        attempt(acme, f"my secret {number}", source_address=f"203.0.113.{number}")
    rows = refused(acme)
    assert len(rows) == 7
    assert {row.action for row in rows} == {"session.unknown"}
    assert "secret" not in str([vars(row) for row in rows])


def test_a_refusal_costs_as_much_for_a_name_that_somebody_has(
    acme: Tenant, django_assert_num_queries: Any
) -> None:
    """One query more or less, or a row of history for the one alone, and a clock would tell."""
    for tenant, name in ((acme, "jane"), (acme, "nobody")):
        with tenant_scope(acme.id), django_assert_num_queries(17):
            assert attempt(tenant, name) == "sign_in_refused"


def test_who_may_not_be_here_learns_it_by_the_right_password_only(acme: Tenant, jane: User) -> None:
    with tenant_scope(acme.id):
        users.deactivate(tenant=acme, user_id=jane.id, by=SYSTEM, at=NOW)
    assert attempt(acme, "jane") == "sign_in_refused"
    assert attempt(acme, "jane", PASSWORD) == "account_closed"
    assert [(row.after or {})["because"] for row in refused(acme)] == ["sign_in_refused", "account_closed"]
    for _ in range(attempts.FAILURES - 2):
        attempt(acme, "jane")
    assert attempt(acme, "jane", PASSWORD) == "too_many_attempts", "being told is counted, too"


def test_who_was_deactivated_does_not_hide_who_has_his_name_as_address(acme: Tenant, jane: User) -> None:
    kim = make_user(acme, "kim", password="quite another password")
    with tenant_scope(acme.id):
        users.change(tenant=acme, user_id=kim.id, username="jane@example.org", by=SYSTEM, at=NOW)
        users.deactivate(tenant=acme, user_id=kim.id, by=SYSTEM, at=NOW)
    assert attempt(acme, "jane@example.org", PASSWORD) == "in"


def test_who_makes_up_organizations_does_not_fill_the_platforms_record(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does he hide there who tries its people."""
    monkeypatch.setattr(attempts, "RECORDED", 3)
    platform = Tenant.objects.get(is_platform=True)
    for number in range(6):
        attempt(None, "jane", slug=f"nowhere{number}")
    assert [row.action for row in refused(platform)] == ["session.unknown"] * 3
    attempt(platform, "operator")
    assert len(refused(platform)) == 4


def test_a_network_that_guesses_everywhere_is_one(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """In organizations that there are, and in made-up ones, of which nobody knows how many there may be."""
    monkeypatch.setattr(attempts, "NETWORK_FAILURES", 5)
    for number in range(4):
        assert attempt(None, "jane", slug=f"nowhere{number}") == "sign_in_refused"
    assert attempt(acme, "kim") == "sign_in_refused"
    assert attempt(acme, "jane", PASSWORD) == "too_many_attempts"
    assert attempt(None, "jane", slug="elsewhere") == "too_many_attempts"
    assert attempt(acme, "jane", PASSWORD, source_address=HOME) == "in"
    assert attempt(acme, "jane", PASSWORD, at=NOW + attempts.WINDOW) == "in"
