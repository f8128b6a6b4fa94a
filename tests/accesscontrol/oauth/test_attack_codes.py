"""Codes in the wrong hands, answers that are mixed up, browsers that somebody else has prepared."""

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from accesscontrol.models import Authorization, AuthorizationCode
from applications.models import Client
from iam_portal.admission import OURS
from tenants.http import cookie_name
from tenants.models import UserSession
from tests.accesscontrol.oauth.conftest import Caller, World
from tests.accesscontrol.oauth.people import (
    BACK,
    BACK_PUBLIC,
    FRONTEND,
    METER,
    VERIFIER,
    Person,
    answered,
    arrive,
    give,
    opened,
)
from tests.support.factories import PASSWORD, make_user

OTHERS = "w" * 43
BARE = {"code_challenge": None, "code_challenge_method": None}


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture
def jane(shared: World, settings: Any) -> Person:
    settings.ROOT_URLCONF = "iam_portal.urls"
    person = arrive(shared)
    person.sign_in()
    return person


@pytest.fixture
def eve(jane: Person) -> Person:
    """Of the same organization, at the same application, with bad intentions."""
    user = make_user(jane.tenant, "eve", at=jane.world.clock.start)
    give(jane.world, user, "viewer")
    person = Person(jane.world, user)
    person.sign_in()
    return person


def test_a_stolen_code_is_worth_nothing_in_the_thiefs_own_sign_in(jane: Person, eve: Person) -> None:
    """RFC 9700 §4.5: the client sends the verifier that it made for the thief's browser."""
    for client_id in (METER, FRONTEND):
        stolen = jane.code(client_id)
        eve.code(client_id, code_challenge=challenge_of(OTHERS))
        refused = eve.exchange(stolen, client_id, code_verifier=OTHERS)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
        honest = jane.exchange(stolen, client_id).json()
        assert opened(honest["access_token"])["sub"] == str(jane.user.pk)


@pytest.mark.one_way
def test_a_public_name_with_a_junk_code_is_nobodys(jane: Person) -> None:
    """Else whoever reads the name in a page would wait in the line of its organization."""
    code = jane.code(FRONTEND)
    refused = jane.exchange("junk", FRONTEND)
    assert refused.status_code == 400
    assert OURS not in refused.wsgi_request.META
    given = jane.exchange(code, FRONTEND)
    assert given.status_code == 200
    assert given.wsgi_request.META[OURS] == str(Client.objects.get(client_id=FRONTEND).application.owner_id)
    assert OURS in jane.exchange("junk", METER).wsgi_request.META  # it had the secret


def test_a_stolen_code_shows_by_its_nonce(jane: Person, eve: Person) -> None:
    """Where an old client has no PKCE: the ID token says the nonce of the browser that the code is from."""
    jane.world.set_client(METER, pkce_required=False)
    about = opened(jane.exchange(jane.code(nonce="janes", **BARE), code_verifier=None).json()["id_token"])
    assert (about["nonce"], about["sub"], about["aud"]) == ("janes", str(jane.user.pk), METER)


def test_a_code_fits_one_client_one_tenant_and_one_address(jane: Person) -> None:
    world = jane.world
    world.set_client(METER, redirect_uris=f"{BACK} https://meter.example/other")
    world.set_client("globex.reader", redirect_uris=BACK)
    for client_id, address in ((METER, BACK), (FRONTEND, BACK_PUBLIC)):
        code = jane.code(client_id)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": VERIFIER,
            "redirect_uri": address,
        }
        wrong: list[tuple[str, dict[str, Any], Any]] = [
            ({METER: FRONTEND, FRONTEND: METER}[client_id], form, None),
            ("globex.reader", form, None),
            ("neighbour.meter", form, None),
            (client_id, {**form, "redirect_uri": "https://meter.example/other"}, None),
            (client_id, form, world.acme),
            (client_id, form, world.neighbour),
        ]
        for who, sent, tenant in wrong:
            refused = jane.ask(who, sent, tenant)
            assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant"), (who, tenant)
        assert jane.exchange(code, client_id).status_code == 200


def test_a_public_client_cannot_use_a_confidential_ones_code_by_its_name(jane: Person) -> None:
    """Saying ``client_id`` is no proof where a proof is registered."""
    code = jane.code()
    path = f"/iam/auth/realms/{jane.tenant.id}/protocol/openid-connect/token"
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}
    for grant in (form, {"grant_type": "refresh_token", "refresh_token": jane.tokens()["refresh_token"]}):
        refused = jane.world.browser.post(path, {**grant, "client_id": METER})
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert jane.exchange(code).status_code == 200


