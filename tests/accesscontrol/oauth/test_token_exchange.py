"""Token exchange (RFC 8693): in whose name, by whom, for what, and until when."""

from datetime import timedelta
from typing import Any

import pytest

from accesscontrol.models import RevokedToken
from accesscontrol.oauth import tokens
from iam_portal.walls import tenant_scope
from tenants.actions import sessions
from tenants.models import UserSession
from tests.accesscontrol.oauth.conftest import World, claims_of, said
from tests.accesscontrol.oauth.exchanging import (
    ACCESS,
    ARCHIVE,
    BILLING,
    GRANT,
    READER,
    active,
    arrange,
    exchange,
    exchanged,
)
from tests.accesscontrol.oauth.opening import opened_by
from tests.accesscontrol.oauth.people import METER, Person, give, opened
from tests.support.factories import SYSTEM

VIEWER = "urn:iam:application-role:{}:acme.billing:viewer"
NOT_THIS = "The subject token is not valid here, not for this client, or over."


@pytest.fixture
def jane(shared: World) -> Person:
    return arrange(shared)


def service_token(world: World) -> str:
    """Of Globex's reader, which may view the meter and billing."""
    world.assign(world.globex, READER, BILLING, "viewer")
    value: str = world.token(READER, world.globex, f"aud:{METER}").json()["access_token"]
    return value


def test_what_a_person_gets_elsewhere(jane: Person) -> None:
    world, reply = jane.world, jane.tokens()
    subject = opened(reply["access_token"])
    answer = exchange(world, reply["access_token"])
    claims, body = claims_of(answer), answer.json()
    assert body["issued_token_type"] == ACCESS
    assert (body["token_type"], body["scope"]) == ("Bearer", f"aud:{BILLING} openid")
    assert body["expires_in"] == claims["exp"] - claims["iat"]
    assert "refresh_token" not in body and "id_token" not in body
    assert (claims["sub"], claims["aud"], claims["client_id"]) == (str(jane.user.pk), BILLING, METER)
    assert claims["act"]["client_id"] == METER and claims["act"]["sub"] != claims["sub"]
    assert (claims["sid"], claims["exchanged_from"]) == (subject["sid"], [subject["jti"]])
    assert claims["roles"] == [VIEWER.format(world.globex.id)]
    told = active(world, body["access_token"])
    assert told["active"] and told["roles"] == claims["roles"] and told["act"] == claims["act"]
    assert told["caller"] == {
        "kind": "user",
        "applicationId": METER,
        "userId": claims["sub"],
        "clientId": METER,
        "tenantId": str(world.globex.id),
    }
    assert told["actor"] == {"applicationId": METER}


def test_what_a_service_gets_elsewhere(jane: Person) -> None:
    world, token = jane.world, service_token(jane.world)
    value = exchanged(world, token)
    told = active(world, value)
    assert told["sub"] == opened(token)["sub"] and "sid" not in told
    assert (told["caller"]["kind"], told["caller"]["applicationId"]) == ("service", READER)
    assert (told["caller"]["clientId"], told["actor"]) == (METER, {"applicationId": METER})
    assert told["roles"] == [VIEWER.format(world.globex.id)]


@pytest.mark.parametrize(
    "named",
    [
        {"scope": None, "resource": f"urn:iam:application:{BILLING}"},
        {"scope": None, "audience": BILLING},
        {"scope": f"{BILLING}/viewer"},
        {"scope": f"aud:{BILLING}", "audience": BILLING, "resource": f"urn:iam:application:{BILLING}"},
    ],
)
def test_a_target_is_named_as_elsewhere(jane: Person, named: dict[str, Any]) -> None:
    reply = exchange(jane.world, jane.tokens()["access_token"], **named)
    assert claims_of(reply)["aud"] == BILLING


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"scope": None}, "invalid_target"),
        ({"scope": f"aud:{BILLING} aud:{ARCHIVE}"}, "invalid_target"),
        ({"scope": "aud:iam-portal"}, "invalid_target"),
        ({"scope": None, "audience": "iam-portal"}, "invalid_target"),
        ({"scope": None, "resource": "https://x.example/"}, "invalid_target"),
        ({"scope": None, "audience": 'a"b'}, "invalid_target"),
        ({"audience": ARCHIVE}, "invalid_target"),
        ({"scope": f"aud:{METER}"}, "invalid_scope"),
        ({"scope": "aud:nobody.knows"}, "invalid_scope"),
        ({"scope": f"aud:{BILLING} what.is-this"}, "invalid_scope"),
        ({"scope": f"{BILLING}/editor"}, "invalid_scope"),
        ({"subject_token": None}, "invalid_request"),
        ({"subject_token": "eyJ.x.y"}, "invalid_request"),
        ({"subject_token_type": None}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:jwt"}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"}, "invalid_request"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
        ({"actor_token": "x", "actor_token_type": ACCESS}, "invalid_request"),
        ({"audience": [BILLING, BILLING]}, "invalid_request"),
        ({"tenant_id": "x" * 5000, "subject_token": "\0"}, "invalid_request"),
    ],
)
def test_what_is_refused(jane: Person, form: dict[str, Any], error: str) -> None:
    token = jane.tokens()["access_token"]
    assert said(exchange(jane.world, token, **form))["error"] == error


