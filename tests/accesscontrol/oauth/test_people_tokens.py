"""What a person's tokens are worth: introspected by applications and by their own client, as things move."""

from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest

from accesscontrol.actions import authorizations
from accesscontrol.models import Authorization, RefreshToken, RevokedToken
from accesscontrol.oauth import tokens
from applications.actions import clients, pauses
from iam_portal.walls import tenant_scope
from tenants.actions import sessions, users
from tenants.models import HistoryEvent, Tenant, User, UserSession
from tests.accesscontrol.oauth.conftest import World
from tests.accesscontrol.oauth.people import arrive
from tests.accesscontrol.oauth.signed_in import SignedIn, claims_for, give, person, signed_in
from tests.support.factories import SYSTEM, sign_in

METER, READER = "acme.meter", "globex.reader"
INACTIVE = b'{"active": false}'


@pytest.fixture
def jane(shared: World) -> User:
    user = person(shared)
    give(shared, user)
    return user


@pytest.fixture
def hers(shared: World, jane: User) -> SignedIn:
    return signed_in(shared, jane)


def asked(world: World, token: str, caller: str = METER, **form: str) -> Any:
    path = f"/iam/access-management/v1/tenants/{world.globex.id}/openid-connect/token/introspect"
    response = world.post(path, caller, {"token": token, **form})
    assert response.status_code == 200
    return response


def session_of(signed: SignedIn) -> UserSession:
    found = signed.authorization.session
    assert found is not None
    return found


# --- the access token ---------------------------------------------------------------------------------


def test_an_active_answer(shared: World, jane: User, hers: SignedIn) -> None:
    assert asked(shared, hers.access_token).json() == {
        "active": True,
        **hers.claims,
        "token_type": "Bearer",
        "roles": [f"urn:iam:application-role:{shared.globex.id}:{METER}:viewer"],
        "scope_tenants": [],
        "caller": {
            "kind": "user",
            "applicationId": METER,
            "clientId": METER,
            "userId": str(jane.id),
            "tenantId": str(shared.globex.id),
        },
    }


def test_only_for_the_audience_and_at_its_issuer(shared: World, hers: SignedIn) -> None:
    for caller in (READER, "neighbour.meter", "neighbour.reader"):
        assert asked(shared, hers.access_token, caller).content == INACTIVE
    for tenant in (shared.acme, shared.neighbour):
        assert shared.introspect(METER, tenant, hers.access_token).content == INACTIVE


def test_a_person_without_a_role_is_signed_in_all_the_same(shared: World) -> None:
    body = asked(shared, signed_in(shared, person(shared, "paul")).access_token).json()
    assert (body["active"], body["roles"]) == (True, [])


def test_what_it_was_narrowed_to(shared: World, jane: User) -> None:
    row = give(shared, jane, "editor")
    narrow = signed_in(shared, jane, scope=f"aud:{METER} {METER}/editor openid").access_token
    assert [urn[-6:] for urn in asked(shared, narrow).json()["roles"]] == ["editor"]
    shared.clock.forward(seconds=1)
    shared.withdraw(row)
    assert asked(shared, narrow).json()["roles"] == []


def test_the_next_request_sees_a_pause(shared: World, hers: SignedIn) -> None:
    contract = shared.globex.contracts_received.get()
    pauses.pause(tenant=shared.acme, contract_id=contract.id, by=SYSTEM, at=shared.clock.at)
    assert asked(shared, hers.access_token).content == INACTIVE
    assert asked(shared, hers.refresh_token).content == INACTIVE
    pauses.resume(tenant=shared.acme, contract_id=contract.id, by=SYSTEM, at=shared.clock.forward(seconds=1))
    assert asked(shared, hers.access_token).json()["active"] is True


@pytest.mark.parametrize("offline", [False, True])
def test_it_falls_with_the_person_and_no_return_brings_it_back(
    shared: World, jane: User, offline: bool
) -> None:
    hers = signed_in(shared, jane, offline=offline)
    with tenant_scope(shared.globex.id):
        users.deactivate(tenant=shared.globex, user_id=jane.id, by=SYSTEM, at=shared.clock.forward(seconds=1))
    assert asked(shared, hers.access_token).content == INACTIVE
    with tenant_scope(shared.globex.id):
        users.reactivate(tenant=shared.globex, user_id=jane.id, by=SYSTEM, at=shared.clock.forward(seconds=1))
    for token in (hers.access_token, hers.refresh_token):
        assert asked(shared, token).content == INACTIVE


