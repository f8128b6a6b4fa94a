"""Mutual TLS (RFC 8705): a certificate is believed from our own proxy alone, and tokens are bound to it."""

from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from accesscontrol.oauth.clients.certificates import thumbprint
from applications.models import Application, Client, ClientCertificate
from tenants.models import since
from tenants.models.spanned import clipped
from tests.accesscontrol.oauth.asserting import GRANT, METER, READER, REFUSED, answer
from tests.accesscontrol.oauth.certifying import CLIENT, DAY, SERVER, Issued, issued
from tests.accesscontrol.oauth.conftest import World, basic, claims_of

SECRET = "s" * 32
PROOF = {"X-Portal-Proxy-Secret": SECRET}
DN = "CN=meter reader,O=Globex"


@cache
def own() -> Issued:
    return issued("CN=reader")


@cache
def authority(number: int = 0) -> Issued:
    """Several, all with the same name."""
    return issued("CN=Machines,O=Globex", ca=True)


@cache
def leaf() -> Issued:
    return issued(DN, authority(), usage=CLIENT)


@pytest.fixture
def world(shared: World, settings: Settings) -> World:
    settings.PORTAL_CLIENT_CERTIFICATE_HEADER = "ClientCert"
    settings.PORTAL_PROXY_SECRETS = ["p" * 40, SECRET]  # the first is on its way
    return shared


def registers(world: World, method: str, **columns: Any) -> ClientCertificate:
    world.set_client(READER, token_endpoint_auth_method=method)
    return ClientCertificate.objects.create(
        client=Client.objects.get(client_id=READER),
        during=since(world.clock.start),
        created_by="test",
        **columns,
    )


def self_signed(world: World, one: Issued | None = None) -> ClientCertificate:
    one = one or own()
    return registers(world, "self_signed_tls_client_auth", thumbprint=thumbprint(one.certificate))


def by_authority(world: World, subject_dn: str = DN, anchor: str = "") -> ClientCertificate:
    return registers(world, "tls_client_auth", subject_dn=subject_dn, trust_anchor=anchor or authority().pem)


def shows(world: World, one: Issued | str, headers: dict[str, str] | None = None, **form: Any) -> Any:
    """A request of a client whose certificate the proxy has seen."""
    value = one if isinstance(one, str) else one.structured
    sent = {"ClientCert": value, **(PROOF if headers is None else headers)}
    body = {**GRANT, "client_id": READER, **form}
    return world.browser.post("/oauth2/token", body, headers=sent)


# --- one's own certificate ------------------------------------------------------------------------------


def test_by_thumbprint(world: World) -> None:
    """In both ways of writing it; the token is bound to it."""
    row = self_signed(world)
    for value in (own().structured, own().escaped, own().pem.replace("\n", "%0A").replace(" ", "%20")):
        claims = claims_of(shows(world, value))
        assert claims["cnf"] == {"x5t#S256": row.thumbprint}
        assert claims["client_id"] == READER
    row.refresh_from_db()
    assert row.last_used_at == world.clock.at


def test_others_certificates(world: World) -> None:
    self_signed(world)
    for one in (issued("CN=reader"), issued("CN=reader", authority()), leaf(), authority()):
        assert answer(shows(world, one)) == REFUSED
    for client_id in ("", METER, "globex.nobody", "nul\0", f"{READER}-frontend"):
        assert answer(shows(world, own(), client_id=client_id)) == REFUSED


def test_its_own_validity_counts(world: World) -> None:
    for begins, ends in ((-2 * DAY, -DAY), (DAY, 2 * DAY)):
        late = issued("CN=reader", begins=world.clock.at + begins, ends=world.clock.at + ends)
        self_signed(world, late)
        assert answer(shows(world, late)) == REFUSED


def test_several_certificates_and_their_spans(world: World) -> None:
    first, second = self_signed(world), issued("CN=reader")
    self_signed(world, second)
    assert [shows(world, one).status_code for one in (own(), second)] == [200, 200]
    world.clock.forward(seconds=1)
    ClientCertificate.objects.filter(id=first.id).update(during=clipped(world.clock.at))
    assert [shows(world, one).status_code for one in (own(), second)] == [401, 200]
    Application.objects.filter(id=READER).update(during=clipped(world.clock.at))
    assert answer(shows(world, second)) == REFUSED