def test_only_tokens_that_this_client_was_called_with(jane: Person) -> None:
    """Another's audience, another kind, another tenant's, revoked, over: one answer."""
    world, reply = jane.world, jane.tokens()
    world.assign(world.globex, READER, BILLING, "viewer")
    world.set_client(BILLING, token_exchange=True)
    world.assign(world.globex, BILLING, ARCHIVE)
    foreign = world.token("neighbour.reader", world.neighbour, "aud:neighbour.meter").json()["access_token"]
    elsewhere = world.token(READER, world.globex, f"aud:{BILLING}").json()["access_token"]
    for value in (reply["id_token"], reply["refresh_token"], jane.code(), foreign, elsewhere):
        assert said(exchange(world, value))["error_description"] == NOT_THIS
    # Who was not called with it gets nothing, either.
    stolen = exchange(world, reply["access_token"], f"aud:{ARCHIVE}", BILLING)
    assert said(stolen)["error_description"] == NOT_THIS
    assert exchange(world, reply["access_token"]).status_code == 200
    with tenant_scope(world.globex.id):
        RevokedToken.objects.create(
            tenant=world.globex,
            jti=opened(reply["access_token"])["jti"],
            expires_at=world.clock.at + timedelta(hours=1),
        )
    assert said(exchange(world, reply["access_token"]))["error_description"] == NOT_THIS
    other = service_token_over(world)
    assert said(exchange(world, other))["error_description"] == NOT_THIS


def service_token_over(world: World) -> str:
    value: str = world.token(READER, world.globex, f"aud:{METER}").json()["access_token"]
    world.clock.forward(seconds=opened(value)["exp"] - world.clock.at.timestamp())
    return value


def test_at_the_tenant_that_issued_it_alone(jane: Person) -> None:
    world, token = jane.world, jane.tokens()["access_token"]
    form = {"grant_type": GRANT, "subject_token": token, "subject_token_type": ACCESS}
    for tenant_id in (world.acme.id, world.neighbour.id, "7311c0de-0000-4000-8000-000000000001"):
        path = f"/iam/access-management/v1/tenants/{tenant_id}/openid-connect/token"
        reply = world.post(path, METER, {**form, "scope": f"aud:{BILLING}"})
        assert said(reply)["error_description"] == NOT_THIS


def test_who_is_not_let_exchanges_nothing(jane: Person) -> None:
    world, token = jane.world, jane.tokens()["access_token"]
    path = f"/iam/auth/realms/{world.globex.id}/protocol/openid-connect/token"
    form = {"grant_type": GRANT, "subject_token": token, "subject_token_type": ACCESS}
    public = world.browser.post(path, {"client_id": f"{METER}-frontend", "scope": f"aud:{BILLING}", **form})
    assert said(public)["error"] == "unauthorized_client"
    assert world.browser.post(path, form).status_code == 401
    value = exchanged(world, token)
    world.set_client(METER, token_exchange=False)
    assert said(exchange(world, token))["error"] == "unauthorized_client"
    assert active(world, value) == {"active": False}


def test_nobody_gets_more_than_both_hold(jane: Person) -> None:
    """The meter may change billing and Jane may not; then Jane may, and the meter no longer."""
    world, token = jane.world, jane.tokens()["access_token"]
    refused = said(exchange(world, token, f"aud:{BILLING} {BILLING}/editor"))
    assert refused["error_description"].startswith("KC-9:") and refused["reason"] == "no_common_role"
    give(world, jane.user, "editor", BILLING)
    assert len(active(world, exchanged(world, token))["roles"]) == 2
    narrow = exchanged(world, token, f"{BILLING}/editor openid")
    assert [urn.rpartition(":")[2] for urn in active(world, narrow)["roles"]] == ["editor"]
    give(world, jane.user, "viewer", ARCHIVE)
    refused = said(exchange(world, token, f"aud:{ARCHIVE}"))
    assert (refused["reason"], refused["error_description"][:4]) == ("no_role_held", "KC-7")
    world.assign(world.globex, METER, ARCHIVE, "editor")
    assert said(exchange(world, token, f"aud:{ARCHIVE}"))["reason"] == "no_common_role"