def test_it_falls_with_the_session_and_an_offline_one_does_not(shared: World, jane: User) -> None:
    hers = signed_in(shared, jane)
    offline = signed_in(shared, jane, offline=True, cookie=hers.cookie)
    with tenant_scope(shared.globex.id):
        sessions.sign_out(session=session_of(hers), by=SYSTEM, at=shared.clock.forward(seconds=1))
    for token in (hers.access_token, hers.refresh_token):
        assert asked(shared, token).content == INACTIVE
    for token in (offline.access_token, offline.refresh_token):
        assert asked(shared, token).json()["active"] is True


@pytest.mark.parametrize(
    "lie",
    [
        {"sub": str(uuid4())},
        {"sid": str(uuid4())},
        {"sid": "no-id"},
        {"sid": None},
        {"sid": ["x"]},
        {"client_id": READER},
        {"client_id": f"{METER}-frontend"},
        {"aud": [METER, READER]},
        {"aud": "iam-portal"},
    ],
)
def test_the_row_is_believed_and_not_the_claims(shared: World, hers: SignedIn, lie: dict[str, Any]) -> None:
    forged = tokens.sign(claims_for(shared, hers.authorization, **lie), at=shared.clock.at)
    assert asked(shared, forged).content == INACTIVE


def test_neither_kind_passes_as_the_other(shared: World, hers: SignedIn) -> None:
    """A service's claims with a ``sid``, and a user's without one."""
    world, at = shared, shared.clock.at
    service = tokens.read(world.token(READER, world.globex, f"aud:{METER}").json()["access_token"], at=at)
    user = {name: value for name, value in hers.claims.items() if name != "sid"}
    assert asked(world, tokens.sign(service, at=at)).json()["active"] is True
    for claims in ({**service, "sid": str(hers.authorization.id)}, user):
        assert asked(world, tokens.sign(claims, at=at)).content == INACTIVE


def test_a_revoked_one_of_either_kind(shared: World, hers: SignedIn) -> None:
    world, at = shared, shared.clock.at
    service = world.token(READER, world.globex, f"aud:{METER}").json()["access_token"]
    for token in (hers.access_token, service):
        claims = tokens.read(token, at=at)
        assert asked(world, token).json()["active"] is True
        with tenant_scope(world.globex.id):
            RevokedToken.objects.create(tenant=world.globex, jti=claims["jti"], expires_at=at)
        assert asked(world, token).content == INACTIVE


# --- the refresh token --------------------------------------------------------------------------------


def test_a_refresh_token_is_its_own_clients_to_ask_about(shared: World, jane: User, hers: SignedIn) -> None:
    for hint in ({}, {"token_type_hint": "refresh_token"}, {"token_type_hint": "bogus"}):
        assert asked(shared, hers.refresh_token, **hint).json() == {
            "active": True,
            "iss": hers.claims["iss"],
            "client_id": METER,
            "sub": str(jane.id),
            "scope": hers.authorization.scope,
            "iat": hers.claims["iat"],
            "exp": hers.claims["iat"] + 3600,
            "token_type": "refresh_token",
            "tid": str(shared.globex.id),
            "sid": str(hers.authorization.id),
        }
    for caller in (READER, "neighbour.meter"):
        assert asked(shared, hers.refresh_token, caller).content == INACTIVE
    assert shared.introspect(METER, shared.acme, hers.refresh_token).content == INACTIVE


def test_the_public_clients_refresh_token_is_not_the_confidential_ones(shared: World, jane: User) -> None:
    clients.add_public(
        tenant=shared.acme,
        application_id=METER,
        redirect_uris=["https://meter.example/cb"],
        web_origins=[],
        by=SYSTEM,
        at=shared.clock.at,
    )
    hers = signed_in(shared, jane, f"{METER}-frontend")
    assert asked(shared, hers.refresh_token).content == INACTIVE
    assert asked(shared, hers.access_token).json()["caller"]["clientId"] == f"{METER}-frontend"


def test_a_used_one_is_worth_nothing(shared: World, hers: SignedIn) -> None:
    with tenant_scope(shared.globex.id):
        RefreshToken.objects.update(used_at=shared.clock.at)
    assert asked(shared, hers.refresh_token).content == INACTIVE


def test_idle_limits(shared: World, jane: User, hers: SignedIn) -> None:
    """An online one an hour after its last use; an offline one goes on for thirty days."""
    offline = signed_in(shared, jane, offline=True, cookie=hers.cookie)
    assert asked(shared, offline.refresh_token).json()["exp"] == offline.claims["iat"] + 30 * 86_400
    shared.clock.forward(seconds=3599)
    assert asked(shared, hers.refresh_token).json()["active"] is True
    shared.clock.forward(seconds=1)
    assert asked(shared, hers.refresh_token).content == INACTIVE
    shared.clock.forward(days=29)
    assert asked(shared, offline.refresh_token).json()["active"] is True
    shared.clock.forward(days=1)
    assert asked(shared, offline.refresh_token).content == INACTIVE


