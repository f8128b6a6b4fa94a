"""Signing in: who guesses learns nothing; a session ends when it should."""

from datetime import timedelta

import pytest
from django.contrib.auth import hashers
from django.contrib.auth.hashers import MD5PasswordHasher

from iam_portal.walls import tenant_scope
from tenants.actions import attempts, sessions, tenants, users
from tenants.lifetimes import Lifetime
from tenants.models import HistoryEvent, SignInFailure, Tenant, UserSession
from tests.support.factories import NOW, PASSWORD, SYSTEM, acting, make_tenant, make_user, sign_in
from tests.tenants.conftest import at_once, history_of


def minutes(count):
    return NOW + timedelta(minutes=count)


def attempt(tenant, username="jane", password="wrong", at=NOW, address="192.0.2.1", slug=""):
    with pytest.raises((sessions.SignInRefused, attempts.TooManyAttempts)) as refused:
        sessions.sign_in(
            tenant=tenant, username=username, password=password, at=at, source_address=address, slug=slug
        )
    return refused.value


@pytest.fixture
def jane(in_acme):
    return make_user(in_acme)


def test_a_cookie_leads_to_its_session(in_acme, jane):
    token = sign_in(jane)
    session = sessions.resolve(tenant=in_acme, token=token, at=NOW)
    assert session.user == jane
    assert token not in str(list(UserSession.objects.values()) + list(HistoryEvent.objects.values()))
    assert history_of(in_acme)[-1] == "session.started"


@pytest.mark.parametrize("name", ["jane", " JANE ", "jane@example.org", "Jane@Example.ORG"])
def test_by_user_name_or_mail_address(in_acme, jane, name):
    user, _ = sessions.sign_in(tenant=in_acme, username=name, password=PASSWORD, at=NOW)
    assert user == jane


def test_a_name_that_looks_like_anothers_address_leads_to_the_name(in_acme, jane):
    other = make_user(in_acme, "other", password="another long password")
    users.change(tenant=in_acme, user_id=other.id, username="jane@example.org", by=SYSTEM, at=NOW)
    assert attempt(in_acme, "jane@example.org", PASSWORD)
    user, _ = sessions.sign_in(
        tenant=in_acme, username="jane@example.org", password="another long password", at=NOW
    )
    assert user == other


def test_two_sign_ins_are_two_sessions(in_acme, jane):
    first, second = sign_in(jane), sign_in(jane)
    session = sessions.resolve(tenant=in_acme, token=first, at=NOW)
    sessions.sign_out(session=session, by=acting(jane), at=NOW)
    sessions.sign_out(session=session, by=acting(jane), at=NOW)
    assert sessions.resolve(tenant=in_acme, token=first, at=NOW) is None
    assert sessions.resolve(tenant=in_acme, token=second, at=NOW) is not None
    assert history_of(in_acme).count("session.ended") == 1


def test_every_refusal_reads_alike_and_hashes_once(db, monkeypatch):
    acme, closed = make_tenant("acme"), make_tenant("closed")
    make_user(acme)
    gone = make_user(acme, "gone")
    make_user(closed)
    with tenant_scope(acme.id):
        users.deactivate(tenant=acme, user_id=gone.id, by=SYSTEM, at=NOW)
        new = {"username": "new", "email": "new@example.org", "display_name": "New"}
        users.invite(tenant=acme, **new, by=SYSTEM, at=NOW)
    tenants.suspend(tenant=closed, reason="", by=SYSTEM, at=NOW)
    cases = [
        (acme, "jane", "wrong"),
        (acme, "nobody", PASSWORD),
        (acme, "no\0body", PASSWORD),
        (acme, "gone", "wrong"),
        (acme, "new", PASSWORD),
        (closed, "jane", "wrong"),
        (None, "jane", PASSWORD),
    ]
    rounds = []
    encode = MD5PasswordHasher.encode
    monkeypatch.setattr(MD5PasswordHasher, "encode", lambda *args: rounds.append(1) or encode(*args))
    answers, work = set(), set()
    for tenant, username, password in cases:
        rounds.clear()
        refusal = attempt(tenant, username, password, slug="nowhere")
        answers.add((refusal.code, refusal.detail))
        work.add(len(rounds))
    assert len(answers) == 1
    assert work == {1}, "each attempt costs one password hash"
    told = [attempt(tenant, name, PASSWORD).detail for tenant, name in ((acme, "gone"), (closed, "jane"))]
    assert "deactivated" in told[0]
    assert "suspended" in told[1]


