"""Signing out at an application's wish: whom, only if he means it, and where to go on."""

from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client as Browser

from accesscontrol.oauth import tokens
from accesscontrol.oauth.wire import FORM
from applications.models import Client
from iam_portal.walls import tenant_scope
from tenants.models import User, UserSession
from tests.accesscontrol.oauth.conftest import World
from tests.accesscontrol.oauth.signed_in import SignedIn, claims_for, person, signed_in

METER, READER = "acme.meter", "globex.reader"
BACK = "https://meter.example/out?from=iam"


@pytest.fixture
def world(shared: World, settings: Any) -> World:
    settings.ROOT_URLCONF = "iam_portal.urls"
    Client.objects.filter(client_id=METER).update(post_logout_redirect_uris=f"https://m.example/ {BACK}")
    return shared


@pytest.fixture
def jane(world: World) -> User:
    return person(world)


@pytest.fixture
def hers(world: World, jane: User) -> SignedIn:
    return signed_in(world, jane)


@pytest.fixture
def browser(world: World, hers: SignedIn) -> Browser:
    return carrying(world, hers.cookie)


def carrying(world: World, cookie: str, *, checked: bool = False) -> Browser:
    found = Browser(enforce_csrf_checks=checked)
    found.cookies[f"iam_session_{world.globex.id.hex}"] = cookie
    return found


def hint(world: World, signed: SignedIn, **changed: Any) -> str:
    """An ID token of this sign-in."""
    claims = {**claims_for(world, signed.authorization), "aud": METER, **changed}
    return tokens.sign(claims, at=world.clock.at, type=tokens.ID)


def path_at(tenant: Any, prefix: str = "/iam/auth/realms") -> str:
    return f"{prefix}/{tenant.id}/protocol/openid-connect/logout"


def ask(world: World, browser: Browser, **sent: Any) -> Any:
    return browser.get(f"{path_at(world.globex)}?{urlencode(sent, doseq=True)}")


def is_in(world: World, signed: SignedIn) -> bool:
    assert signed.authorization.session is not None
    with tenant_scope(world.globex.id):
        return UserSession.objects.filter(pk=signed.authorization.session.pk, ended_at=None).exists()


def test_with_her_own_hint_at_once(world: World, hers: SignedIn, browser: Browser) -> None:
    reply = ask(
        world,
        browser,
        id_token_hint=hint(world, hers),
        post_logout_redirect_uri=BACK,
        state="a&b=ü",
        ui_locales="de",
    )
    assert (reply.status_code, reply["Location"]) == (302, f"{BACK}&state=a%26b%3D%C3%BC")
    assert (reply["Cache-Control"], reply["Referrer-Policy"]) == ("no-store", "strict-origin")
    assert reply.cookies[f"iam_session_{world.globex.id.hex}"].value == ""
    assert not is_in(world, hers)


def test_what_rests_on_the_session_falls_and_what_is_offline_stays(
    world: World, jane: User, hers: SignedIn, browser: Browser
) -> None:
    offline = signed_in(world, jane, offline=True, cookie=hers.cookie)
    page = ask(world, browser, id_token_hint=hint(world, hers))
    assert page.status_code == 200
    assert "You are signed out" in page.content.decode()
    assert world.introspect(METER, world.globex, hers.refresh_token).json()["active"] is False
    assert world.introspect(METER, world.globex, offline.refresh_token).json()["active"] is True


def test_an_old_hint_will_do(world: World, hers: SignedIn, browser: Browser) -> None:
    old = hint(world, hers)
    world.clock.forward(minutes=50)
    assert ask(world, browser, id_token_hint=old, post_logout_redirect_uri=BACK).status_code == 302
    assert not is_in(world, hers)


@pytest.mark.parametrize("case", ["none", "client", "other", "garbage", "access", "elsewhere"])
def test_without_it_she_is_asked(
    world: World, jane: User, hers: SignedIn, browser: Browser, case: str
) -> None:
    """A page of somebody else can send her here; it can also have got an ID token of its own person."""
    paul = signed_in(world, person(world, "paul"))
    stranger = signed_in(world, person(world, "jane", world.acme))
    sent: dict[str, Any] = {
        "none": {},
        "client": {"client_id": METER},
        "other": {"id_token_hint": hint(world, paul)},
        "garbage": {"id_token_hint": "a.b.c"},
        "access": {"id_token_hint": hers.access_token},
        "elsewhere": {"id_token_hint": hint(world, stranger)},
    }[case]
    page = ask(world, browser, **sent)
    assert page.status_code == 200
    assert "You are signed in as <strong>Jane</strong>" in page.content.decode()
    assert is_in(world, hers)
    assert is_in(world, paul)


def test_her_answer_signs_her_out_and_goes_on(world: World, hers: SignedIn) -> None:
    browser, paul = carrying(world, hers.cookie, checked=True), signed_in(world, person(world, "paul"))
    reply = ask(world, browser, id_token_hint=hint(world, paul), post_logout_redirect_uri=BACK, state="s")
    assert reply["Referrer-Policy"] == "strict-origin"  # with "no-referrer", browsers send "Origin: null"
    page = reply.content.decode()
    onward = page.split('name="onward" value="')[1].split('"')[0]
    address = f"/t/{world.globex.slug}/sign-out/asked"
    assert browser.post(address, {"onward": onward}).status_code == 403  # without the token of the form
    assert is_in(world, hers)
    token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    done = browser.post(address, {"onward": onward, "csrfmiddlewaretoken": token})
    assert f'content="0; url={BACK}&amp;state=s"' in done.content.decode()
    assert not is_in(world, hers)


