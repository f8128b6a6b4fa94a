"""Userinfo: what it tells, to whom, and how it refuses (OpenID Connect Core §5.3, RFC 6750 §3)."""

from typing import Any

import pytest

from accesscontrol.oauth import tokens
from applications.actions import pauses
from iam_portal.walls import tenant_scope
from tenants.actions import sessions, users
from tenants.models import User
from tests.accesscontrol.oauth.conftest import World
from tests.accesscontrol.oauth.signed_in import SignedIn, claims_for, give, person, signed_in
from tests.support.factories import SYSTEM

METER, READER = "acme.meter", "globex.reader"


@pytest.fixture
def jane(shared: World) -> User:
    user = person(shared)
    give(shared, user)
    return user


@pytest.fixture
def hers(shared: World, jane: User) -> SignedIn:
    return signed_in(shared, jane)


def path_at(tenant: Any) -> str:
    return f"/iam/auth/realms/{tenant.id}/protocol/openid-connect/userinfo"


def ask(world: World, token: str, tenant: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    return world.browser.get(path_at(tenant or world.globex), headers=headers)


def everything(world: World, jane: User) -> dict[str, Any]:
    return {
        "sub": str(jane.id),
        "name": "Jane",
        "preferred_username": "jane",
        "email": "jane@example.org",
        "email_verified": False,
        "roles": [f"urn:iam:application-role:{world.globex.id}:{METER}:viewer"],
        "tid": str(world.globex.id),
        "tname": "Globex",
    }


def test_header_and_form_and_every_address(shared: World, jane: User, hers: SignedIn) -> None:
    told = everything(shared, jane)
    reply = ask(shared, hers.access_token)
    assert (reply.json(), reply["Cache-Control"]) == (told, "no-store")
    for prefix in (
        f"/iam/access-management/v1/tenants/{shared.globex.id}/openid-connect",
        f"/auth/realms/{shared.globex.slug}/protocol/openid-connect",
    ):
        headers = {"Authorization": f"bEARER {hers.access_token}"}
        assert shared.browser.post(f"{prefix}/userinfo", {}, headers=headers).json() == told
        form = {"access_token": hers.access_token}
        assert shared.browser.post(f"{prefix}/userinfo", form).json() == told


@pytest.mark.parametrize(
    ("scope", "left_out"),
    [
        ("openid profile", {"email", "email_verified"}),
        ("openid email", {"name", "preferred_username"}),
        ("openid", {"email", "email_verified", "name", "preferred_username"}),
    ],
)
def test_by_scopes(shared: World, jane: User, scope: str, left_out: set[str]) -> None:
    token = signed_in(shared, jane, scope=f"aud:{METER} {scope}").access_token
    told = everything(shared, jane)
    assert ask(shared, token).json() == {name: value for name, value in told.items() if name not in left_out}


def test_a_mailbox_is_proven_by_a_link_that_went_there(
    shared: World, jane: User, hers: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the used one: the link of before was voided, and another address waits for its own."""
    sent: list[str] = []
    monkeypatch.setattr("tenants.emails.send_link", lambda *, link, token: sent.append(token))
    act: dict[str, Any] = {"tenant": shared.globex, "user_id": jane.id, "by": SYSTEM, "at": shared.clock.at}

    def told() -> Any:
        return ask(shared, signed_in(shared, jane, cookie="", offline=True).access_token).json()[
            "email_verified"
        ]

    with tenant_scope(shared.globex.id):
        users.reset(**act)
        users.reset(**act)
    assert told() is False
    users.accept(tenant=shared.globex, token=sent[-1], password="correct horse battery", at=shared.clock.at)
    assert told() is True
    with tenant_scope(shared.globex.id):
        users.change(**act, display_name="Jane Roe")
    assert told() is True
    with tenant_scope(shared.globex.id):
        users.change(**act, email="jane@elsewhere.example")
    assert told() is False


def test_nothing_presented_is_asked_for(shared: World, hers: SignedIn) -> None:
    for headers in ({}, {"Authorization": "Basic eDp5"}, {"Authorization": hers.access_token}):
        reply = shared.browser.get(path_at(shared.globex), headers=headers)
        assert (reply.status_code, reply["WWW-Authenticate"]) == (401, 'Bearer realm="iam-portal"')
        assert reply.json() == {}


def test_what_is_not_accepted(shared: World, hers: SignedIn) -> None:
    """Forged, foreign, a service's, an ID token, a refresh token: one answer."""
    at = shared.clock.at
    service = shared.token(READER, shared.globex, f"aud:{METER} openid").json()["access_token"]
    portal = shared.assign(shared.globex, READER, "iam-portal", "user-reader") and shared.token(
        READER, shared.globex, "aud:iam-portal openid"
    )
    id_token = tokens.sign({**hers.claims, "aud": METER}, at=at, type=tokens.ID)
    bound = tokens.sign(claims_for(shared, hers.authorization, cnf={"x5t#S256": "x"}), at=at)
    bad = [service, portal.json()["access_token"], id_token, hers.refresh_token, bound, "", "a.b.c", "ü"]
    bad.append(tokens.sign(claims_for(shared, hers.authorization, sid=None), at=at))
    answers = {(reply.status_code, reply.content) for reply in (ask(shared, token) for token in bad)}
    answers |= {
        (reply.status_code, reply.content)
        for reply in (ask(shared, hers.access_token, each) for each in (shared.acme, shared.neighbour))
    }
    [(status, body)] = answers
    assert status == 401
    assert b'"error": "invalid_token"' in body
    assert 'error="invalid_token"' in ask(shared, "a.b.c")["WWW-Authenticate"]


def test_an_unknown_tenant_accepts_nothing(shared: World, hers: SignedIn) -> None:
    for realm in ("no-such", "00000000-0000-0000-0000-000000000000"):
        path = f"/iam/auth/realms/{realm}/protocol/openid-connect/userinfo"
        reply = shared.browser.get(path, headers={"Authorization": f"Bearer {hers.access_token}"})
        assert (reply.status_code, reply.json()["error"]) == (401, "invalid_token")


def test_without_openid(shared: World, jane: User) -> None:
    token = signed_in(shared, jane, scope=f"aud:{METER} profile email").access_token
    reply = ask(shared, token)
    assert (reply.status_code, reply.json()["error"]) == (403, "insufficient_scope")
    assert 'error="insufficient_scope"' in reply["WWW-Authenticate"]


def test_ways_that_are_refused(shared: World, hers: SignedIn) -> None:
    token, path = hers.access_token, path_at(shared.globex)
    bearer = {"Authorization": f"Bearer {token}"}
    for reply in (
        shared.browser.get(f"{path}?access_token={token}"),
        shared.browser.get(f"{path}?access_token={token}", headers=bearer),
        shared.browser.post(path, {"access_token": token}, headers=bearer),
        shared.browser.post(path, {"access_token": [token, token]}),
        shared.browser.post(f"{path}?x=1", {"access_token": token}),
        shared.browser.post(path, b"%ff=\xff"),
    ):
        assert (reply.status_code, reply.json()["error"]) == (400, "invalid_request")
        assert 'error="invalid_request"' in reply["WWW-Authenticate"]
        assert token not in reply.content.decode()
    assert shared.browser.put(path).status_code == 405


def test_the_next_request_sees_the_change(shared: World, jane: User, hers: SignedIn) -> None:
    contract = shared.globex.contracts_received.get()
    pauses.pause(tenant=shared.acme, contract_id=contract.id, by=SYSTEM, at=shared.clock.at)
    assert ask(shared, hers.access_token).status_code == 401
    pauses.resume(tenant=shared.acme, contract_id=contract.id, by=SYSTEM, at=shared.clock.forward(seconds=1))
    assert ask(shared, hers.access_token).status_code == 200
    session = hers.authorization.session
    assert session is not None
    with tenant_scope(shared.globex.id):
        sessions.sign_out(session=session, by=SYSTEM, at=shared.clock.forward(seconds=1))
    assert ask(shared, hers.access_token).status_code == 401


def test_any_page_may_ask_and_no_cookie_counts(shared: World, hers: SignedIn) -> None:
    path = path_at(shared.globex)
    preflight = shared.browser.options(path, headers={"Origin": "https://app.example"})
    assert (preflight.status_code, preflight["Access-Control-Allow-Origin"]) == (204, "*")
    assert preflight["Access-Control-Allow-Headers"] == "Authorization, Content-Type, DPoP"
    shared.browser.cookies[f"iam_session_{shared.globex.id.hex}"] = hers.cookie
    for reply in (ask(shared, hers.access_token), ask(shared, "a.b.c"), shared.browser.get(path)):
        assert reply["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in reply
        assert reply["Access-Control-Expose-Headers"] == "WWW-Authenticate"
    assert shared.browser.get(path).status_code == 401
