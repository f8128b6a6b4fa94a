"""One's own account, through its pages: data, password, mailbox, and what else is signed in."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db.models import F
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from accesscontrol.models import Authorization
from applications.models import Client as OAuthClient
from iam_portal.walls import tenant_scope
from tenants.actions import guesses
from tenants.models import HistoryEvent, ProofFailure, User, UserSession
from tests.applications.story import Party, party, signed_in
from tests.support.factories import PASSWORD, make_user
from tests.support.once import made_once, savepoint

NEW = "another horse battery"
HERE, THERE = "jane@example.org", "jane.roe@elsewhere.example"
FORM = {"current": PASSWORD, "password": NEW, "repeated": NEW}


@pytest.fixture(scope="module")
def office(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[tuple[Party, Party]]:
    with made_once(django_db_blocker):
        yield party("acme"), party("beta")


@pytest.fixture(autouse=True)
def undone(office: tuple[Party, Party], django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    del mail.outbox[:]
    with savepoint(django_db_blocker):
        yield


@pytest.fixture
def acme(office: tuple[Party, Party]) -> Party:
    return office[0].fork()


@pytest.fixture
def beta(office: tuple[Party, Party]) -> Party:
    return office[1].fork()


def row(acme: Party) -> User:
    with tenant_scope(acme.tenant.id):
        return User.objects.get(pk=acme.user.pk)


def actions(acme: Party) -> list[str]:
    with tenant_scope(acme.tenant.id):
        rows = HistoryEvent.objects.filter(tenant=acme.tenant).order_by("id")
        return list(rows.values_list("action", flat=True))


def comes_in(password: str, **more: Any) -> bool:
    given = {"username": "jane", "password": password}
    return Client(**more).post("/t/acme/sign-in", given).status_code == 302


def data(acme: Party, **changed: str) -> dict[str, str]:
    initial = acme.get("account/change").context["form"].initial
    return {name: str(value) for name, value in {**initial, **changed}.items()}


def test_the_language_and_the_zone_that_one_chose_are_those_of_the_pages(acme: Party) -> None:
    assert acme.get("account")["Content-Language"] == "en"
    said = data(acme, language="de", time_zone="Asia/Tokyo", display_name="Jane Roe")
    assert acme.post("account/change", **said).status_code == 302
    page = acme.get("account")
    assert page["Content-Language"] == "de"
    shown = page.content.decode()
    assert '<html lang="de" data-timezone="Asia/Tokyo">' in shown
    assert "JST" in shown
    assert "Jane Roe" in shown
    other = Client().get("/t/acme/sign-in")
    assert other["Content-Language"] == "en", "the next one who is answered has his own"
    assert 'data-timezone="UTC"' in other.content.decode()
    assert actions(acme)[-1] == "user.changed"
    assert acme.post("account/change", **data(acme, language="", time_zone="")).status_code == 302
    assert acme.get("account")["Content-Language"] == "en"


@pytest.mark.parametrize("wrong", [{"language": "xx"}, {"time_zone": "Mars/Base"}, {"display_name": ""}])
def test_what_there_is_not_cannot_be_chosen(acme: Party, wrong: dict[str, str]) -> None:
    answer = acme.post("account/change", **data(acme, **wrong))
    assert list(answer.context["form"].errors) == list(wrong)


def test_somebody_was_faster(acme: Party) -> None:
    stale = data(acme, display_name="Janet")
    acme.post("account/change", **data(acme, display_name="Jane Roe"))
    assert acme.post("account/change", **stale).status_code == 200
    assert row(acme).display_name == "Jane Roe"


def test_nobody_changes_more_than_his_own_data(acme: Party) -> None:
    sent = data(acme, display_name="Jane Roe", email=THERE, username="root", user_id="1", is_platform="1")
    acme.post("account/change", **sent)
    assert (row(acme).email, row(acme).username) == (HERE, "jane")


def test_another_password_ends_all_else_that_was_signed_in(
    acme: Party, django_capture_on_commit_callbacks: Any
) -> None:
    at = timezone.now()
    other = signed_in(acme.user, at)
    with tenant_scope(acme.tenant.id):
        session = UserSession.objects.filter(user=acme.user).order_by("created_at").first()
        client = OAuthClient.objects.get(client_id=acme.applications["planner"].id)
        moments = {"authenticated_at": at, "created_at": at, "used_at": at}
        for kept in (session, None):
            Authorization.objects.create(
                tenant=acme.tenant, user=acme.user, client=client, session=kept, scope="openid", **moments
            )
    before = dict(acme.client.cookies)
    with django_capture_on_commit_callbacks(execute=True):
        assert acme.post("account/password", **FORM).headers["Location"] == "/t/acme/account"
    assert acme.get("account").status_code == 200
    assert other.get("/t/acme/account").status_code == 302
    thief = Client()
    thief.cookies.update(before)
    assert thief.get("/t/acme/account").status_code == 302, "the cookie of before opens nothing"
    with tenant_scope(acme.tenant.id):
        assert not Authorization.objects.filter(ended_at=None).exists()
    assert comes_in(NEW)
    assert not comes_in(PASSWORD)
    assert [message.to for message in mail.outbox] == [[HERE]]
    assert "was changed" in mail.outbox[0].subject
    assert NEW not in mail.outbox[0].body


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"current": "wrong"}, "current"),
        ({"repeated": NEW + "x"}, "repeated"),
        ({"password": "short", "repeated": "short"}, "password"),
        ({"password": "password1234", "repeated": "password1234"}, "password"),
        ({"password": "jane.acme.jane", "repeated": "jane.acme.jane"}, "password"),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_nothing_is_said_of_the_passwords(
    acme: Party, sent: dict[str, str], field: str
) -> None:
    answer = acme.post("account/password", **{**FORM, **sent})
    assert list(answer.context["form"].errors) == [field]
    shown = answer.content.decode()
    assert all(value not in shown for value in (PASSWORD, NEW, "password1234"))
    assert comes_in(PASSWORD)


def test_who_finds_a_browser_signed_in_cannot_guess_the_password(acme: Party) -> None:
    for _ in range(guesses.FAILURES):
        acme.post("account/password", **{**FORM, "current": "wrong"})
    answer = acme.post("account/password", **FORM)
    assert "Too many attempts" in answer.content.decode()
    answer = acme.post("account/email", email=THERE, current=PASSWORD)
    assert "Too many attempts" in answer.content.decode()
    assert comes_in(PASSWORD), "the person is not kept out by it"
    assert actions(acme).count("factor.guessed") == 1


@pytest.mark.parametrize("page", ["password", "email"])
def test_nor_all_day_long_nor_unnoticed(
    acme: Party, page: str, django_capture_on_commit_callbacks: Any
) -> None:
    sent = {"password": FORM, "email": {"email": THERE, "current": PASSWORD}}[page]
    with django_capture_on_commit_callbacks(execute=True):
        for number in range(guesses.FAILURES_A_DAY):
            answer = acme.post(f"account/{page}", **{**sent, "current": f"wrong {number}"})
            assert "This is not your password" in answer.content.decode()
            with tenant_scope(acme.tenant.id):
                ProofFailure.objects.update(at=F("at") - timedelta(minutes=6))
        right = acme.post(f"account/{page}", **sent)
    assert right.status_code == 200
    assert "Too many attempts today" in right.content.decode()
    assert comes_in(PASSWORD)
    assert not comes_in(NEW)


def test_signing_out_everywhere_else(acme: Party, beta: Party) -> None:
    others = [signed_in(acme.user, timezone.now()) for _ in range(2)]
    assert "Sign out everywhere else" in acme.get("account").content.decode()
    assert acme.post("account/sessions/end-others").status_code == 302
    assert acme.get("account").status_code == 200
    assert beta.get("account").status_code == 200
    assert [client.get("/t/acme/account").status_code for client in others] == [302, 302]
    assert actions(acme).count("session.others_ended") == 1
    assert acme.post("account/sessions/end-others").status_code == 302
    assert actions(acme).count("session.others_ended") == 1


def test_another_persons_session_is_not_there(acme: Party, beta: Party) -> None:
    kim = make_user(acme.tenant, "kim", at=timezone.now())
    browser = signed_in(kim, timezone.now())
    with tenant_scope(acme.tenant.id):
        theirs = UserSession.objects.get(user=kim)
    for asking in (acme, beta):
        assert asking.get(f"account/sessions/{theirs.id}/end").status_code == 404
        assert asking.post(f"account/sessions/{theirs.id}/end").status_code == 404
    assert browser.get("/t/acme/account").status_code == 200


def test_a_new_browser_is_told_and_a_known_one_is_not(
    acme: Party, django_capture_on_commit_callbacks: Any
) -> None:
    browser = Client(headers={"User-Agent": "Mozilla/5.0 (X11; Linux) Firefox/130.0"})
    given = {"username": "jane", "password": PASSWORD}
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            assert browser.post("/t/acme/sign-in", given).status_code == 302
        browser.post("/t/acme/sign-out")
    assert [message.to for message in mail.outbox] == [[HERE]]
    assert "Firefox on Linux" in mail.outbox[0].body
    assert "127.0.0.1" in mail.outbox[0].body
    assert "iam_known" not in browser.get("/t/beta/sign-in").request.get("HTTP_COOKIE", "")


def test_recent_sign_ins_show_what_was_refused(acme: Party) -> None:
    for password in ("wrong", "my secret"):
        assert not comes_in(password, REMOTE_ADDR="203.0.113.7")
    kim = make_user(acme.tenant, "kim", at=timezone.now())
    signed_in(kim, timezone.now())
    shown = acme.get("account").context["sign_ins"]
    assert [(line["refused"], line["address"]) for line in shown] == [
        (True, "203.0.113.7"),
        (True, "203.0.113.7"),
        (False, "192.0.2.1"),
    ]
    page = acme.get("account").content.decode()
    assert "Wrong password" in page
    assert "my secret" not in page


def test_the_account_costs_a_fixed_number_of_queries(acme: Party, django_assert_max_num_queries: Any) -> None:
    for _ in range(3):
        comes_in("wrong")
        signed_in(acme.user, timezone.now())
    acme.get("account")
    with django_assert_max_num_queries(32):
        acme.get("account")


def test_who_comes_with_a_session_that_is_over_is_told_and_comes_back(acme: Party) -> None:
    asked = acme.get("account/change")
    assert asked.status_code == 200
    with tenant_scope(acme.tenant.id):
        UserSession.objects.filter(user=acme.user).update(ended_at=timezone.now())
    sent_on = acme.get("account/change").headers["Location"]
    page = acme.client.get(sent_on)
    assert "Your session has ended." in page.content.decode()
    given = {"username": "jane", "password": PASSWORD, "next": page.context["form"]["next"].value()}
    assert acme.client.post("/t/acme/sign-in", given).headers["Location"] == "/t/acme/account/change"
    fresh = Client().get("/t/acme/account/change").headers["Location"]
    assert "Your session has ended." not in Client().get(fresh).content.decode()


def test_passwords_are_as_long_as_the_organization_asks_for(acme: Party, beta: Party) -> None:
    page = acme.get("settings/passwords").context["form"]
    asked = {"length": 30, "revision": page.initial["revision"]}
    assert acme.post("settings/passwords", **asked).status_code == 302
    assert "30 characters" in acme.get("settings").content.decode()
    answer = acme.post("account/password", **FORM)
    assert answer.context["form"].errors["password"] == ["It needs at least 30 characters."]
    assert "At least 30 characters" in answer.content.decode()
    assert beta.post("account/password", **FORM).status_code == 302
    assert acme.post("settings/passwords", **asked).status_code == 200, "of a revision that is gone"
    for length in (11, 65, -1, "x", 10**9):
        form = acme.post("settings/passwords", **{**asked, "length": length}).context["form"]
        assert "length" in form.errors


@pytest.mark.parametrize(
    ("path", "field", "wanted"),
    [
        ("sign-in", "password", "current-password"),
        ("account/password", "current", "current-password"),
        ("account/password", "password", "new-password"),
        ("account/password", "repeated", "new-password"),
        ("account/email", "current", "current-password"),
    ],
)
def test_a_list_of_passwords_knows_which_field_is_which(
    acme: Party, path: str, field: str, wanted: str
) -> None:
    client = Client() if path == "sign-in" else acme.client
    page = client.get(f"/t/acme/{path}").content.decode()
    found = re.search(rf'<input type="password" name="{field}"[^>]*>', page)
    assert found
    assert f'autocomplete="{wanted}"' in found[0]
    assert f'data-reveal="id_{field}"' in page
    assert "onpaste" not in page