def test_a_narrowed_token_stays_narrow(jane: Person) -> None:
    """A service's token for several, narrowed at the target: exchanging it does not undo that."""
    world = jane.world
    for role in ("viewer", "editor"):
        world.assign(world.globex, READER, BILLING, role)
    scope = f"aud:{METER} {BILLING}/viewer"
    token = world.token(READER, world.globex, scope).json()["access_token"]
    value = exchanged(world, token, f"aud:{BILLING}")
    assert opened(value)["scope"] == f"aud:{BILLING} {BILLING}/viewer"
    assert active(world, value)["roles"] == [VIEWER.format(world.globex.id)]
    assert said(exchange(world, token, f"{BILLING}/editor"))["reason"] == "no_common_role"


def test_it_ends_with_what_it_was_made_of(jane: Person) -> None:
    world, token = jane.world, jane.tokens()["access_token"]
    world.clock.forward(seconds=200)
    assert opened(exchanged(world, token))["exp"] == opened(token)["exp"]
    world.clock.forward(seconds=99.5)
    assert exchange(world, token).json()["expires_in"] == 1
    world.clock.forward(seconds=0.5)
    assert said(exchange(world, token))["error_description"] == NOT_THIS


def test_each_end_of_either_is_seen_at_once(jane: Person) -> None:
    world, token = jane.world, jane.tokens()["access_token"]
    value = exchanged(world, token)
    row = give(world, jane.user, "editor", BILLING)
    assert len(active(world, value)["roles"]) == 2
    world.clock.forward(seconds=1)
    world.withdraw(row)
    assert len(active(world, value)["roles"]) == 1
    path = f"/iam/auth/realms/{world.globex.id}/protocol/openid-connect/revoke"
    second = exchanged(world, token)
    assert world.post(path, METER, {"token": second}).status_code == 200
    assert active(world, second) == {"active": False} and active(world, value)["active"]
    assert world.post(path, METER, {"token": token}).status_code == 200  # what it was made of
    assert active(world, value) == {"active": False}


def test_the_end_of_the_session_ends_it(jane: Person) -> None:
    world, value = jane.world, exchanged(jane.world, jane.tokens()["access_token"])
    with tenant_scope(world.globex.id):
        session = UserSession.objects.get(user=jane.user, ended_at=None)
        sessions.sign_out(session=session, by=SYSTEM, at=world.clock.at)
    assert active(world, value) == {"active": False}


def test_chains_are_told_and_bounded(jane: Person) -> None:
    """Meter, billing and back again: each holds with the subject, none gets by another's roles."""
    world = jane.world
    give(world, jane.user, "viewer", ARCHIVE)
    world.set_client(BILLING, token_exchange=True)
    world.set_client(ARCHIVE, token_exchange=True)
    for caller, target in ((BILLING, ARCHIVE), (ARCHIVE, BILLING)):
        world.assign(world.globex, caller, target, "viewer")
    token = jane.tokens()["access_token"]
    value, made = exchanged(world, token), [opened(token)["jti"]]
    ways = ((BILLING, ARCHIVE), (ARCHIVE, BILLING), (BILLING, ARCHIVE))
    for by, target in ways:
        made = [opened(value)["jti"], *made]
        value = exchanged(world, value, f"aud:{target}", by)
        assert opened(value)["exchanged_from"] == made
    chain = opened(value)["act"]
    assert [chain["client_id"], chain["act"]["client_id"], chain["act"]["act"]["client_id"]] == [
        BILLING,
        ARCHIVE,
        BILLING,
    ]
    assert chain["act"]["act"]["act"]["client_id"] == METER
    assert active(world, value, ARCHIVE)["active"] is True
    refused = said(exchange(world, value, f"aud:{BILLING}", ARCHIVE))
    assert refused["error_description"] == "This token was exchanged too often."
    path = f"/iam/auth/realms/{world.globex.id}/protocol/openid-connect/revoke"
    assert world.post(path, METER, {"token": token}).status_code == 200
    assert active(world, value, ARCHIVE) == {"active": False}


def test_it_opens_no_door_of_ours(jane: Person, settings: Any) -> None:
    """Neither for its subject nor for its actor, though it names a sign-in and an account."""
    settings.ROOT_URLCONF = "iam_portal.urls"
    world, reply = jane.world, jane.tokens()
    assert opened_by(jane, exchanged(world, reply["access_token"]), jane.tenant) == set()
    claims = opened(exchanged(world, reply["access_token"]))
    forged = {**claims, "aud": METER}  # even if it were for the client of the sign-in itself
    value = tokens.sign(forged, at=world.clock.at)
    realm = f"/iam/auth/realms/{jane.tenant.id}/protocol/openid-connect"
    bearer = {"Authorization": f"Bearer {value}"}
    assert world.browser.get(f"{realm}/userinfo", headers=bearer).status_code == 401
    for broken in ({"act": "x"}, {"act": {"sub": 1}}, {"act": {}}, {"act": {**claims["act"], "act": []}}):
        value = tokens.sign({**claims, **broken}, at=world.clock.at)
        assert active(world, value) == {"active": False}
