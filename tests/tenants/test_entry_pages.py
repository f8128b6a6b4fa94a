"""The way in: organization, sign-in, sign-out, a password by link. Nobody learns what exists."""

import logging
import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from iam_portal.walls import tenant_scope
from tenants.actions import users
from tenants.http import cookie_name
from tenants.models import UserLink, UserSession
from tests.applications.story import Party, party
from tests.support.factories import PASSWORD

TOKEN = re.compile(r"\?token=(\S+)")


@pytest.fixture
def acme(db: None) -> Party:
    return party("acme")


def sign_in(client: Client, slug: str = "acme", **given: str) -> Any:
    return client.post(f"/t/{slug}/sign-in", {"username": "jane", "password": PASSWORD, **given})


def plain(response: Any, slug: str) -> str:
    """The page without what differs by itself: tokens and the name that was typed into the address."""
    body = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", response.content.decode())
    return body.replace(slug, "SLUG")


def test_the_organization_is_asked_for_and_remembered(acme: Party):
    client = Client()
    assert b"acme" not in client.get("/").content
    response = client.post("/", {"organization": " ACME "})
    assert response.headers["Location"] == "/t/acme/sign-in"
    offered = client.get("/").content.decode()
    assert '<a class="btn btn-primary" href="/t/acme/sign-in">Continue at acme</a>' in offered
    assert "Another organization" in offered
    assert client.post("/", {"organization": "no such name"}).status_code == 200
    assert client.post("/forget").headers["Location"] == "/"
    assert b"acme" not in client.get("/").content


def test_what_the_browser_says_it_remembers_is_not_believed(acme: Party):
    client = Client()
    for value in ("<b>", "no such name", "../x", "x" * 5000):
        client.cookies["iam_organization"] = value
        assert "Another organization" not in client.get("/").content.decode()


def test_signing_in_and_out(acme: Party):
    client = Client()
    assert sign_in(client).headers["Location"] == "/t/acme/"
    assert client.get("/t/acme/users").status_code == 200
    assert client.get("/t/acme/sign-in").status_code == 302
    assert client.post("/t/acme/sign-out").headers["Location"] == "/t/acme/sign-in"
    assert client.get("/t/acme/users").status_code == 302
    assert client.post("/t/acme/sign-out").status_code == 302


@pytest.mark.parametrize("path", ["sign-out", "sign-out/asked"])
def test_signing_out_tells_nobody_which_organizations_there_are(acme: Party, path: str):
    seen = []
    for slug in ("acme", "nobody"):
        answer = Client().post(f"/t/{slug}/{path}")
        where = answer.headers.get("Location", "").replace(slug, "SLUG")
        seen.append((answer.status_code, where, sorted(answer.cookies), plain(answer, slug)))
        assert "iam_session" not in str(answer.cookies)
    assert seen[0] == seen[1]
    client = Client()
    sign_in(client)
    left = client.post(f"/t/acme/{path}").cookies[cookie_name(acme.tenant.id)]
    assert (left.value, left["max-age"]) == ("", 0), "from who had one it is taken"


def test_an_unknown_organization_looks_and_fails_alike(acme: Party):
    known, unknown = Client(), Client()
    assert plain(known.get("/t/acme/sign-in"), "acme") == plain(unknown.get("/t/nobody/sign-in"), "nobody")
    refused = sign_in(known, password="wrong"), sign_in(unknown, "nobody", password="wrong")
    assert plain(refused[0], "acme") == plain(refused[1], "nobody")
    assert [response.status_code for response in refused] == [200, 200]


def test_too_many_attempts_are_told(acme: Party):
    client = Client()
    for _attempt in range(10):
        sign_in(client, password="wrong")
    response = sign_in(client)
    assert response.status_code == 429
    assert 240 < int(response.headers["Retry-After"]) <= 300
    assert b"Too many attempts. Try again in about 5 minutes." in response.content


def test_next_stays_on_this_site(acme: Party):
    away = (
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "evil",
        "///evil",
    )
    client = Client()
    for wanted in away:
        assert sign_in(client, next=wanted).headers["Location"] == "/t/acme/"
        assert client.get("/t/acme/sign-in", {"next": wanted}).headers["Location"] == "/t/acme/"


