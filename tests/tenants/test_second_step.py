"""After the right password: codes of an app, recovery codes, and what somebody tries who has the password."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db.models import F
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from tenants.actions import deletion, sessions
from tenants.models import AuthenticatorApp, ProofFailure, RecoveryCode, SignInStep, UserSession
from tests.support.factories import SYSTEM, make_tenant
from tests.support.once import made_once, savepoint
from tests.tenants.second_factors import Visit, acme, mailed, now_code


@pytest.fixture(scope="module")
def shared(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[tuple[Visit, str, list[str]]]:
    with made_once(django_db_blocker):
        jane = acme()
        yield jane, *jane.set_app_up()


@pytest.fixture
def jane(shared: tuple[Visit, str, list[str]], django_db_blocker: DjangoDbBlocker) -> Iterator[Visit]:
    with savepoint(django_db_blocker):
        yield shared[0].again()


@pytest.fixture
def secret(shared: tuple[Visit, str, list[str]]) -> str:
    return shared[1]


@pytest.fixture
def codes(shared: tuple[Visit, str, list[str]]) -> list[str]:
    return shared[2]


def test_the_password_alone_opens_nothing_but_the_second_step(jane: Visit) -> None:
    answer = jane.password(next="/t/acme/users?state=active")

    assert answer["Location"] == "/t/acme/sign-in/second?next=%2Ft%2Facme%2Fusers%3Fstate%3Dactive"
    assert not jane.session and not jane.is_in
    assert jane.client.get(f"/iam/access-management/v1/tenants/{jane.tenant.id}/users").status_code == 401
    with jane.in_scope():
        assert not UserSession.objects.filter(user=jane.user).exists()
    page = jane.client.get(answer["Location"])
    assert b'name="code"' in page.content and b"data-passkey" not in page.content


def test_with_the_code_he_is_in_where_he_wanted(jane: Visit, secret: str) -> None:
    answer = jane.password(next="/t/acme/account")
    shown = now_code(secret)
    arrived = jane.client.post(answer["Location"], {"code": f" {shown[:3]} {shown[3:]}"})

    assert arrived["Location"] == "/t/acme/account" and jane.is_in
    with jane.in_scope():
        session = UserSession.objects.get(user=jane.user)
        assert session.methods == ["mfa", "otp", "pwd"]
        assert not SignInStep.objects.exists()
        assert AuthenticatorApp.objects.get().last_used_at is not None


def test_a_code_is_good_once(jane: Visit, secret: str) -> None:
    jane.password()
    code = now_code(secret)
    assert jane.code(code).status_code == 302

    other = jane.again()
    other.password()
    assert other.code(code).status_code == 200 and not other.is_in
    assert other.code(now_code(secret, step=-1)).status_code == 200, "one before it is used up, too"


@pytest.mark.parametrize("step", [-3, 3])
def test_a_code_of_another_moment_is_none(jane: Visit, secret: str, step: int) -> None:
    jane.password()
    assert jane.code(now_code(secret, step=step)).status_code == 200
    assert not jane.is_in


@pytest.mark.parametrize("code", ["", "000000", "12345", "x" * 60, "١٢٣٤٥٦", "\0", "a-b-c-d", " "])
def test_what_is_no_code(jane: Visit, code: str) -> None:
    jane.password()
    answer = jane.code(code)
    assert answer.status_code == 200 and not jane.is_in
    assert jane.get("sign-in/second").status_code == 200, "he may try again"


def test_ten_wrong_codes_and_he_waits_whatever_the_next_one_is(jane: Visit, secret: str) -> None:
    jane.password()
    with mailed() as outbox:
        for _ in range(10):
            assert jane.code("000000").status_code == 200
    assert len(outbox) == 1 and "gave a wrong code" in outbox[0].body, "its owner is told, once"

    refused = jane.code(now_code(secret))
    assert (refused.status_code, refused["Retry-After"]) == (429, "300")
    other = jane.again()
    other.password()
    assert other.code(now_code(secret)).status_code == 429, "in another browser, too"
    assert jane.history().count("factor.guessed") == 1

    with jane.in_scope():
        ProofFailure.objects.update(at=F("at") - timedelta(minutes=6))
    assert other.code(now_code(secret)).status_code == 302
    with jane.in_scope():
        assert ProofFailure.objects.count() == 10, "the right one is not one of them; those of before stay"


def test_the_right_code_forgives_what_was_mistyped_and_not_what_others_guess(
    jane: Visit, secret: str
) -> None:
    guesser = Visit(jane.tenant, jane.user, Client(REMOTE_ADDR="203.0.113.9"))
    for visit, times in ((guesser, 4), (jane, 3)):
        visit.password()
        for _ in range(times):
            assert visit.code("000000").status_code == 200
    assert jane.code(now_code(secret)).status_code == 302
    with jane.in_scope():
        assert ProofFailure.objects.count() == 4


def test_who_guesses_slowly_is_noticed_and_has_fifty_a_day_whoever_comes_in_meanwhile(
    jane: Visit, secret: str
) -> None:
    guesser = Visit(jane.tenant, jane.user, Client(REMOTE_ADDR="203.0.113.9"))
    with mailed() as outbox:
        for number in range(50):
            guesser.password()
            assert guesser.code("000000").status_code == 200
            with jane.in_scope():
                ProofFailure.objects.update(at=F("at") - timedelta(minutes=6))
            if number == 30:
                jane.password()
                assert jane.code(now_code(secret)).status_code == 302
        guesser.password()
        assert guesser.code("000000")["Retry-After"] == "86400"
    told = [message.body for message in outbox if "gave a wrong code" in message.body]
    assert ["10 times" in told[0], "50 times" in told[-1], len(told)] == [True, True, 2]
    assert jane.history().count("factor.guessed") == 2


def test_fifty_in_a_day_and_only_a_recovery_code_helps(jane: Visit, secret: str, codes: list[str]) -> None:
    jane.password()
    with jane.in_scope():
        at = timezone.now() - timedelta(hours=2)
        ProofFailure.objects.bulk_create(
            ProofFailure(tenant=jane.tenant, user=jane.user, at=at) for _ in range(50)
        )
    refused = jane.code(now_code(secret))
    assert (refused.status_code, refused["Retry-After"]) == (429, "86400")
    assert jane.code(codes[0]).status_code == 302 and jane.is_in


def test_a_recovery_code_however_it_is_typed_and_once(jane: Visit, codes: list[str]) -> None:
    jane.password()
    assert jane.code(codes[0].upper().replace("-", " ")).status_code == 302
    with jane.in_scope():
        assert RecoveryCode.objects.filter(used_at=None).count() == 9
    assert "factor.code_used" in jane.history()

    other = jane.again()
    other.password()
    assert other.code(codes[0]).status_code == 200 and not other.is_in


def test_only_digests_and_sealed_secrets_are_kept(jane: Visit, secret: str, codes: list[str]) -> None:
    with jane.in_scope():
        kept = str([*AuthenticatorApp.objects.values(), *RecoveryCode.objects.values()])
    assert secret not in kept and not any(code in kept for code in codes)


def test_the_step_is_over_when_it_was_taken_or_too_old(jane: Visit, secret: str) -> None:
    assert jane.get("sign-in/second")["Location"].startswith("/t/acme/sign-in?")
    jane.password()
    cookies = jane.client.cookies.copy()
    assert jane.code(now_code(secret)).status_code == 302
    thief = jane.again()
    thief.client.cookies = cookies
    assert thief.code(now_code(secret, step=1))["Location"].startswith("/t/acme/sign-in?")

    late = jane.again()
    late.password()
    with jane.in_scope():
        SignInStep.objects.update(expires_at=F("expires_at") - timedelta(minutes=16))
    assert late.code(now_code(secret, step=1))["Location"].startswith("/t/acme/sign-in?")
    assert not late.is_in


def test_a_new_password_ends_what_was_begun_with_the_former(jane: Visit, secret: str) -> None:
    jane.password()
    with jane.in_scope():
        sessions.end_all(user=jane.user, by=SYSTEM, at=timezone.now())
    assert jane.code(now_code(secret))["Location"].startswith("/t/acme/sign-in?")


def test_a_deleted_person_leaves_none_of_them(jane: Visit) -> None:
    jane.password()
    deletion.delete(tenant=jane.tenant, user_id=jane.user.id, by=SYSTEM, at=timezone.now())
    with jane.in_scope():
        for rows in (AuthenticatorApp, RecoveryCode, SignInStep):
            assert not rows.objects.exists()


def test_nobody_sets_up_a_factor_with_the_password_of_who_has_one(jane: Visit) -> None:
    jane.password()
    assert jane.get("sign-in/set-up")["Location"].startswith("/t/acme/sign-in?")
    sent = {"name": "mine", "code": "000000", "set_up": "x"}
    assert jane.post("sign-in/set-up", **sent)["Location"].startswith("/t/acme/sign-in?")


def test_a_step_of_one_organization_is_none_of_another(jane: Visit, secret: str) -> None:
    neighbour = make_tenant("neighbour", at=timezone.now())
    jane.password()
    value = jane.client.cookies[f"iam_step_{jane.tenant.id.hex}"].value
    elsewhere = Visit(neighbour, jane.user)
    elsewhere.client.cookies[f"iam_step_{neighbour.id.hex}"] = value
    assert elsewhere.get("sign-in/second")["Location"].startswith("/t/neighbour/sign-in?")
    assert elsewhere.code(now_code(secret))["Location"].startswith("/t/neighbour/sign-in?")


@pytest.mark.parametrize("path", ["sign-in/second", "sign-in/set-up"])
def test_an_organization_that_does_not_exist_looks_alike(jane: Visit, path: str) -> None:
    here, nowhere = jane.get(path), jane.client.get(f"/t/nowhere/{path}")
    assert (here.status_code, here["Location"].replace("acme", "nowhere")) == (
        nowhere.status_code,
        nowhere["Location"],
    )
    sent = jane.client.post(f"/t/nowhere/{path}", {"code": "123456"})
    assert sent["Location"] == nowhere["Location"]


def test_signing_in_again_goes_on_under_another_cookie_and_asks_again(jane: Visit, secret: str) -> None:
    jane.password()
    jane.code(now_code(secret))
    former = jane.session
    assert jane.password()["Location"].startswith("/t/acme/sign-in/second"), "an application wants him anew"
    assert jane.session == former and jane.is_in, "until then nothing has changed"
    assert jane.code(now_code(secret, step=1)).status_code == 302
    assert jane.session != former and jane.is_in
    with jane.in_scope():
        assert UserSession.objects.filter(ended_at=None).count() == 1