def test_where_to_go_on_is_what_was_asked_here(world: World, hers: SignedIn, browser: Browser) -> None:
    """Made up, another tenant's, of yesterday: none is gone to."""
    other = hint(world, signed_in(world, person(world, "paul")))
    page = ask(world, browser, id_token_hint=other, post_logout_redirect_uri=BACK).content.decode()
    onward = page.split('name="onward" value="')[1].split('"')[0]
    for slug, value in (
        (world.acme.slug, onward),
        (world.globex.slug, "https://evil.example"),
        (world.globex.slug, onward[:-2]),
        (world.globex.slug, ""),
        ("nobody-here", onward),  # looks alike: who asks learns of no organization
    ):
        done = browser.post(f"/t/{slug}/sign-out/asked", {"onward": value})
        assert done.status_code == 200
        assert "http-equiv" not in done.content.decode()


@pytest.mark.parametrize(
    "sent",
    [
        {"client_id": METER, "post_logout_redirect_uri": "https://evil.example"},
        {"client_id": METER, "post_logout_redirect_uri": BACK + "/"},
        {"client_id": METER, "post_logout_redirect_uri": BACK.upper()},
        {"client_id": METER, "post_logout_redirect_uri": "https://m.example/%2e%2e"},
        {"client_id": METER, "post_logout_redirect_uri": f"https://m.example/ {BACK}"},
        {"client_id": READER, "post_logout_redirect_uri": BACK},
        {"client_id": "nul\0", "post_logout_redirect_uri": BACK},
        {"post_logout_redirect_uri": BACK},
        {"client_id": [METER, METER]},
        {"client_id": METER, "post_logout_redirect_uri": [BACK, "https://evil.example"]},
        {"client_id": METER, "post_logout_redirect_uri": BACK, "state": "x" * 5000},
    ],
)
def test_never_anywhere_else(world: World, hers: SignedIn, browser: Browser, sent: dict[str, Any]) -> None:
    for visitor in (browser, Browser()):
        reply = ask(world, visitor, **sent)
        assert reply.status_code == 400
        assert "Location" not in reply
        assert "evil.example" not in reply.content.decode()
    assert is_in(world, hers)


def test_the_hint_names_the_client(world: World, hers: SignedIn, browser: Browser) -> None:
    for changed in ({"client_id": READER}, {"id_token_hint": hint(world, hers, aud=READER)}):
        sent = {"id_token_hint": hint(world, hers), "post_logout_redirect_uri": BACK, **changed}
        assert ask(world, browser, **sent).status_code == 400
    assert is_in(world, hers)


def test_who_is_out_already_goes_on(world: World, hers: SignedIn) -> None:
    out = Browser()
    reply = ask(world, out, post_logout_redirect_uri=BACK, id_token_hint=hint(world, hers))
    assert (reply.status_code, reply["Location"]) == (302, BACK)
    # A client of anybody's could lead visitors of this address to a sign-in page of its own.
    bare = ask(world, out, post_logout_redirect_uri=BACK, client_id=METER)
    assert (bare.status_code, BACK in bare.content.decode()) == (200, False)
    assert "You are signed out" in ask(world, out).content.decode()
    assert is_in(world, hers)


def test_a_form_comes_again_as_a_get(world: World, hers: SignedIn) -> None:
    """The browser keeps the cookie back from a foreign page's form, and sends it with the redirect."""
    sent = {"id_token_hint": hint(world, hers), "post_logout_redirect_uri": BACK, "state": "s"}
    for prefix in ("/iam/auth/realms", "/auth/realms"):
        reply = world.browser.post(path_at(world.globex, prefix), sent)
        assert reply.status_code == 303
        assert reply["Location"] == f"{path_at(world.globex, prefix)}?{urlencode(sent)}"
    again = carrying(world, hers.cookie).get(reply["Location"])
    assert (again.status_code, again["Location"]) == (302, f"{BACK}&state=s")
    for body, kind in (
        (b"{}", "application/json"),
        (b"state=s", f"{FORM}; charset=base64"),
        (b"state=%ff", FORM),
        (b"state=" + b"x" * 70_000, FORM),
    ):
        refused = world.browser.generic("POST", path_at(world.globex), body, content_type=kind)
        assert refused.status_code == 400
    twice = world.browser.post(path_at(world.globex), {"state": ["a", "b"]})
    assert world.browser.get(twice["Location"]).status_code == 400


def test_an_unknown_tenant(world: World) -> None:
    for realm in ("no-such", "00000000-0000-0000-0000-000000000000"):
        assert Browser().get(f"/iam/auth/realms/{realm}/protocol/openid-connect/logout").status_code == 404
    assert Browser().head(path_at(world.globex)).status_code == 405
