"""Giving tokens back: by whom, which, twice, and what a stranger learns by trying."""

from typing import Any
from uuid import uuid4

import pytest

from accesscontrol.models import Authorization, RevokedToken
from accesscontrol.oauth import tokens
from applications.actions import clients
from iam_portal.walls import tenant_scope
from tenants.models import HistoryEvent, User
from tests.accesscontrol.oauth.conftest import World
from tests.accesscontrol.oauth.signed_in import SignedIn, claims_for, give, person, signed_in
from tests.support.factories import SYSTEM

METER, READER = "acme.meter", "globex.reader"
PUBLIC = f"{METER}-frontend"


@pytest.fixture
def jane(shared: World) -> User:
    clients.add_public(
        tenant=shared.acme,
        application_id=METER,
        redirect_uris=["https://meter.example/cb"],
        web_origins=["https://meter.example"],
        by=SYSTEM,
        at=shared.clock.at,
    )
    user = person(shared)
    give(shared, user)
    return user


@pytest.fixture
def hers(shared: World, jane: User) -> SignedIn:
    return signed_in(shared, jane)


def revoke(world: World, token: str, caller: str | None = METER, tenant: Any = None, **form: Any) -> Any:
    tenant_id = getattr(tenant or world.globex, "id", tenant)
    path = f"/iam/access-management/v1/tenants/{tenant_id}/openid-connect/revoke"
    return world.post(path, caller, {"token": token, **form})


def is_active(world: World, token: str, caller: str = METER) -> bool:
    return bool(world.introspect(caller, world.globex, token).json()["active"])


@pytest.mark.parametrize("hint", [{}, {"token_type_hint": "access_token"}, {"token_type_hint": "bogus"}])
def test_a_refresh_token_ends_all_that_came_of_its_sign_in(
    shared: World, jane: User, hers: SignedIn, hint: dict[str, str]
) -> None:
    """Twice: the second time changes nothing, and history has one row."""
    other = signed_in(shared, jane, cookie=hers.cookie)
    for _ in range(2):
        reply = revoke(shared, hers.refresh_token, **hint)
        assert (reply.status_code, reply.content, reply["Cache-Control"]) == (200, b"", "no-store")
    assert not is_active(shared, hers.refresh_token)
    assert not is_active(shared, hers.access_token)
    assert is_active(shared, other.refresh_token)
    with tenant_scope(shared.globex.id):
        ended = Authorization.objects.get(pk=hers.authorization.pk)
        told = HistoryEvent.objects.get(action="authorization.ended")
    assert ended.ended_because == "revoked"
    assert (told.actor_kind, told.actor_id, told.subject_id) == ("service", METER, str(jane.id))
    assert told.after["applicationId"] == METER


def test_an_access_token_of_either_kind_ends_alone(shared: World, hers: SignedIn) -> None:
    service = shared.token(READER, shared.globex, f"aud:{METER}").json()["access_token"]
    for token, caller in ((hers.access_token, METER), (service, READER)):
        assert [revoke(shared, token, caller).status_code for _ in range(2)] == [200, 200]
        assert not is_active(shared, token)
    assert is_active(shared, hers.refresh_token)
    assert is_active(shared, shared.token(READER, shared.globex, f"aud:{METER}").json()["access_token"])
    with tenant_scope(shared.globex.id):
        row = RevokedToken.objects.get(jti=hers.claims["jti"])
    assert int(row.expires_at.timestamp()) == hers.claims["exp"]


def test_our_own_doors_refuse_a_revoked_one(shared: World) -> None:
    shared.assign(shared.globex, READER, "iam-portal", "user-reader")
    token = shared.token(READER, shared.globex, "aud:iam-portal").json()["access_token"]
    door, headers = f"/api/{shared.globex.id}/modules", {"Authorization": f"Bearer {token}"}
    assert shared.browser.get(door, headers=headers).status_code == 200
    assert revoke(shared, token, READER).status_code == 200
    assert shared.browser.get(door, headers=headers).status_code == 401


