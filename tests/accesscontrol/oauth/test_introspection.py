"""Decided now: what introspection says while contracts, roles and times move."""

import base64
import json
from typing import Any
from uuid import uuid4

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from accesscontrol.actions import keys
from accesscontrol.oauth.claims import seconds
from applications.actions import applications, contracts, pauses
from tests.accesscontrol.oauth.conftest import World, claims_of
from tests.support.factories import SYSTEM

READER, METER = "globex.reader", "acme.meter"
INACTIVE = b'{"active": false}'


@pytest.fixture
def token(shared: World) -> str:
    value: str = shared.token(READER, shared.globex, f"aud:{METER}").json()["access_token"]
    return value


def asked(world: World, token: str, caller: str = METER) -> Any:
    response = world.introspect(caller, world.globex, token)
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    return response


def test_active(shared: World, token: str) -> None:
    """All claims; roles although the token does not list them; who calls."""
    body = asked(shared, token).json()
    claims = claims_of(shared.token(READER, shared.globex, f"aud:{METER}"))
    assert body == {
        **claims,
        "jti": body["jti"],
        "active": True,
        "token_type": "Bearer",
        "roles": [f"urn:iam:application-role:{shared.globex.id}:{METER}:viewer"],
        "scope_tenants": [],
        "caller": {
            "kind": "service",
            "applicationId": READER,
            "clientId": READER,
            "tenantId": str(shared.globex.id),
        },
    }


@pytest.mark.parametrize("form", ["/iam/auth/realms/{}/protocol", "/auth/realms/{}/protocol"])
def test_every_address(shared: World, token: str, form: str) -> None:
    for name in (shared.globex.id, shared.globex.slug):
        path = f"{form.format(name)}/openid-connect/token/introspect"
        assert shared.post(path, METER, {"token": token}).json()["active"] is True


def test_only_for_the_audience(shared: World, token: str) -> None:
    """Another application, the bearer itself and a neighbour's read the same bytes."""
    for caller in (READER, "neighbour.meter", "neighbour.reader"):
        assert asked(shared, token, caller).content == INACTIVE


def test_only_at_its_own_issuer(shared: World, token: str) -> None:
    assert shared.introspect(METER, shared.acme, token).content == INACTIVE
    for name in (uuid4(), "malformed"):
        path = f"/iam/auth/realms/{name}/protocol/openid-connect/token/introspect"
        assert shared.post(path, METER, {"token": token}).content == INACTIVE


def test_needs_a_client_and_a_body(shared: World, token: str) -> None:
    path = f"/iam/access-management/v1/tenants/{shared.globex.id}/openid-connect/token/introspect"
    for form in (
        {"token": token},
        {"token": token, "client_id": METER},
        {"token": token, "client_id": METER, "client_secret": "x"},
    ):
        refused = shared.post(path, None, form)
        assert (refused.status_code, refused["WWW-Authenticate"][:5]) == (401, "Basic")
    assert shared.browser.get(f"{path}?token={token}").status_code == 405
    assert shared.post(path, METER, {}).json()["error"] == "invalid_request"
    assert shared.post(path, METER, {"token": [token, token]}).json()["error"] == "invalid_request"


def test_pause_and_resume(shared: World, token: str) -> None:
    """Invariant 1: the very next request sees the change."""
    world, contract = shared, shared.globex.contracts_received.get()
    pauses.pause(tenant=world.acme, contract_id=contract.id, by=SYSTEM, at=world.clock.at)
    assert asked(world, token).content == INACTIVE
    pauses.resume(tenant=world.acme, contract_id=contract.id, by=SYSTEM, at=world.clock.forward(seconds=1))
    assert asked(world, token).json()["active"] is True
    contracts.end(tenant=world.globex, contract_id=contract.id, by=SYSTEM, at=world.clock.forward(seconds=1))
    assert asked(world, token).content == INACTIVE


def test_suspended_caller_or_target(shared: World, token: str) -> None:
    world = shared
    for owner, name in ((world.globex, READER), (world.acme, METER)):
        at = world.clock.forward(seconds=1)
        applications.suspend(tenant=owner, application_id=name, reason="", by=SYSTEM, at=at)
        assert asked(world, token).content == INACTIVE
        applications.resume(tenant=owner, application_id=name, by=SYSTEM, at=world.clock.forward(seconds=1))
        assert asked(world, token).json()["active"] is True


