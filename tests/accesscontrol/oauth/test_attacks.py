"""Client authentication, and what arrives that no honest client sends."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError

from accesscontrol.actions import keys
from accesscontrol.models import SigningKey
from accesscontrol.oauth import clients, exchange, views
from accesscontrol.oauth.metrics import TOKENS
from applications import hashers
from applications.actions import applications
from applications.actions import clients as client_actions
from applications.models import ClientSecret
from tests.accesscontrol.oauth.conftest import World, basic, claims_of
from tests.support.factories import SYSTEM

READER, METER = "globex.reader", "acme.meter"
GRANT = {"grant_type": "client_credentials", "scope": f"aud:{METER}"}
PATHS = (
    "/iam/access-management/v1/tenants/{}/openid-connect/token",
    "/iam/access-management/v1/tenants/{}/openid-connect/token/introspect",
    "/auth/realms/{}/protocol/openid-connect/token",
)


def with_header(
    world: World, header: str, form: dict[str, Any] | None = None, path: str = "/oauth2/token"
) -> Any:
    return world.browser.post(path, GRANT if form is None else form, headers={"Authorization": header})


def test_failures_are_alike(shared: World) -> None:
    """Body and headers, for any tenant id, known or not; the challenge is Basic."""
    good = shared.secrets[READER]
    attempts = [
        basic(READER, "wrong"),
        basic("globex.nobody", good),
        basic("globex.reader-frontend", good),
        basic("nul\0", good),
        basic("x" * 5000, good),
        basic(READER, "s" * 100_000),
        basic(READER, ""),
        "Basic not-base64!",
        "Basic " + "w6/D".lower(),
        "Bearer abc",
        "Negotiate",
    ]
    found = set()
    for path in PATHS:
        for tenant in (shared.globex.id, uuid4(), "malformed", shared.neighbour.id):
            for header in attempts:
                response = with_header(shared, header, path=path.format(tenant))
                found.add((response.status_code, response.content, response["WWW-Authenticate"]))
    assert found == {
        (
            401,
            b'{"error": "invalid_client", "error_description": "Client authentication failed."}',
            'Basic realm="iam-portal", charset="UTF-8"',
        )
    }


def test_unknown_client_takes_the_same_way(shared: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many digests and queries for an unknown client as for a wrong secret."""
    calls: list[str] = []
    real = hashers.matches
    monkeypatch.setattr(clients.hashers, "matches", lambda *given: calls.append("") or real(*given))
    for client_id in (READER, "globex.nobody"):
        with_header(shared, basic(client_id, "wrong"))
    assert len(calls) == 2


def test_never_two_methods(shared: World) -> None:
    """RFC 6749 §2.3: a wrong Basic does not fall through to a right form secret."""
    form = {**GRANT, "client_id": READER, "client_secret": shared.secrets[READER]}
    for secret in ("wrong", shared.secrets[READER]):
        response = with_header(shared, basic(READER, secret), form)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    other = with_header(shared, basic(READER, shared.secrets[READER]), {**GRANT, "client_id": METER})
    assert other.json()["error"] == "invalid_request"
    same = with_header(shared, basic(READER, shared.secrets[READER]), {**GRANT, "client_id": READER})
    assert same.status_code == 200


def test_several_live_secrets(shared: World) -> None:
    world = shared
    ends = world.clock.at + timedelta(minutes=1)
    second, value = client_actions.add_secret(
        tenant=world.globex, client_id=READER, by=SYSTEM, at=world.clock.at, expires_at=ends
    )
    for secret in (value, world.secrets[READER]):
        assert with_header(world, basic(READER, secret)).status_code == 200
    world.clock.at = ends
    assert with_header(world, basic(READER, value)).status_code == 401
    first = ClientSecret.objects.exclude(id=second.id).get(client__client_id=READER)
    client_actions.revoke_secret(
        tenant=world.globex, client_id=READER, secret_id=first.id, by=SYSTEM, at=world.clock.at
    )
    assert with_header(world, basic(READER, world.secrets[READER])).status_code == 401


def test_last_use_is_noted_once_a_minute(shared: World) -> None:
    def noted() -> Any:
        return ClientSecret.objects.get(client__client_id=READER).last_used_at

    shared.token(READER, shared.globex, f"aud:{METER}")
    first = noted()
    assert first == shared.clock.at
    shared.clock.forward(seconds=59)
    shared.token(READER, shared.globex, f"aud:{METER}")
    assert noted() == first
    shared.clock.forward(seconds=1)
    shared.token(READER, shared.globex, "aud:x")
    assert noted() == shared.clock.at


