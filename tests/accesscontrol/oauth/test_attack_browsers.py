"""What a browser is told, so that no page around it and no server behind it learns more than it shall."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import HttpResponse

from accesscontrol.oauth.wire import FORM
from applications.actions import pauses
from applications.models import Contract
from tests.accesscontrol.oauth.conftest import Caller, World
from tests.accesscontrol.oauth.people import BACK, METER, Person, arrive
from tests.support.factories import PASSWORD, SYSTEM


@pytest.fixture
def jane(shared: World, settings: Any) -> Person:
    settings.ROOT_URLCONF = "iam_portal.urls"
    person = arrive(shared)
    shared.set_client(METER, post_logout_redirect_uris=BACK)
    person.sign_in()
    return person


def door(jane: Person, name: str) -> str:
    return f"/iam/auth/realms/{jane.tenant.id}/protocol/openid-connect/{name}"


def replies(jane: Person) -> Iterator[HttpResponse]:
    """Everything that a browser can be answered on its way in and out."""
    out = Caller()
    stranger = Person(jane.world, jane.user)
    first = stranger.authorize()
    yield first
    yield jane.browser.get(first["Location"])  # goes on at once
    yield out.get(first["Location"])
    sent = {"username": "jane", "password": "wrong", "next": "/"}
    yield out.post(f"/t/{jane.tenant.slug}/sign-in", sent)
    where = f"{door(jane, 'auth')}?client_id={METER}"
    yield Caller().post(f"/t/{jane.tenant.slug}/sign-in", {**sent, "password": PASSWORD, "next": where})
    yield jane.authorize()
    yield jane.authorize(response_type="x")
    yield jane.authorize(redirect_uri="https://evil.example/")
    yield jane.browser.get(door(jane, "auth").replace(str(jane.tenant.id), "nobody"))
    yield jane.browser.post(door(jane, "auth"), {"client_id": METER})
    yield jane.browser.post(door(jane, "auth"), "{}", content_type="application/json")
    contract = Contract.objects.get(consumer=jane.tenant, provider=jane.world.acme)
    at = jane.world.clock.forward(seconds=1)
    pauses.pause(tenant=jane.world.acme, contract_id=contract.pk, by=SYSTEM, at=at)
    yield jane.authorize()  # says why not
    yield jane.browser.get(door(jane, "logout"))  # asks
    yield jane.browser.get(f"{door(jane, 'logout')}?post_logout_redirect_uri=https://evil.example")
    yield out.get(door(jane, "logout"))
    yield out.get(
        f"{door(jane, 'logout')}?{urlencode({'client_id': METER, 'post_logout_redirect_uri': BACK})}"
    )


def test_every_answer_to_a_browser(jane: Person) -> None:
    """RFC 9700: no frame (§4.16), no other origin (§2.6), no address in a Referer (§4.2), no 307 (§4.12)."""
    jane.browser.defaults["HTTP_ORIGIN"] = "https://meter.example"
    seen = set()
    for reply in replies(jane):
        seen.add(reply.status_code)
        assert reply.status_code in (200, 302, 303, 400, 403, 404)
        assert reply["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in reply["Content-Security-Policy"]
        assert not {name for name in reply.headers if name.lower().startswith("access-control-")}
        assert reply["Referrer-Policy"] in ("no-referrer", "same-origin", "strict-origin")  # never a path
        if reply.status_code == 200 or "code=" in reply.get("Location", ""):
            assert "no-store" in reply["Cache-Control"]
        text = reply.content.decode()
        assert "<script>" not in text and "javascript:" not in text and "onclick" not in text
    assert seen == {200, 302, 303, 400, 403, 404}


def test_no_preflight_opens_the_endpoints_of_the_browser(jane: Person) -> None:
    for name in ("auth", "logout"):
        reply = jane.browser.options(
            door(jane, name),
            headers={"Origin": "https://meter.example", "Access-Control-Request-Method": "GET"},
        )
        assert not {header for header in reply.headers if header.lower().startswith("access-control-")}


def test_next_leads_back_to_this_site_alone(jane: Person) -> None:
    """The page that goes on by itself after signing in goes on to our own addresses."""
    for wanted in (
        "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "///evil.example",
        "/\t/evil.example", "/\n/evil.example", "javascript:alert(1)", "data:text/html,x", " //evil.example",
        "https:evil.example", "http://testserver/t/globex/", "//testserver@evil.example",
    ):  # fmt: skip
        sent = {"username": "jane", "password": PASSWORD, "next": wanted}
        for reply in (
            jane.browser.get(f"/t/{jane.tenant.slug}/sign-in?{urlencode({'next': wanted})}"),
            Caller().post(f"/t/{jane.tenant.slug}/sign-in", sent),
        ):
            if reply.status_code == 302:
                assert reply["Location"] == f"/t/{jane.tenant.slug}/", wanted
            else:
                assert "http-equiv" not in reply.content.decode(), wanted


def test_the_page_that_goes_on_is_quoted(jane: Person) -> None:
    wanted = f'{door(jane, "auth")}?state="><script>alert(1)</script>&url=0;url=https://evil.example'
    sent = {"username": "jane", "password": PASSWORD, "next": wanted}
    text = Caller().post(f"/t/{jane.tenant.slug}/sign-in", sent).content.decode()
    assert "<script>alert" not in text
    assert f'content="0; url={door(jane, "auth")}?state=' in text


def test_a_form_that_is_sent_on_is_sent_on_to_ourselves(jane: Person) -> None:
    """A path that begins with two slashes would be another host's in ``Location``."""
    body = urlencode({"client_id": METER, "redirect_uri": "https://evil.example/"})
    short = door(jane, "auth").removeprefix("/iam")
    for path in (*(door(jane, name) for name in ("auth", "logout")), short):
        reply = jane.browser.generic("POST", "/", body, FORM, PATH_INFO=path)
        assert (reply.status_code, reply["Location"]) == (303, f"{path}?{body}")
    for path in (
        f"/{short}",
        f"//evil.example{short}",
        f"/\\evil.example{short}",
        f"/%2F{short}",
        f"/.{short}",
        f"/iam/..{short}",
    ):
        reply = jane.browser.generic("POST", "/", body, FORM, PATH_INFO=path)
        assert (reply.status_code, "Location" in reply) == (404, False), path