# --- a name and its authority ---------------------------------------------------------------------------


def test_by_name_and_authority(world: World) -> None:
    """Whatever the certificate's number: it may be renewed each day."""
    by_authority(world)
    for one in (leaf(), issued(DN, authority()), issued(DN, authority(), usage=CLIENT + SERVER)):
        assert claims_of(shows(world, one))["cnf"] == {"x5t#S256": thumbprint(one.certificate)}


def test_the_name_is_compared_as_it_is_meant(world: World) -> None:
    row = by_authority(world, "2.5.4.3=meter\\20reader,O=Globex")
    assert shows(world, leaf()).status_code == 200
    for other in (
        "CN=meter reader",
        "O=Globex,CN=meter reader",
        "CN=meter reader+O=Globex",
        "no name",
        "CN=meter",
    ):
        ClientCertificate.objects.filter(id=row.id).update(subject_dn=other)
        assert answer(shows(world, leaf())) == REFUSED


def test_only_this_authority(world: World) -> None:
    """Another of the same name, itself, none, one that expired, and one for servers."""
    by_authority(world)
    at = world.clock.at
    wrong = [
        issued(DN, authority(1)),
        issued(DN),
        issued("CN=somebody,O=Globex", authority()),
        issued(DN, authority(), usage=SERVER),
        issued(DN, authority(), ca=True),
        issued(DN, authority(), begins=at - 2 * DAY, ends=at - DAY),
        issued(DN, leaf()),  # signed by what is no authority
        authority(),
    ]
    for one in wrong:
        assert answer(shows(world, one)) == REFUSED
        with_anchor = {**PROOF, "Client-Cert-Chain": authority().structured}
        assert answer(shows(world, one, with_anchor)) == REFUSED


def test_what_lies_between_is_sent_along(world: World) -> None:
    by_authority(world)
    between = issued("CN=Plant 1,O=Globex", authority(), ca=True)
    one = issued(DN, between, usage=CLIENT)
    foreign = issued("CN=Plant 1,O=Globex", authority(1), ca=True)
    chain = {**PROOF, "Client-Cert-Chain": between.structured}
    assert shows(world, one, chain).status_code == 200
    assert answer(shows(world, one)) == REFUSED
    for sent in (foreign.structured, "x", ":x:", f"{between.structured},x", between.structured * 200):
        assert answer(shows(world, one, {**PROOF, "Client-Cert-Chain": sent})) == REFUSED
    theirs = issued(DN, foreign)
    anchors = f"{foreign.structured}, {authority(1).structured}"
    assert answer(shows(world, theirs, {**PROOF, "Client-Cert-Chain": anchors})) == REFUSED, (
        "sent is not trusted"
    )


def test_an_anchor_that_cannot_be_read(world: World) -> None:
    for anchor in ("x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        by_authority(world, anchor=anchor)
        assert answer(shows(world, leaf())) == REFUSED
        ClientCertificate.objects.all().delete()


def test_the_method_decides_how(world: World) -> None:
    """A thumbprint is no proof for ``tls_client_auth``, a name none for the other."""
    self_signed(world, leaf())
    world.set_client(READER, token_endpoint_auth_method="tls_client_auth")
    assert answer(shows(world, leaf())) == REFUSED
    by_authority(world)
    world.set_client(READER, token_endpoint_auth_method="self_signed_tls_client_auth")
    ClientCertificate.objects.exclude(thumbprint="").delete()
    assert answer(shows(world, leaf())) == REFUSED
    self_signed(world)
    for method in ("client_secret_basic", "client_secret_post", "private_key_jwt", "none"):
        world.set_client(READER, token_endpoint_auth_method=method)
        assert answer(shows(world, own())) == REFUSED


def test_a_certificate_beside_a_secret_binds_nothing(world: World) -> None:
    """Every connection of a machine may show one; the method is the registered one."""
    headers = {"Authorization": basic(READER, world.secrets[READER]), "ClientCert": own().structured, **PROOF}
    assert "cnf" not in claims_of(world.browser.post("/oauth2/token", GRANT, headers=headers))
    self_signed(world)
    assert answer(world.browser.post("/oauth2/token", GRANT, headers=headers)) == REFUSED


# --- spoofs ---------------------------------------------------------------------------------------------


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
    assert costs == {1}


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