def test_last_use_never_fails_a_token(shared: World, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def cursor(self) -> Any:
            raise DatabaseError("read only")

    monkeypatch.setattr(clients, "connection", Broken())
    assert shared.token(READER, shared.globex, f"aud:{METER}").status_code == 200


def test_retired_application_is_an_unknown_client(shared: World) -> None:
    applications.retire(tenant=shared.globex, application_id=READER, by=SYSTEM, at=shared.clock.at)
    assert shared.token(READER, shared.globex, f"aud:{METER}").status_code == 401


def test_client_of_another_method_has_no_secret(shared: World) -> None:
    shared.set_client(READER, token_endpoint_auth_method="private_key_jwt")
    assert shared.token(READER, shared.globex, f"aud:{METER}").status_code == 401


def test_public_client_gets_nothing(shared: World) -> None:
    client_actions.add_public(
        tenant=shared.globex,
        application_id=READER,
        redirect_uris=["https://app.example.org/cb"],
        web_origins=[],
        by=SYSTEM,
        at=shared.clock.at,
    )
    for form in (
        {"client_id": f"{READER}-frontend"},
        {"client_id": f"{READER}-frontend", "client_secret": ""},
    ):
        assert shared.post("/oauth2/token", None, {**GRANT, **form}).status_code == 401


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "password", "username": "a", "password": "b"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code", "code": "x"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "unsupported_grant_type"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:device_code"}, "unsupported_grant_type"),
        ({**GRANT, "scope": [f"aud:{METER}", "openid"]}, "invalid_request"),
        ({**GRANT, "grant_type": ["password", "client_credentials"]}, "invalid_request"),
        ({**GRANT, "client_id": [READER, READER]}, "invalid_request"),
        ({f"field{number}": "x" for number in range(1001)}, "invalid_request"),
    ],
)
def test_wrong_words(shared: World, form: dict[str, Any], error: str) -> None:
    """Trap 14, and more fields than Django takes (trap 13)."""
    response = shared.post("/oauth2/token", READER, form)
    assert (response.status_code, response.json()["error"]) == (400, error)
    assert response["Content-Type"].startswith("application/json")


def test_parameters_in_the_address(shared: World) -> None:
    for query in ("grant_type=client_credentials", "x=%zz", "token=abc"):
        for path in ("/oauth2/token", PATHS[1].format(shared.globex.id)):
            response = shared.post(f"{path}?{query}", READER, {**GRANT, "token": "x"})
            assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    "path",
    [
        "/auth/realms/x%3Fa%25zz/protocol/openid-connect/token",
        "/auth/realms/%00/protocol/openid-connect/token",
    ],
)
def test_strange_paths(shared: World, path: str) -> None:
    assert shared.post(path, READER, GRANT).json()["error"] == "invalid_scope"


def test_other_bodies(shared: World) -> None:
    header = {"Authorization": basic(READER, shared.secrets[READER])}
    response = shared.browser.post("/oauth2/token", GRANT, content_type="application/json", headers=header)
    assert response.json()["error"] == "invalid_request"
    torn = shared.browser.post(
        "/oauth2/token", b"x", content_type="multipart/form-data; boundary=\xff", headers=header
    )
    assert torn.json()["error"] == "invalid_request"
    assert shared.browser.get("/oauth2/token").status_code == 405


OURS = (
    "iam", "iam.exchange", "user", "client", "claims", "state", "tenant", "tenant_id", "realm", "address",
    "at", "grant", "bearer", "jti", "expires_in", "extra_credentials", "scopes", "decoded_body", "headers",
    "uri", "body", "token", "access_token", "request", "roles", "sub", "aud", "exp", "tid", "application",
    "client_type", "token_type", "validator_log", "duplicate_params", "http_method", "HTTP_AUTHORIZATION",
)  # fmt: skip


def test_no_posted_name_reaches_our_own_values(shared: World) -> None:
    """Trap 11: every parameter becomes an attribute of oauthlib's request."""
    names = (*OURS, *exchange.Exchange.__dataclass_fields__)
    honest = claims_of(shared.token(READER, shared.globex, f"aud:{METER} openid"))
    for form in (dict.fromkeys(names, "evil"), *({name: "evil"} for name in names)):
        response = shared.token(READER, shared.globex, f"aud:{METER} openid", **form)
        claims = claims_of(response)
        assert {**claims, "jti": ""} == {**honest, "jti": ""}
        assert "evil" not in response.content.decode()
    refused = shared.token(READER, shared.globex, "aud:x", **dict.fromkeys(names, "evil"))
    assert "evil" not in refused.content.decode()


def test_headers_cannot_name_the_exchange(shared: World) -> None:
    header = {
        "Authorization": basic(READER, shared.secrets[READER]),
        "iam.exchange": "evil",
        "iam-tenant": "evil",
    }
    assert shared.browser.post("/oauth2/token", GRANT, headers=header).status_code == 200


def test_one_token_view_class() -> None:
    """Trap 12: a child of a view that has served would use its parent's validator."""
    assert views.TokenView.__subclasses__() == []
    assert views.TokenView.__mro__[1].__module__ == "oauth2_provider.views.base"
    assert "dispatch" not in vars(views.TokenView)


def test_counted_without_tenants(shared: World) -> None:
    def count(outcome: str, reason: str) -> float:
        return TOKENS.labels(outcome=outcome, reason=reason)._value.get()

    before = (
        count("issued", ""),
        count("refused", "application_not_available"),
        count("refused", "invalid_client"),
    )
    shared.token(READER, shared.globex, f"aud:{METER}")
    shared.token(READER, shared.globex, "aud:x")
    with_header(shared, basic(READER, "wrong"))
    after = (
        count("issued", ""),
        count("refused", "application_not_available"),
        count("refused", "invalid_client"),
    )
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1, 1]


def test_without_a_key_nothing_is_signed(shared: World) -> None:
    SigningKey.objects.all().delete()
    keys.forget()
    response = shared.token(READER, shared.globex, f"aud:{METER}")
    assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
