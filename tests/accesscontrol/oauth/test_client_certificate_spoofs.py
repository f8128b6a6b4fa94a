"""A certificate is believed from our own proxy alone, and tokens are bound to it (RFC 8705)."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from applications.models import Client, ClientCertificate
from tests.accesscontrol.oauth.asserting import GRANT, METER, READER, REFUSED, answer
from tests.accesscontrol.oauth.certifying import issued
from tests.accesscontrol.oauth.conftest import World
from tests.accesscontrol.oauth.showing import (
    DN,
    PROOF,
    SECRET,
    authority,
    by_authority,
    own,
    self_signed,
    shows,
    world,
)

__all__ = ["world"]  # the fixture


@pytest.mark.parametrize(
    "proof",
    [
        {},
        {"X-Portal-Proxy-Secret": ""},
        {"X-Portal-Proxy-Secret": SECRET[:-1]},
        {"X-Portal-Proxy-Secret": f"{SECRET} "},
        {"X-Portal-Proxy-Secret": f"{SECRET},{SECRET}"},
        {"X-Portal-Proxy-Secret": f"{SECRET},x"},
        {"X-Portal-Proxy-Secret": SECRET.upper()},
        {"X-Portal-Proxy-Secret": "é" * 32},
        {"Portal-Proxy-Secret": SECRET},
        {"X-Portal-Proxy-Secret-2": SECRET},
        {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "https"},
    ],
    ids=str,
)
def test_without_the_proof_the_header_was_not_sent(world: World, proof: dict[str, str]) -> None:
    self_signed(world)
    assert answer(shows(world, own(), proof)) == REFUSED


def test_both_secrets_are_taken_while_one_is_changed(world: World) -> None:
    self_signed(world)
    assert shows(world, own(), {"X-Portal-Proxy-Secret": "p" * 40}).status_code == 200


def test_other_headers_are_not_believed(world: World) -> None:
    self_signed(world)
    body = {**GRANT, "client_id": READER}
    for name in ("Client-Cert", "X-Client-Cert", "SSL-Client-Cert", "X-Forwarded-Client-Cert", "ClientCert2"):
        for value in (own().structured, own().escaped):
            refused = world.browser.post("/oauth2/token", body, headers={name: value, **PROOF})
            assert answer(refused) == REFUSED
    for more in (
        {"ClientCert": own().structured},
        {"certificate": own().pem},
        {"HTTP_CLIENTCERT": own().escaped},
    ):
        assert answer(world.browser.post("/oauth2/token", {**body, **more}, headers=PROOF)) == REFUSED


def test_an_installation_without_such_a_proxy(world: World, settings: Settings) -> None:
    """Also a short secret, which settings refuse, opens nothing."""
    self_signed(world)
    settings.PORTAL_PROXY_SECRETS = ["short"]
    assert answer(shows(world, own(), {"X-Portal-Proxy-Secret": "short"})) == REFUSED
    settings.PORTAL_PROXY_SECRETS = []
    assert answer(shows(world, own(), {"X-Portal-Proxy-Secret": ""})) == REFUSED
    settings.PORTAL_PROXY_SECRETS = [SECRET]
    settings.PORTAL_CLIENT_CERTIFICATE_HEADER = ""
    assert answer(shows(world, own())) == REFUSED
    metadata = world.browser.get(f"/auth/realms/{world.globex.id}/.well-known/openid-configuration").json()
    assert "tls_client_auth" not in metadata["token_endpoint_auth_methods_supported"]
    assert "tls_client_certificate_bound_access_tokens" not in metadata


def test_metadata_says_that_certificates_are_taken(world: World) -> None:
    metadata = world.browser.get(f"/auth/realms/{world.globex.id}/.well-known/openid-configuration").json()
    for endpoint in ("token", "introspection", "revocation"):
        methods = metadata[f"{endpoint}_endpoint_auth_methods_supported"]
        assert {"tls_client_auth", "self_signed_tls_client_auth"} <= set(methods)
    assert metadata["tls_client_certificate_bound_access_tokens"] is True


@pytest.mark.parametrize(
    "value",
    [
        "", "x", ":", "::", ":x:", ":AAAA:", "-----BEGIN CERTIFICATE-----", "%", "%FF%FE", "nul\0",
        ":" * 99_999,
        "-----BEGIN CERTIFICATE-----%0AAAAA%0A-----END CERTIFICATE-----",
    ],
)  # fmt: skip
def test_garbage(world: World, value: str) -> None:
    self_signed(world)
    assert answer(shows(world, value)) == REFUSED


def test_two_certificates_are_none(world: World) -> None:
    """A server joins the headers of one name: whose certificate came first, nobody could tell."""
    self_signed(world)
    other = issued("CN=evil")
    for value in (
        f"{own().structured},{other.structured}",
        f"{other.structured}, {own().structured}",
        f"{own().structured},{own().structured}",
        f"{own().escaped}{other.escaped}",
        f"{other.escaped},{own().escaped}",
        own().structured[1:-1],
        own().pem[:-40],
    ):
        assert answer(shows(world, value)) == REFUSED


def test_who_is_asked_for_costs_the_same(world: World) -> None:
    self_signed(world)
    costs = set()
    for client_id in (READER, "globex.nobody", METER):
        with CaptureQueriesContext(connection) as queries:
            assert answer(shows(world, issued("CN=reader"), client_id=client_id)) == REFUSED
        costs.add(len(queries))
    assert len(costs) == 1, costs


# --- bound tokens ---------------------------------------------------------------------------------------


@pytest.fixture
def bound(world: World) -> str:
    """A token for the portal, bound to the reader's certificate."""
    self_signed(world)
    world.assign(world.globex, READER, "iam-portal", "module-manager")
    token: str = shows(world, own(), scope="aud:iam-portal").json()["access_token"]
    return token