def test_another_clients_is_refused_and_lives_on(shared: World, jane: User, hers: SignedIn) -> None:
    """The public client of the same application is another one, too; ended or not, the answer is the same."""
    theirs = signed_in(shared, jane, PUBLIC, cookie=hers.cookie)
    answers = set()
    for token, caller in (
        (hers.refresh_token, READER),
        (hers.access_token, READER),
        (theirs.refresh_token, METER),
        (theirs.access_token, METER),
    ):
        reply = revoke(shared, token, caller)
        answers.add((reply.status_code, reply.content))
        assert is_active(shared, hers.access_token)
        assert is_active(shared, theirs.access_token)
    assert revoke(shared, hers.refresh_token).status_code == 200
    answers.add((revoke(shared, hers.refresh_token, READER).status_code, reply.content))
    [(status, body)] = answers
    assert status == 400
    assert b'"error": "invalid_grant"' in body


def test_a_public_client_needs_no_secret_and_has_no_others(shared: World, jane: User, hers: SignedIn) -> None:
    theirs = signed_in(shared, jane, PUBLIC, cookie=hers.cookie)
    assert revoke(shared, hers.refresh_token, None, client_id=PUBLIC).status_code == 400
    assert revoke(shared, theirs.refresh_token, None, client_id=PUBLIC).status_code == 200
    assert not is_active(shared, theirs.access_token)
    assert is_active(shared, hers.access_token)
    assert revoke(shared, theirs.access_token, None, client_id=METER).status_code == 401


@pytest.mark.parametrize(
    "token", ["", "a.b.c", "x", "a" * 43, "ü" * 43, "nul\0", "a" * 200_000, "eyJhbGciOiJub25lIn0.e30."]
)
def test_what_nobody_knows_is_gone_afterwards(shared: World, token: str) -> None:
    reply = revoke(shared, token)
    assert (reply.status_code, reply.content) == (200, b"") if token else (400, reply.content)


def test_at_another_tenant_it_is_unknown(shared: World, hers: SignedIn) -> None:
    for tenant in (shared.acme, shared.neighbour, str(uuid4()), "no-id"):
        for token in (hers.refresh_token, hers.access_token):
            assert revoke(shared, token, tenant=tenant).status_code == 200
    assert is_active(shared, hers.refresh_token)
    assert is_active(shared, hers.access_token)


def test_who_does_not_prove_itself_revokes_nothing(shared: World, hers: SignedIn) -> None:
    for form in ({}, {"client_id": METER}, {"client_id": METER, "client_secret": "wrong"}):
        assert revoke(shared, hers.refresh_token, None, **form).status_code == 401
    path = f"/auth/realms/{shared.globex.slug}/protocol/openid-connect/revoke"
    assert shared.browser.get(f"{path}?token={hers.refresh_token}").status_code == 405
    assert shared.post(path, METER, {"token": [hers.refresh_token] * 2}).status_code == 400
    assert is_active(shared, hers.refresh_token)


def test_an_id_token_is_no_such_token(shared: World, hers: SignedIn) -> None:
    claims = {**claims_for(shared, hers.authorization), "aud": METER}
    id_token = tokens.sign(claims, at=shared.clock.at, type=tokens.ID)
    for caller in (METER, READER):
        assert revoke(shared, id_token, caller).json()["error"] == "unsupported_token_type"
    assert shared.introspect(METER, shared.globex, id_token).content == b'{"active": false}'


def test_an_expired_one_is_over_anyway(shared: World, hers: SignedIn) -> None:
    shared.clock.forward(seconds=300)
    assert revoke(shared, hers.access_token).status_code == 200
    with tenant_scope(shared.globex.id):
        assert not RevokedToken.objects.exists()


def test_a_page_of_the_client_reads_the_answer(shared: World, jane: User) -> None:
    theirs = signed_in(shared, jane, PUBLIC)
    path = f"/iam/auth/realms/{shared.globex.id}/protocol/openid-connect/revoke"
    for origin, allowed in (("https://meter.example", True), ("https://evil.example", False)):
        form = {"token": theirs.refresh_token, "client_id": PUBLIC}
        reply = shared.browser.post(path, form, headers={"Origin": origin})
        assert reply.status_code == 200
        assert (reply.get("Access-Control-Allow-Origin") == origin) is allowed
