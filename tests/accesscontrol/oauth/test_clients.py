"""Client authentication: one answer and one way for every failure."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError

from accesscontrol.oauth import clients
from accesscontrol.oauth.clients import uses
from accesscontrol.oauth.realms import Address
from accesscontrol.oauth.refusals import BadRequest, ClientRefused
from applications import hashers
from applications.actions import clients as client_actions
from applications.models import Application, ClientSecret
from tenants.models.spanned import clipped
from tests.accesscontrol.oauth.conftest import World, basic
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


@pytest.mark.one_way
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
    monkeypatch.setattr(hashers, "matches", lambda *given: calls.append("") or real(*given))
    counts = []
    for client_id in (READER, "globex.nobody"):
        calls.clear()
        with_header(shared, basic(client_id, "wrong"))
        counts.append(len(calls))
    assert counts[0] == counts[1] > 0


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

    monkeypatch.setattr(uses, "connection", Broken())
    assert shared.token(READER, shared.globex, f"aud:{METER}").status_code == 200


def test_retired_application_is_an_unknown_client(shared: World) -> None:
    """By the application's own life, even while a secret still lives."""
    Application.objects.filter(id=READER).update(during=clipped(shared.clock.at))
    assert shared.token(READER, shared.globex, f"aud:{METER}").status_code == 401


FORM_SECRET = {"client_secret_basic": False, "client_secret_post": True}


@pytest.mark.parametrize("method", FORM_SECRET)
def test_only_the_registered_way(shared: World, method: str) -> None:
    """RFC 7591 §2: a wrong method is refused like a wrong secret; the switch takes both."""
    shared.set_client(READER, token_endpoint_auth_method=method)
    form = {**GRANT, "client_id": READER, "client_secret": shared.secrets[READER]}

    def statuses() -> list[int]:
        header = with_header(shared, basic(READER, shared.secrets[READER]))
        return [header.status_code, shared.post("/oauth2/token", None, form).status_code]

    assert statuses() == ([401, 200] if FORM_SECRET[method] else [200, 401])
    shared.set_client(READER, secret_either_way=True)
    assert statuses() == [200, 200]
    shared.set_client(READER, token_endpoint_auth_method="private_key_jwt")
    assert statuses() == [401, 401]


@pytest.mark.parametrize("method", FORM_SECRET)
def test_own_doors_know_one_way(shared: World, method: str) -> None:
    """There Basic is all there is, so it serves whoever has a secret."""
    shared.set_client(READER, token_endpoint_auth_method=method)
    headers = {"Authorization": basic(READER, shared.secrets[READER])}
    assert shared.browser.get("/api/application/self", headers=headers).status_code == 200
    shared.set_client(READER, token_endpoint_auth_method="tls_client_auth")
    assert shared.browser.get("/api/application/self", headers=headers).status_code == 401


def test_client_of_another_method_has_no_secret(shared: World) -> None:
    shared.set_client(READER, token_endpoint_auth_method="private_key_jwt")
    assert shared.token(READER, shared.globex, f"aud:{METER}").status_code == 401


def test_a_public_client_is_known_by_its_name(shared: World) -> None:
    """For what it has to present besides: a code, a refresh token. Nobody else is."""
    client_actions.add_public(
        tenant=shared.globex,
        application_id=READER,
        redirect_uris=["https://app.example.org/cb"],
        web_origins=[],
        by=SYSTEM,
        at=shared.clock.at,
    )
    public, at = f"{READER}-frontend", shared.clock.at

    def identified(authorization: str = "", **form: str) -> str:
        presented = clients.Presented(authorization, form, Address())
        return clients.identify(presented, at=at).client.client_id

    assert identified(client_id=public) == identified(client_id=public, client_secret="") == public
    secret = shared.secrets[READER]
    assert identified(basic(READER, secret)) == READER
    for name in (READER, "globex.nobody", "nul\0", ""):
        with pytest.raises(ClientRefused):
            identified(client_id=name)
    for more in ({"client_secret": secret}, {"client_assertion": "x"}):
        with pytest.raises(ClientRefused):
            identified(client_id=public, **more)
    for header in (basic(public, ""), basic(public, secret)):
        with pytest.raises(ClientRefused):
            identified(header, client_id=public)
    with pytest.raises(BadRequest):
        identified(basic(READER, secret), client_id=READER, client_secret=secret)
    with pytest.raises(ClientRefused):
        clients.authenticate(clients.Presented("", {"client_id": public}, Address()), at=at)
    Application.objects.filter(id=READER).update(during=clipped(at))
    with pytest.raises(ClientRefused):
        identified(client_id=public)


def test_what_is_presented_shows_no_secret() -> None:
    """In a traceback, an object is printed."""
    presented = clients.Presented("Basic c2VjcmV0", {"client_secret": "hush", "client_id": "x"}, Address())
    assert "c2VjcmV0" not in repr(presented)
    assert "hush" not in repr(presented) + repr(presented.by_form())


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