def test_pkce_cannot_be_taken_away(jane: Person) -> None:
    """RFC 9700 §4.8.2, RFC 7636 §4.2 and §7.2: at no client, from neither side."""
    for sent in (
        BARE,
        {"code_challenge": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
    ):
        for client_id in (METER, FRONTEND):
            assert answered(jane.authorize(client_id, **sent))["error"] == "invalid_request"
    jane.world.set_client(METER, pkce_required=False)
    with_challenge, without = jane.code(), jane.code(**BARE)
    assert jane.exchange(with_challenge, code_verifier=None).status_code == 400
    assert jane.exchange(with_challenge, code_verifier=challenge_of(VERIFIER)).status_code == 400
    assert jane.exchange(without).status_code == 400
    for method in ("plain", "", "s256", "S256 plain"):
        assert answered(jane.authorize(code_challenge_method=method or None))["error"] == "invalid_request"


def test_each_answer_says_whose_it_is(jane: Person) -> None:
    """RFC 9207 §2, RFC 9700 §4.4: a client of two servers, or of two tenants, is never left to guess."""
    world, joe = jane.world, Person(jane.world, make_user(jane.world.acme, "joe", at=jane.world.clock.start))
    joe.sign_in()
    stranger = Person(world, jane.user)
    answers = [
        (jane, jane.authorize()),
        (jane, jane.authorize(prompt="none")),
        (jane, jane.authorize(scope="openid nonsense")),
        (jane, jane.authorize(response_type="x", state=None)),
        (jane, jane.authorize(scope=f"openid {METER}/editor")),
        (jane, stranger.authorize(prompt="none")),
        (jane, jane.authorize(request="x")),
        (joe, joe.authorize()),
        (joe, joe.authorize(response_type="x")),
    ]
    issuers = {}
    for who, reply in answers:
        answer = answered(reply)
        assert answer["iss"] == f"http://testserver/iam/auth/realms/{who.tenant.id}"
        assert ("code" in answer) != ("error" in answer)
        issuers[answer["iss"]] = who.tenant.slug
    assert sorted(issuers.values()) == ["acme", "globex"]
    # By slug too, and where the person is told why and given a way back.
    world.set_client("neighbour.meter", redirect_uris=BACK)
    page = jane.authorize("neighbour.meter", redirect_uri=BACK).content.decode()
    assert f"iss=http%3A%2F%2Ftestserver%2Fiam%2Fauth%2Frealms%2F{jane.tenant.id}" in page


def test_state_comes_back_as_it_was_and_empty_parameters_were_not_sent(jane: Person) -> None:
    """RFC 6749 §3.1: a parameter without a value is treated as one that is not there."""
    for state in ('"><script>', "a b&iss=https://evil.example&code=x#y", "é\u202e", "%0d%0aLocation: x"):
        reply = jane.authorize(state=state)
        assert answered(reply)["state"] == state
        assert parse_qs(urlsplit(reply["Location"]).query)["iss"] == [answered(reply)["iss"]]
    answer = answered(
        jane.authorize(state="", response_mode="", prompt="", max_age="", nonce="", resource="", request="")
    )
    assert "code" in answer
    assert "state" not in answer
    assert "code" in answered(jane.authorize(unheard_of="x", tenant="evil", user="evil", iam="evil"))


def test_a_cookie_that_somebody_prepared_is_not_taken_over(jane: Person) -> None:
    """Session fixation: neither an unknown value nor the thief's own session becomes the victim's."""
    world, eve = jane.world, Person(jane.world, make_user(jane.tenant, "eve", at=jane.world.clock.start))
    eve.sign_in()
    name = cookie_name(jane.tenant.id)
    for planted in ("made-up", eve.browser.cookies[name].value):
        victim = Caller()
        victim.cookies[name] = planted
        sent = {"username": "jane", "password": PASSWORD, "next": "/t/globex/"}
        victim.post(f"/t/{jane.tenant.slug}/sign-in", sent)
        fresh = victim.cookies[name].value
        assert fresh != planted
        thief = Person(world, jane.user)
        thief.browser.cookies[name] = planted
        assert "/sign-in" in thief.authorize()["Location"]
    assert all(row.user_id != eve.user.pk for row in jane.rows(UserSession.objects.filter(ended_at=None)))


def test_signing_in_again_gives_a_new_cookie(jane: Person) -> None:
    name = cookie_name(jane.tenant.id)
    before = jane.browser.cookies[name].value
    jane.browser.post(f"/t/{jane.tenant.slug}/sign-in", {"username": "jane", "password": PASSWORD})
    assert jane.browser.cookies[name].value != before
    old = Person(jane.world, jane.user)
    old.browser.cookies[name] = before
    assert "/sign-in" in old.authorize()["Location"]


def test_a_session_of_another_tenant_is_none_here(jane: Person) -> None:
    """Neither under its own name nor under this tenant's."""
    world = jane.world
    joe = Person(world, make_user(world.acme, "joe", at=world.clock.start))
    joe.sign_in()
    joe.browser.cookies[cookie_name(jane.tenant.id)] = joe.browser.cookies[cookie_name(world.acme.id)].value
    path = f"/iam/auth/realms/{jane.tenant.id}/protocol/openid-connect/auth"
    reply = joe.authorize(path=path)
    assert reply["Location"].startswith(f"/t/{jane.tenant.slug}/sign-in?")
    assert answered(joe.authorize(path=path, prompt="none"))["error"] == "login_required"
    assert jane.rows(AuthorizationCode.objects) == []


def test_nobody_is_signed_in_by_a_foreign_page(jane: Person) -> None:
    """Login CSRF: the sign-in form is ours alone, and no request to an OAuth endpoint sets a session."""
    browser = Caller(enforce_csrf_checks=True)
    sent = {"username": "jane", "password": PASSWORD, "next": "/t/globex/"}
    assert browser.post(f"/t/{jane.tenant.slug}/sign-in", sent).status_code == 403
    assert cookie_name(jane.tenant.id) not in browser.cookies
    stranger = Person(jane.world, jane.user)
    code = jane.code()
    for reply in (
        stranger.authorize(),
        stranger.authorize(code=code, session=jane.browser.cookies[cookie_name(jane.tenant.id)].value),
        jane.exchange(code),
    ):
        assert not any(name.startswith("iam_session") for name in reply.cookies)


def test_a_second_code_of_the_same_browser_is_a_family_of_its_own(jane: Person) -> None:
    """Replay of one sign-in ends that one alone."""
    first, second = jane.code(), jane.code()
    one, other = jane.exchange(first).json(), jane.exchange(second).json()
    assert jane.exchange(first).status_code == 400
    assert jane.refresh(one["refresh_token"]).status_code == 400
    assert jane.refresh(other["refresh_token"]).status_code == 200
    assert len(jane.rows(Authorization.objects.filter(ended_at=None))) == 1
