"""``private_key_jwt``: what a client signs is taken once, for this tenant alone, and by its own key alone."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from applications.models import UsedAssertion
from tests.accesscontrol.oauth.asserting import (
    METER,
    READER,
    REFUSED,
    TYPE,
    Signer,
    answer,
    issuer,
    key,
    registered,
    signed,
)
from tests.accesscontrol.oauth.conftest import World, claims_of

KINDS = {
    "RS256": "RSA", "RS384": "RSA", "RS512": "RSA", "PS256": "RSA", "PS384": "RSA", "PS512": "RSA",
    "ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519",
}  # fmt: skip


@pytest.fixture
def signer(shared: World) -> Signer:
    registered(shared, key())
    return Signer(shared)


@pytest.mark.parametrize("algorithm", KINDS)
def test_every_algorithm(shared: World, algorithm: str) -> None:
    made = key(KINDS[algorithm])
    registered(shared, made)
    reply = Signer(shared, key=made, algorithm=algorithm)
    assert claims_of(reply.post(reply.assertion()))["client_id"] == READER


def test_at_every_endpoint_that_asks_for_a_client(shared: World) -> None:
    """Introspection, too; the client_id is optional and must agree."""
    token = shared.token(READER, shared.globex, f"aud:{METER}").json()["access_token"]
    registered(shared, key(), client_id=METER)
    meter = Signer(shared, METER)
    path = f"{meter.path}/introspect"
    form = {"token": token, "client_assertion_type": TYPE}
    for more in ({}, {"client_id": METER}):
        reply = shared.browser.post(path, {**form, **more, "client_assertion": meter.assertion()})
        assert reply.json()["active"] is True
    wrong = shared.browser.post(path, {**form, "client_id": READER, "client_assertion": meter.assertion()})
    assert answer(wrong) == REFUSED


def test_addresses_without_a_tenant(signer: Signer) -> None:
    """The tenant of the exchange: the one in the form, else the owner of the application."""
    world = signer.world
    for path in ("/oauth2/token", "/auth/oauth/token"):
        assert signer.post(signer.assertion(), path).status_code == 200
        other = signer.post(signer.assertion(aud=issuer(world.acme.id)), path)
        assert answer(other) == REFUSED
    there = {"aud": issuer(world.acme.id)}
    reply = signer.post(signer.assertion(**there), "/oauth2/token", tenant_id=str(world.acme.id))
    assert reply.json()["error_description"].startswith("KC-5"), "proved; the decision is another matter"
    for tenant_id in (str(world.globex.id).upper(), str(world.neighbour.id), "malformed", "nul\0"):
        reply = signer.post(signer.assertion(**there), "/oauth2/token", tenant_id=tenant_id)
        assert answer(reply) == REFUSED


def test_by_slug_the_issuer_is_by_id(signer: Signer) -> None:
    path = f"/auth/realms/{signer.world.globex.slug}/protocol/openid-connect/token"
    assert signer.post(signer.assertion(), path).status_code == 200
    by_slug = signer.assertion(aud=issuer(signer.world.globex.slug))
    assert answer(signer.post(by_slug, path)) == REFUSED
    nowhere = signer.post(signer.assertion(), "/auth/realms/nobody/protocol/openid-connect/token")
    assert answer(nowhere) == REFUSED


def test_an_unknown_tenant_is_like_a_foreign_one(signer: Signer) -> None:
    """Whoever writes a strange id into path and assertion must not learn by 401 that it is nobody's."""
    found = set()
    for tenant_id in (signer.world.neighbour.id, uuid4()):
        path = f"/auth/realms/{tenant_id}/protocol/openid-connect/token"
        reply = signer.post(signer.assertion(aud=issuer(tenant_id)), path)
        found.add((reply.status_code, reply.content))
    assert len(found) == 1
    assert b"KC-5" in found.pop()[1]


# --- what it has to say ---------------------------------------------------------------------------------


def test_for_this_issuer_alone(signer: Signer) -> None:
    world = signer.world
    mine = issuer(world.globex.id)
    assert signer.status(aud=[mine]) == 200
    for aud in (
        issuer(world.acme.id),  # made for another tenant
        issuer(world.globex.slug),
        f"{mine}/",
        mine.upper(),
        "http://testserver",
        f"http://testserver{signer.path}",  # the token endpoint, without the switch
        [mine, "https://other.example"],  # who else is named could use it here
        [mine, mine],
        [],
        "",
        None,
        {"aud": mine},
        7,
    ):
        assert answer(signer.post(signer.assertion(aud=aud))) == REFUSED, aud