def test_roles_follow(shared: World) -> None:
    world = shared
    row = world.assign(world.globex, READER, METER, "editor")
    token = world.token(READER, world.globex, f"aud:{METER} openid").json()["access_token"]
    assert len(asked(world, token).json()["roles"]) == 2
    world.clock.forward(seconds=1)
    world.withdraw(row)
    assert asked(world, token).json()["roles"] == [
        f"urn:iam:application-role:{world.globex.id}:{METER}:viewer"
    ]


def test_narrowed_stays_narrow(shared: World) -> None:
    world = shared
    row = world.assign(world.globex, READER, METER, "editor")
    token = world.token(READER, world.globex, f"{METER}/editor").json()["access_token"]
    assert [urn[-6:] for urn in asked(world, token).json()["roles"]] == ["editor"]
    world.clock.forward(seconds=1)
    world.withdraw(row)
    assert asked(world, token).content == INACTIVE  # what it was narrowed to is gone


def test_access_contract(shared: World) -> None:
    world = shared
    contract = world.share(world.acme, world.globex, (METER, "viewer"), type="access")
    world.assign(world.globex, READER, METER, contract_id=contract.id)
    token = world.token(READER, world.acme, f"aud:{METER}").json()["access_token"]
    body = world.introspect(METER, world.acme, token).json()
    assert body["scope_tenants"] == [{"tid": str(world.acme.id), "relation": "access"}]
    assert body["caller"]["tenantId"] == str(world.acme.id)
    pauses.pause(tenant=world.acme, contract_id=contract.id, by=SYSTEM, at=world.clock.at)
    assert world.introspect(METER, world.acme, token).content == INACTIVE


def test_expiry_is_exact(shared: World, token: str) -> None:
    shared.clock.forward(seconds=299)
    assert asked(shared, token).json()["active"] is True
    shared.clock.forward(seconds=1)
    assert asked(shared, token).content == INACTIVE


def forged(
    world: World, token: str, *, key: Any = None, header: dict[str, Any] | None = None, **changed: Any
) -> str:
    """A token with other claims or header, signed by our own key unless another is given."""
    signing = keys.signing_key(algorithm="ES256", at=world.clock.at)
    head = {"typ": "at+jwt", "alg": "ES256", "kid": signing.kid, **(header or {})}
    payload = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    claims = {name: value for name, value in {**payload, **changed}.items() if value is not None}
    return jwt.encode(head, claims, key or signing.private, algorithms=["ES256", "HS256", "none"])


def test_forgeries(shared: World, token: str) -> None:
    world, at = shared, seconds(shared.clock.at)
    assert asked(world, forged(world, token)).json()["active"] is True  # the forge works
    stranger = ECKey.generate_key("P-256", auto_kid=True)
    header, payload, signature = token.split(".")
    public = OctKey.import_key(json.dumps(keys.jwks(at=world.clock.at)["keys"][0]).encode().ljust(64))
    for bad in (
        f"{header}.{payload}.",
        f"{header}.{payload[:-2]}AA.{signature}",
        f"{header}.{payload}.{signature[:-4]}AAAA",
        "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0." + payload + ".",
        forged(world, token, key=stranger),
        forged(world, token, key=stranger, header={"kid": stranger.kid}),
        forged(world, token, key=public, header={"alg": "HS256"}),
        forged(world, token, header={"typ": "JWT"}),
        forged(world, token, header={"typ": None})
        if False
        else forged(world, token, header={"typ": "id+jwt"}),
        forged(world, token, exp=at),
        forged(world, token, exp=at + 300.5),
        forged(world, token, exp=None),
        forged(world, token, nbf=at + 60),
        forged(world, token, iss="http://testserver/iam/auth/realms/" + str(world.acme.id)),
        forged(world, token, tid="no-id"),
        forged(world, token, client_id="neighbour.reader"),
        forged(world, token, client_id=f"{READER}-frontend"),
        forged(world, token, sub=str(uuid4())),
        forged(world, token, aud=["neighbour.meter"]),
        forged(world, token, aud={"a": 1}),
        "a" * 200_000,
        "a.b.c",
        "ü.ü.ü",
        "nul\0",
    ):
        assert asked(world, bad).content == INACTIVE, bad[:300]


@pytest.mark.one_way("counts the queries of one request")
def test_number_of_queries(shared: World, token: str, django_assert_num_queries: Any) -> None:
    asked(shared, token)  # the secret's use is noted once a minute
    with django_assert_num_queries(10):
        asked(shared, token)
    with django_assert_num_queries(3):
        asked(shared, "a.b.c")
