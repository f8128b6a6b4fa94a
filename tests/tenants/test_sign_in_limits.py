"""Guessing one password over many names, and what a slow comparison may keep others from."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import hashers
from django.db import connection
from django.test import Client
from django.utils import timezone

from iam_portal.walls import tenant_scope
from tenants.actions import attempts, sessions
from tenants.models import SignInFailure, Tenant, UserSession
from tests.support.factories import NOW, PASSWORD, make_tenant, make_user
from tests.tenants.conftest import at_once

HERE, THERE = "192.0.2.1", "198.51.100.9"


def attempt(tenant: Tenant | None, username: str, password: str = "wrong", **more: Any) -> str:
    """How it ended: ``in``, or the code of the refusal."""
    given = {"at": NOW, "source_address": HERE, **more}
    try:
        sessions.sign_in(tenant=tenant, username=username, password=password, **given)
    except (sessions.SignInRefused, attempts.TooManyAttempts) as refusal:
        return refusal.code
    return "in"


def knock(name: str, password: str = "wrong", **more: Any) -> Any:
    """Through the door."""
    return Client(**more).post("/t/acme/sign-in", {"username": name, "password": password})


def test_two_names_of_one_person_give_no_more_tries(acme: Tenant) -> None:
    """And they do not tell that they are: the refusal is that of a wrong password, up to ten of each."""
    make_user(acme, at=timezone.now() - timedelta(days=1))
    pairs = (("jane", "jane@example.org"), ("nobody", "nobody@example.org"))
    for number, pair in enumerate(pairs):
        network = f"203.0.113.{number}"
        for name in pair:
            for _ in range(attempts.FAILURES // 2):
                assert knock(name, REMOTE_ADDR=network).status_code == 200
        for name in pair:
            for password in ("wrong", PASSWORD, "wrong", PASSWORD, PASSWORD):
                refused = knock(name, password, REMOTE_ADDR=network)
                assert refused.status_code == 200, "the right one is not tried any more"
                assert "User name or password is wrong" in refused.content.decode()
            assert knock(name, PASSWORD, REMOTE_ADDR=network).status_code == 429
    assert knock("jane", PASSWORD).status_code == 302, "elsewhere she comes in"


def test_the_right_password_forgives_what_was_mistyped_under_the_other_name(acme: Tenant) -> None:
    make_user(acme, at=timezone.now() - timedelta(days=1))
    for name in ("jane", "jane@example.org") * 3:
        for _ in range(3):
            assert knock(name).status_code == 200
        assert knock("JANE@example.org ", PASSWORD).status_code == 302


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> int:
    """The limit over all names, lower than is usual."""
    monkeypatch.setattr(attempts, "ADDRESS_FAILURES", 6)
    return 6


def test_one_guess_at_each_of_many_names_is_limited(acme: Tenant, few: int) -> None:
    make_user(acme)
    for number in range(few):
        assert attempt(acme, f"name{number}") == "sign_in_refused"
    assert attempt(acme, "jane", PASSWORD) == "too_many_attempts"
    later = NOW + attempts.WINDOW
    assert attempt(acme, "jane", PASSWORD, at=later) == "in"


def test_from_another_address_the_right_password_always_passes(acme: Tenant, few: int) -> None:
    make_user(acme)
    for number in range(2 * few):
        attempt(acme, "jane")
        attempt(acme, f"name{number}")
    assert attempt(acme, "jane", PASSWORD) == "too_many_attempts"
    assert attempt(acme, "jane", PASSWORD, source_address=THERE) == "in"


def test_another_organization_is_not_concerned(acme: Tenant, neighbour: Tenant, few: int) -> None:
    make_user(neighbour)
    for number in range(few + 1):
        attempt(acme, f"name{number}")
    assert attempt(acme, "anybody") == "too_many_attempts"
    assert attempt(neighbour, "jane", PASSWORD) == "in"


def test_an_unknown_organization_has_a_limit_of_its_own_like_a_real_one(db: None, few: int) -> None:
    """One for all unknown ones would tell them from real ones."""
    platform = Tenant.objects.get(is_platform=True)
    for number in range(few):
        assert attempt(None, f"name{number}", slug="nowhere") == "sign_in_refused"
    assert attempt(None, "anybody", slug="nowhere") == "too_many_attempts"
    assert attempt(None, "anybody", slug="elsewhere") == "sign_in_refused"
    assert attempt(platform, "anybody") == "sign_in_refused"


def test_ones_own_success_forgives_ones_own_name_only(acme: Tenant, few: int) -> None:
    """Else a guesser with an account signs in now and then, and goes on guessing."""
    make_user(acme)
    for _ in range(few // 2):
        assert attempt(acme, "jane") == "sign_in_refused"
    assert attempt(acme, "jane", PASSWORD) == "in"
    for number in range(few - 1):
        assert attempt(acme, f"name{number}") == "sign_in_refused"
    assert attempt(acme, "jane", PASSWORD) == "in"
    assert attempt(acme, "last") == "sign_in_refused"
    assert attempt(acme, "jane", PASSWORD) == "too_many_attempts"


def test_who_has_a_network_has_one_address(acme: Tenant, few: int) -> None:
    """IPv6 gives each customer 2^64 of them, and IPv4 within IPv6 is one address as ever."""
    for number in range(few):
        attempt(acme, f"name{number}", source_address=f"2001:db8:0:1::{number:x}")
        attempt(acme, f"name{number}", source_address=f"::ffff:203.0.113.{number}")
    assert attempt(acme, "anybody", source_address="2001:db8:0:1:ffff::1") == "too_many_attempts"
    assert attempt(acme, "anybody", source_address="2001:db8:0:2::1") == "sign_in_refused"
    assert attempt(acme, "anybody", source_address="::ffff:203.0.113.1") == "sign_in_refused"


def test_without_an_address_nobody_shuts_all_the_others_out(acme: Tenant, few: int) -> None:
    make_user(acme)
    for number in range(few + 1):
        attempt(acme, f"name{number}", source_address="")
    assert attempt(acme, "jane", PASSWORD, source_address="") == "in"


def test_parallel_guesses_over_many_names_are_all_counted(
    committed_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "ADDRESS_FAILURES", 3)
    acme = make_tenant("acme")
    acts = [lambda name=f"name{number}": attempt(acme, name) for number in range(6)]
    assert sorted(at_once(*acts)) == ["sign_in_refused"] * 3 + ["too_many_attempts"] * 3


@pytest.mark.parametrize("slug", ["acme", "nowhere"])
@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
def test_no_transaction_is_open_while_the_password_is_compared(
    committed_db: None, monkeypatch: pytest.MonkeyPatch, slug: str, password: str
) -> None:
    """Through the page: a slow hash would keep a connection of the pool, and whoever waits for the lock."""
    acme = make_tenant("acme")
    make_user(acme, at=timezone.now() - timedelta(days=1))
    seen = []

    def check(given: str, encoded: str) -> bool:
        seen.append(connection.in_atomic_block)
        return hashers.check_password(given, encoded)

    monkeypatch.setattr(sessions, "check_password", check)
    answer = Client().post(f"/t/{slug}/sign-in", {"username": "jane", "password": password})
    signed_in = slug == "acme" and password == PASSWORD
    assert answer.status_code == (302 if signed_in else 200)
    assert seen == [False]
    counted_in = acme if slug == "acme" else Tenant.objects.get(is_platform=True)
    with tenant_scope(counted_in.id):
        assert UserSession.objects.count() == signed_in
        assert SignInFailure.objects.count() == (not signed_in)
