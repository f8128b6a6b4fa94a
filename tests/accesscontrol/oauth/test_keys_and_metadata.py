"""The first key, the set that each process holds, and what an issuer says of itself."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from cryptography.fernet import InvalidToken
from django.db import connection

from accesscontrol.actions import keys, rotation
from accesscontrol.models import SigningKey
from tests.accesscontrol.oauth.conftest import World

DOCUMENTS = (
    "/iam/auth/realms/{}/.well-known/openid-configuration",
    "/auth/realms/{}/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server/iam/auth/realms/{}",
)


METHODS = ("client_secret_basic", "client_secret_post", "private_key_jwt")
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


def authentication(endpoint: str, *methods: str) -> dict[str, list[str]]:
    return {
        f"{endpoint}_endpoint_auth_methods_supported": list(methods),
        f"{endpoint}_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
    }


def test_one_body_for_all_addresses(shared: World) -> None:
    issuer = f"http://testserver/iam/auth/realms/{shared.globex.id}"
    endpoints = f"{issuer}/protocol/openid-connect"
    bodies = []
    for form in DOCUMENTS:
        for name in (shared.globex.id, shared.globex.slug):
            response = shared.browser.get(form.format(name))
            assert response["Content-Type"] == "application/json"
            bodies.append(response.json())
    assert all(body == bodies[0] for body in bodies)
    told = bodies[0]
    assert told["issuer"] == issuer
    assert {name: value for name, value in told.items() if name.endswith(("_endpoint", "_uri"))} == {
        f"{name}_{kind}": f"{endpoints}/{path}"
        for name, kind, path in (
            ("authorization", "endpoint", "auth"),
            ("token", "endpoint", "token"),
            ("introspection", "endpoint", "token/introspect"),
            ("revocation", "endpoint", "revoke"),
            ("userinfo", "endpoint", "userinfo"),
            ("end_session", "endpoint", "logout"),
            ("jwks", "uri", "certs"),
        )
    }
    ways = authentication("token", *METHODS, "none") | authentication("introspection", *METHODS)
    assert told.items() >= ways.items()
    exchange = "urn:ietf:params:oauth:grant-type:token-exchange"
    assert told["grant_types_supported"] == [
        *("authorization_code", "refresh_token", exchange, "client_credentials")
    ]
    assert "ES256" in told["dpop_signing_alg_values_supported"]
    assert told["response_types_supported"] == ["code"]
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told["authorization_response_iss_parameter_supported"] is True
    assert {"openid", "profile", "email", "offline_access"} == set(told["scopes_supported"])


def test_what_is_listed_works(shared: World) -> None:
    document = shared.browser.get(DOCUMENTS[0].format(shared.globex.id)).json()
    path = document["token_endpoint"].removeprefix("http://testserver")
    form = {"grant_type": document["grant_types_supported"][-1], "scope": "aud:acme.meter"}
    token = shared.post(path, "globex.reader", form).json()["access_token"]
    path = document["introspection_endpoint"].removeprefix("http://testserver")
    assert shared.post(path, "acme.meter", {"token": token}).json()["active"] is True
    assert shared.browser.get(document["jwks_uri"].removeprefix("http://testserver")).json()["keys"]


def test_unknown_tenant_is_a_problem(shared: World) -> None:
    for form in (*DOCUMENTS, "/auth/realms/{}/protocol/openid-connect/certs"):
        for name in (uuid4(), "nobody", "Nobody", "nul%00"):
            response = shared.browser.get(form.format(name))
            assert response.status_code == 404
            assert response["Content-Type"] == "application/problem+json"


def test_slug_cannot_take_the_place_of_an_id(shared: World) -> None:
    """A slug may look like an id: it never answers for one."""
    shared.neighbour.slug = str(uuid4())
    shared.neighbour.save()
    assert shared.browser.get(DOCUMENTS[0].format(shared.neighbour.slug)).status_code == 404


def test_ensure_is_idempotent(shared: World) -> None:
    before = set(SigningKey.objects.values_list("kid", flat=True))
    rotation.ensure(at=shared.clock.at)
    assert set(SigningKey.objects.values_list("kid", flat=True)) == before
    assert len(before) == 2


def test_private_key_is_sealed(shared: World, settings: Any) -> None:
    row = SigningKey.objects.get(algorithm="ES256")
    assert "d" not in row.public_jwk
    assert keys.unseal(row.private_sealed)["d"] not in row.private_sealed
    other = "b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXItMDA="
    settings.PORTAL_ENCRYPTION_KEYS = [other, *settings.PORTAL_ENCRYPTION_KEYS]
    assert keys.unseal(row.private_sealed)["kid"] == row.kid  # an older key of the ring still opens it
    settings.PORTAL_ENCRYPTION_KEYS = [other]
    with pytest.raises(InvalidToken):
        keys.unseal(row.private_sealed)


def test_set_is_read_once(shared: World, django_assert_num_queries: Any) -> None:
    at = shared.clock.at
    kid = keys.signing_key(algorithm="ES256", at=at).kid
    with django_assert_num_queries(0):
        for _ in range(3):
            assert keys.signing_key(algorithm="ES256", at=at).kid == kid
            assert keys.verifying_key(kid, at=at) is not None
            assert keys.verifying_key("made-up", at=at) is None


def test_new_retired_and_withdrawn_keys(shared: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen within seconds by age, and at once by an unknown key id."""
    now = [1000.0]
    monkeypatch.setattr(keys.time, "monotonic", lambda: now[0])
    at = shared.clock.at
    old = keys.signing_key(algorithm="ES256", at=at).kid
    SigningKey.objects.filter(algorithm="ES256").update(retired_at=at)
    rotation.ensure(at=at)
    keys._held.looked_at = now[0]  # another process made it
    new = SigningKey.objects.exclude(kid=old).get(algorithm="ES256").kid
    assert keys.verifying_key(new, at=at) is None
    now[0] += 1.1
    assert keys.verifying_key(new, at=at) is not None
    assert keys.signing_key(algorithm="ES256", at=at).kid == new
    assert {key["kid"] for key in keys.jwks(at=at)["keys"] if key["alg"] == "ES256"} == {old, new}
    SigningKey.objects.filter(kid=old).update(withdrawn_at=at + timedelta(seconds=1))
    now[0] += keys.LOOK_AGAIN
    assert keys.verifying_key(old, at=at) is not None
    now[0] += keys.LOOK_AGAIN
    assert keys.verifying_key(old, at=at + timedelta(seconds=1)) is None


def test_two_processes_take_turns(shared: World) -> None:
    """The lock is held until the first has made its key."""
    rotation.ensure(at=shared.clock.at)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid()"
        )
        assert cursor.fetchone()[0] >= 1