def test_the_token_endpoint_as_audience_by_switch(signer: Signer) -> None:
    world = signer.world
    world.set_client(READER, assertion_for_token_endpoint=True)
    connect = "protocol/openid-connect/token"
    for path in (
        f"/iam/auth/realms/{world.globex.id}/{connect}",
        f"/auth/realms/{world.globex.id}/{connect}",
        f"/iam/access-management/v1/tenants/{world.globex.id}/openid-connect/token",
    ):
        assert signer.status(aud=f"http://testserver{path}") == 200
    slug = f"/auth/realms/{world.globex.slug}/{connect}"
    assert signer.post(signer.assertion(aud=f"http://testserver{slug}"), slug).status_code == 200
    for foreign in (
        f"http://testserver/iam/auth/realms/{world.acme.id}/{connect}",
        f"https://evil.example{signer.path}",
        "http://testserver/oauth2/token",  # names no tenant
        f"http://testserver{signer.path}/introspect",
    ):
        assert answer(signer.post(signer.assertion(aud=foreign))) == REFUSED


HOUR = 3600


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"exp": 1}, 200),
        ({"exp": 1.5}, 200),
        ({"exp": HOUR}, 200),
        ({"exp": 0}, 401),
        ({"exp": -1}, 401),
        ({"exp": HOUR + 1}, 401),
        ({"exp": 10**11}, 401),
        ({"iat": 30, "nbf": 30}, 200),  # clocks differ
        ({"iat": 31}, 401),
        ({"nbf": 31}, 401),
        ({"nbf": -(10**8)}, 200),
        ({"iat": -HOUR}, 200),
        ({"iat": -HOUR - 1}, 401),
    ],
)
def test_times(signer: Signer, changed: dict[str, float], status: int) -> None:
    now = int(signer.world.clock.at.timestamp())
    assert signer.status(**{name: now + offset for name, offset in changed.items()}) == status


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": None}, {"exp": True}, {"exp": "soon"}, {"exp": [1]}, {"exp": 10**30}, {"exp": -1},
        {"iat": "x"}, {"nbf": {}}, {"jti": None}, {"jti": ""}, {"jti": 7}, {"jti": "x" * 513},
        {"jti": "nul\0"},
        {"sub": None}, {"sub": METER}, {"iss": None}, {"iss": METER}, {"iss": METER, "sub": METER},
        {"iss": "nul\0", "sub": "nul\0"}, {"iss": ["globex.reader"]}, {"sub": {}}, {"iss": "\ud800"},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_missing_or_malformed(signer: Signer, changed: dict[str, Any]) -> None:
    assert answer(signer.post(signer.assertion(**changed))) == REFUSED


def test_exp_that_is_no_number(signer: Signer) -> None:
    """JSON of Python knows Infinity and NaN, and a float that is too large becomes one."""
    for word in ("Infinity", "NaN", "1e999", "-Infinity", "9" * 5000):
        claims = json.dumps(signer.claims(exp="here")).replace('"here"', word).encode()
        assert answer(signer.post(signed({"alg": "ES256"}, claims, signer.key))) == REFUSED


def test_iat_and_nbf_may_be_missing(signer: Signer) -> None:
    assert signer.status(iat=None) == 200


# --- once -----------------------------------------------------------------------------------------------


def test_a_replay_is_refused(signer: Signer) -> None:
    """Also in another endpoint, and after its like was used by another client."""
    assertion = signer.assertion(jti="one")
    assert signer.post(assertion).status_code == 200
    assert answer(signer.post(assertion)) == REFUSED
    assert answer(signer.post(signer.assertion(jti="one"))) == REFUSED, "the jti counts, not the text"
    form = {"token": "x", "client_assertion_type": TYPE, "client_assertion": assertion}
    assert answer(signer.world.browser.post(f"{signer.path}/introspect", form)) == REFUSED
    registered(signer.world, key("P-256", 1), client_id=METER)
    meter = Signer(signer.world, METER, key("P-256", 1))
    assert meter.post(meter.assertion(jti="one")).status_code != 401
    assert UsedAssertion.objects.count() == 2


def test_only_a_signed_one_is_used_up(signer: Signer) -> None:
    """Else anybody could use up the ids of others."""
    for wrong in (signer.assertion(jti="one", aud="x"), f"{signer.assertion(jti='one')[:-4]}AAAA"):
        assert answer(signer.post(wrong)) == REFUSED
    assert UsedAssertion.objects.count() == 0
    assert signer.status(jti="one") == 200
    ends = UsedAssertion.objects.get().expires_at
    assert ends == signer.world.clock.at + timedelta(seconds=60)