def test_the_neighbours_password_opens_nothing_here(acme, neighbour):
    here, there = make_user(acme), make_user(neighbour, password="quite another password")
    assert attempt(acme, "jane", "quite another password")
    token = sign_in(there, password="quite another password")
    with tenant_scope(acme.id):
        assert sessions.resolve(tenant=acme, token=token, at=NOW) is None
    assert sign_in(here)


def test_ten_failures_in_five_minutes_close_the_door_for_this_address_only(in_acme, jane):
    for _ in range(attempts.FAILURES):
        assert attempt(in_acme).code == "sign_in_refused"
    assert attempt(in_acme, password=PASSWORD).code == "too_many_attempts"
    assert sign_in(jane, address="198.51.100.9"), "the right password from elsewhere passes"
    assert sign_in(jane, at=minutes(5))


def test_unknown_names_and_organizations_are_limited_alike(acme):
    for tenant, slug in ((acme, ""), (None, "nowhere")):
        for _ in range(attempts.FAILURES):
            attempt(tenant, "nobody", slug=slug)
        assert attempt(tenant, "nobody", slug=slug).code == "too_many_attempts"
    assert attempt(None, "nobody", slug="elsewhere").code == "sign_in_refused"


def test_a_success_forgets_the_failures_and_old_ones_are_cleared_away(in_acme, jane):
    for _ in range(attempts.FAILURES - 1):
        attempt(in_acme)
    sign_in(jane)
    assert not SignInFailure.objects.exists()
    attempt(in_acme, "somebody")
    attempt(in_acme, "somebody else", at=minutes(61))
    assert SignInFailure.objects.count() == 1


def test_what_was_typed_is_not_kept(in_acme):
    attempt(in_acme, "my password, typed into the wrong field")
    assert "password" not in str(list(SignInFailure.objects.values()))


def test_a_session_ends_when_idle_and_at_last_in_any_case(in_acme, jane, settings):
    token = sign_in(jane)
    idle = NOW + timedelta(seconds=settings.LIFETIMES[Lifetime.SESSION_IDLE][0])
    assert sessions.resolve(tenant=in_acme, token=token, at=idle) is None
    moment = NOW
    while moment < NOW + timedelta(seconds=settings.LIFETIMES[Lifetime.SESSION][0]):
        assert sessions.resolve(tenant=in_acme, token=token, at=moment)
        moment += timedelta(minutes=30)
    assert sessions.resolve(tenant=in_acme, token=token, at=moment) is None


def test_seeing_a_session_is_written_once_a_minute(in_acme, jane, django_assert_num_queries, monkeypatch):
    monkeypatch.setattr(sessions, "TOUCH", timedelta(minutes=1))  # else longer, where statements are counted
    token = sign_in(jane)
    with django_assert_num_queries(1):
        sessions.resolve(tenant=in_acme, token=token, at=NOW + timedelta(seconds=59))
    with django_assert_num_queries(2):
        sessions.resolve(tenant=in_acme, token=token, at=minutes(1))
    assert UserSession.objects.get().seen_at == minutes(1)


def test_a_suspended_organization_has_no_sessions(in_acme, jane):
    token = sign_in(jane)
    tenants.suspend(tenant=in_acme, reason="", by=SYSTEM, at=NOW)
    assert sessions.resolve(tenant=in_acme, token=token, at=NOW) is None


def test_the_failure_is_counted_although_the_sign_in_is_refused(committed_db):
    acme = make_tenant("acme")
    attempt(acme)
    with tenant_scope(acme.id):
        assert SignInFailure.objects.count() == 1
    with tenant_scope(Tenant.objects.get(is_platform=True).id):
        assert not SignInFailure.objects.exists()


def test_parallel_guesses_are_all_counted(committed_db, monkeypatch):
    acme = make_tenant("acme")
    make_user(acme)
    monkeypatch.setattr(attempts, "FAILURES", 3)
    results = at_once(
        *(lambda: sessions.sign_in(tenant=acme, username="jane", password="wrong", at=NOW) for _ in range(6))
    )
    names = sorted(type(result).__name__ for result in results)
    assert names == ["SignInRefused"] * 3 + ["TooManyAttempts"] * 3


def test_a_deactivation_while_the_password_is_compared_wins(committed_db, monkeypatch):
    acme = make_tenant("acme")
    jane = make_user(acme)

    def deactivate_meanwhile(password, encoded):
        def deactivate():
            with tenant_scope(acme.id):
                users.deactivate(tenant=acme, user_id=jane.id, by=SYSTEM, at=NOW)

        assert at_once(deactivate) == [None]
        return hashers.check_password(password, encoded)

    monkeypatch.setattr(sessions, "check_password", deactivate_meanwhile)
    assert attempt(acme, password=PASSWORD).code == "account_closed"
    with tenant_scope(acme.id):
        assert not UserSession.objects.exists()