def test_next_is_followed_here(acme: Party):
    client = Client()
    asked = client.get("/t/acme/groups?x=1").headers["Location"]
    page = client.get(asked)
    assert page.context["form"]["next"].value() == "/t/acme/groups?x=1"
    assert sign_in(client, next="/t/acme/groups?x=1").headers["Location"] == "/t/acme/groups?x=1"


@pytest.fixture
def link(acme: Party, django_capture_on_commit_callbacks: Any) -> str:
    """The address in the mail of an invitation."""
    with django_capture_on_commit_callbacks(execute=True), tenant_scope(acme.tenant.id):
        users.invite(
            tenant=acme.tenant,
            username="maria",
            email="maria@example.org",
            display_name="Maria",
            by=acme.actor,
            at=timezone.now(),
        )
    found = TOKEN.search(mail.outbox[-1].body)
    assert found
    return found[1]


def test_an_invitation_sets_a_password_once(acme: Party, link: str):
    client = Client()
    taken = client.get("/t/acme/set-password", {"token": link})
    assert taken.headers["Location"] == "/t/acme/set-password"
    assert taken.headers["Referrer-Policy"] == "no-referrer"
    cookie = taken.cookies["iam_password_link"]
    assert cookie["httponly"]
    assert cookie["path"] == "/t/acme/set-password"
    page = client.get("/t/acme/set-password")
    assert link.encode() not in page.content
    weak = client.post("/t/acme/set-password", {"password": "short", "repeated": "short"})
    assert "password" in weak.context["form"].errors
    differs = client.post("/t/acme/set-password", {"password": PASSWORD, "repeated": PASSWORD + "x"})
    assert "repeated" in differs.context["form"].errors
    given = {"password": PASSWORD, "repeated": PASSWORD}
    assert client.post("/t/acme/set-password", given).headers["Location"] == "/t/acme/sign-in"
    assert sign_in(client, username="maria").status_code == 302
    again = Client()
    again.get("/t/acme/set-password", {"token": link})
    assert "It was used, or a newer one replaced it:" in again.get("/t/acme/set-password").content.decode()
    assert again.post("/t/acme/set-password", given).status_code == 404


def test_what_is_wrong_with_a_link_is_said_before_anything_is_typed(acme: Party, link: str):
    client = Client()
    client.get("/t/acme/set-password", {"token": link})
    page = client.get("/t/acme/set-password").content.decode()
    assert '<input type="text" name="username" value="maria" autocomplete="username" hidden readonly>' in page
    with tenant_scope(acme.tenant.id):
        UserLink.objects.update(expires_at=timezone.now())
    late = client.get("/t/acme/set-password")
    assert late.status_code == 404
    assert "It ran out:" in late.content.decode()
    assert "maria" not in late.content.decode()


def test_a_foreign_or_unknown_link_fails_alike(acme: Party, link: str):
    party("beta")
    for slug, token in (("acme", f"x{link}"), ("beta", link), ("nobody", link)):
        client = Client()
        client.get(f"/t/{slug}/set-password", {"token": token})
        response = client.post(f"/t/{slug}/set-password", {"password": PASSWORD, "repeated": PASSWORD})
        assert response.status_code == 404
        assert b"This link does not work" in response.content
        assert Client().get(f"/t/{slug}/set-password").status_code == 404


def test_the_request_log_holds_no_secret_of_a_path(
    acme: Party, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    # A tool that configures logging for itself in this process may have switched the logger off.
    monkeypatch.setattr(logging.getLogger("iam.request"), "disabled", False)
    with caplog.at_level("INFO"):
        response = Client().get("/join/very-secret-code")
    assert response.headers["Location"] == "/join"
    assert response.cookies["iam_invitation"].value == "very-secret-code"
    assert caplog.records
    assert "very-secret-code" not in caplog.text
    assert "join/<str:code>" in caplog.text


def test_ending_another_session_of_ones_own(acme: Party):
    other = Client()
    sign_in(other)
    with tenant_scope(acme.tenant.id):
        session = UserSession.objects.order_by("-created_at").first()
    assert session is not None
    assert "this browser" in acme.get("account").content.decode()
    assert acme.post(f"account/sessions/{session.id}/end").status_code == 302
    assert other.get("/t/acme/account").status_code == 302
    assert acme.get("account").status_code == 200
    assert cookie_name(acme.tenant.id) in acme.client.cookies