def test_the_sessions_end_is_the_last_moment(shared: World, hers: SignedIn) -> None:
    session = session_of(hers)
    shared.clock.at = session.expires_at
    shared.clock.forward(seconds=-1)
    with tenant_scope(shared.globex.id):
        Authorization.objects.filter(pk=hers.authorization.pk).update(used_at=shared.clock.at)
    body = asked(shared, hers.refresh_token).json()
    assert body["exp"] == int(session.expires_at.timestamp())
    shared.clock.forward(seconds=1)
    assert asked(shared, hers.refresh_token).content == INACTIVE


def test_the_tenants_own_idle_limit_counts(shared: World, hers: SignedIn) -> None:
    Tenant.objects.filter(pk=shared.globex.pk).update(refresh_idle_seconds=300)
    shared.clock.forward(seconds=300)
    assert asked(shared, hers.refresh_token).content == INACTIVE


# --- ending -------------------------------------------------------------------------------------------


def test_an_end_is_told_once(shared: World, hers: SignedIn) -> None:
    ended, row = Authorization.Ended.WITHDRAWN, hers.authorization
    with tenant_scope(shared.globex.id):
        act = {"because": ended, "by": SYSTEM, "at": shared.clock.at}
        assert [authorizations.end(authorization=row, **act) for _ in range(2)] == [True, False]
        row.refresh_from_db()
        told = HistoryEvent.objects.filter(tenant=shared.globex, action="authorization.ended")
        assert [event.after["because"] for event in told] == ["withdrawn"]
    assert (row.ended_at, row.ended_because) == (shared.clock.at, "withdrawn")
    assert asked(shared, hers.access_token).content == INACTIVE


def test_a_new_password_ends_all_of_them(shared: World, jane: User, mailed: Any) -> None:
    offline = signed_in(shared, jane, offline=True)
    token = mailed(users.reset, tenant=shared.globex, user_id=jane.id, by=SYSTEM, at=shared.clock.at)
    users.accept(tenant=shared.globex, token=token, password="another long password", at=shared.clock.at)
    for each in (offline.access_token, offline.refresh_token):
        assert asked(shared, each).content == INACTIVE
    assert sign_in(jane, password="another long password", at=shared.clock.at)
    assert asked(shared, offline.refresh_token).content == INACTIVE


@pytest.fixture
def mailed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs an act that mails a link; the link's token."""
    sent: list[str] = []
    monkeypatch.setattr("tenants.emails.send_link", lambda *, link, token: sent.append(token))

    def run(act: Any, **given: Any) -> str:
        with tenant_scope(given["tenant"].id):
            act(**given)
        return sent.pop()

    return run


@pytest.mark.one_way("counts the queries of one request")
def test_number_of_queries(shared: World, hers: SignedIn, django_assert_num_queries: Any) -> None:
    asked(shared, hers.access_token)
    with django_assert_num_queries(11):
        asked(shared, hers.access_token)


def test_a_whole_visit(shared: World, settings: Any) -> None:
    """From the sign-in page to the sign-out, with nothing but what the client was given."""
    settings.ROOT_URLCONF = "iam_portal.urls"
    visitor = arrive(shared)
    visitor.sign_in()
    shared.set_client(METER, post_logout_redirect_uris="https://meter.example/out")
    given = visitor.tokens(scope="openid profile email offline_access")
    online = visitor.tokens(scope="openid")
    path = f"/iam/auth/realms/{shared.globex.id}/protocol/openid-connect"
    bearer = {"Authorization": f"Bearer {given['access_token']}"}
    told = shared.browser.get(f"{path}/userinfo", headers=bearer).json()
    assert (told["preferred_username"], told["roles"]) == (
        "jane",
        [f"urn:iam:application-role:{shared.globex.id}:{METER}:viewer"],
    )
    sent = {"id_token_hint": online["id_token"], "post_logout_redirect_uri": "https://meter.example/out"}
    reply = visitor.browser.get(f"{path}/logout?{urlencode(sent)}")
    assert reply["Location"] == "https://meter.example/out"
    assert visitor.refresh(online["refresh_token"]).status_code == 400
    renewed = visitor.refresh(given["refresh_token"]).json()
    assert asked(shared, renewed["access_token"]).json()["active"] is True
    assert shared.post(f"{path}/revoke", METER, {"token": renewed["refresh_token"]}).status_code == 200
    assert visitor.refresh(renewed["refresh_token"]).status_code == 400
    assert asked(shared, renewed["access_token"]).content == INACTIVE