def knock(world: World, token: str, headers: dict[str, str]) -> Any:
    sent = {"Authorization": f"Bearer {token}", **headers}
    return world.browser.get(f"/api/{world.globex.id}/modules", headers=sent)


def test_our_doors_want_the_same_certificate(world: World, bound: str) -> None:
    """RFC 8705 §3: whoever stole the token has not its key."""
    good = {"ClientCert": own().structured, **PROOF}
    assert knock(world, bound, good).status_code == 200
    stolen = knock(world, bound, {"ClientCert": issued("CN=reader").structured, **PROOF})
    assert (stolen.status_code, stolen["WWW-Authenticate"]) == (
        401,
        'Bearer realm="iam-portal", error="invalid_token"',
    )
    for headers in ({}, PROOF, {"ClientCert": own().structured}, {"Client-Cert": own().structured, **PROOF}):
        refused = knock(world, bound, headers)
        assert (refused.status_code, refused.json()["detail"]) == (401, stolen.json()["detail"])
    path = "/api/application/self"
    sent = {"Authorization": f"Bearer {bound}"}
    assert world.browser.get(path, headers=sent).status_code == 401
    assert world.browser.get(path, headers={**sent, **good}).status_code == 200


def test_other_tokens_are_taken_with_any_certificate(world: World) -> None:
    world.assign(world.globex, READER, "iam-portal", "module-manager")
    token = world.token(READER, world.globex, "aud:iam-portal").json()["access_token"]
    assert knock(world, token, {"ClientCert": own().structured, **PROOF}).status_code == 200


def test_introspection_says_what_it_is_bound_to(world: World) -> None:
    """Whoever serves it has the connection and compares (RFC 8705 §3.2)."""
    row = self_signed(world)
    token = shows(world, own()).json()["access_token"]
    assert world.introspect(METER, world.globex, token).json()["cnf"] == {"x5t#S256": row.thumbprint}


def test_a_certificate_may_introspect(world: World) -> None:
    token = world.token(READER, world.globex, f"aud:{METER}").json()["access_token"]
    row = self_signed(world)
    ClientCertificate.objects.filter(id=row.id).update(client=Client.objects.get(client_id=METER))
    world.set_client(METER, token_endpoint_auth_method="self_signed_tls_client_auth")
    path = f"/auth/realms/{world.globex.id}/protocol/openid-connect/token/introspect"
    headers = {"ClientCert": own().structured, **PROOF}
    reply = world.browser.post(path, {"token": token, "client_id": METER}, headers=headers)
    assert reply.json()["active"] is True


def test_unknown_tenants_are_like_foreign_ones(world: World) -> None:
    self_signed(world)
    found = set()
    for tenant_id in (world.neighbour.id, uuid4()):
        reply = shows(world, own(), tenant_id=str(tenant_id))
        found.add((reply.status_code, reply.content))
    assert len(found) == 1


def test_nothing_of_it_is_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    self_signed(world)
    shows(world, own(), {"X-Portal-Proxy-Secret": f"{SECRET}x"})
    shows(world, issued("CN=reader"))
    assert "certificate" in caplog.text
    assert SECRET not in caplog.text
    assert READER not in caplog.text


def test_time_is_the_requests(world: World) -> None:
    """The chain is looked at as of the moment that everything else is."""
    begins: datetime = world.clock.at + timedelta(hours=1)
    one = issued(DN, authority(), begins=begins)
    by_authority(world)
    assert answer(shows(world, one)) == REFUSED
    world.clock.forward(hours=1)
    assert shows(world, one).status_code == 200
