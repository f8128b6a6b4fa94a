"""``private_key_jwt`` under attack: whose key signed, what a header may say, and failures that are alike."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from joserfc.jwk import ECKey

from accesscontrol.oauth.clients import assertions, uses
from accesscontrol.oauth.clients.jwks import public_key, public_keys
from applications.models import Application, Client, ClientKey
from tenants.models.spanned import clipped
from tests.accesscontrol.oauth.asserting import (
    GRANT,
    READER,
    REFUSED,
    TYPE,
    Signer,
    answer,
    encoded,
    key,
    registered,
    signed,
)
from tests.accesscontrol.oauth.conftest import World, basic


@pytest.fixture
def signer(shared: World) -> Signer:
    registered(shared, key())
    return Signer(shared)


# --- by whose key ---------------------------------------------------------------------------------------


def test_another_key_is_refused(signer: Signer) -> None:
    other = Signer(signer.world, key=key("P-256", 1))
    assert answer(other.post(other.assertion())) == REFUSED
    assert answer(other.post(other.assertion({"kid": signer.key.thumbprint()}))) == REFUSED


def test_several_live_keys(signer: Signer) -> None:
    world, new = signer.world, Signer(signer.world, key=key("P-256", 1))
    row = registered(world, new.key, at=world.clock.at + timedelta(minutes=1))
    assert (signer.status(), new.status()) == (200, 401)
    world.clock.forward(minutes=1)
    assert (signer.status(), new.status()) == (200, 200)
    ClientKey.objects.exclude(id=row.id).update(during=clipped(world.clock.at))
    assert (signer.status(), new.status()) == (401, 200)


def test_kid_is_a_hint(signer: Signer) -> None:
    """Whoever registered a PEM never told how his library calls the key."""
    registered(signer.world, key("P-256", 1))
    for kid in (signer.key.thumbprint(), key("P-256", 1).thumbprint(), "anything", ""):
        expected = 200 if kid != key("P-256", 1).thumbprint() else 401
        assert signer.status({"kid": kid}) == expected, kid
    for kid in (7, None, ["x"], {"x": 1}, "' OR 1=1 --", "../../etc/passwd", "nul\0", "x" * 5000):
        assert signer.status({"kid": kid}) in (200, 401)


def test_algorithms_are_not_mixed_up(shared: World) -> None:
    """RFC 8725 §2.1: no ``none``, no public key as a secret, none but those that fit the key."""
    made = key("RSA")
    registered(shared, made)
    rsa = Signer(shared, key=made, algorithm="RS256")
    assert rsa.status() == 200
    public = made.as_dict(private=False)
    pem = made.as_pem(private=False)
    claims = rsa.claims
    wrong = [
        signed({"alg": "none"}, claims(), None),
        signed({"alg": "None"}, claims(), None),
        signed({"alg": ""}, claims(), None),
        signed({}, claims(), None),
        signed({"alg": None}, claims(), None),
        signed({"alg": ["RS256"]}, claims(), None),
        signed({"alg": "RS256"}, claims(), None),
        signed({"alg": "ES256"}, claims(), bytes(64)),
        *(
            signed({"alg": name}, claims(), secret)
            for name in ("HS256", "RS256", "HS512")
            for secret in (pem, pem.strip(), json.dumps(public).encode(), public["n"].encode(), b"")
        ),
        signed({"alg": "HS256"}, claims(), shared.secrets[READER].encode()),
    ]
    for assertion in wrong:
        assert answer(rsa.post(assertion)) == REFUSED


def test_the_algorithm_of_the_key_is_kept(shared: World) -> None:
    """A key that says PS256 verifies nothing else."""
    made = key("RSA")
    row = registered(shared, made)
    ClientKey.objects.filter(id=row.id).update(public_jwk={**row.public_jwk, "alg": "PS256"})
    assert Signer(shared, key=made, algorithm="RS256").status() == 401
    assert Signer(shared, key=made, algorithm="PS256").status() == 200


def test_no_key_of_the_header_is_followed(signer: Signer, monkeypatch: pytest.MonkeyPatch) -> None:
    """``jku``, ``x5u``: nothing is fetched; ``jwk``, ``x5c``: nothing is believed."""
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: pytest.fail("looked up"))
    other = Signer(signer.world, key=key("P-256", 1))
    jwk = other.key.as_dict(private=False)
    tricks = {
        "jku": "https://evil.example/keys",
        "x5u": "https://evil.example/cert",
        "jwk": jwk,
        "x5c": ["MII"],
    }
    for name, value in tricks.items():
        assert answer(other.post(other.assertion({name: value, "kid": jwk.get("kid", "")}))) == REFUSED
        assert signer.status({name: value}) == 200, "beside a good signature they mean nothing"


def test_header_that_asks_for_more(signer: Signer) -> None:
    for header in ({"crit": ["exp"]}, {"crit": []}, {"b64": False}, {"typ": "logout+jwt"}, {"typ": 7}):
        assert answer(signer.post(signer.assertion(header))) == REFUSED
    for header in ({"typ": "JWT"}, {"typ": "jwt"}, {"typ": "client-authentication+jwt"}, {"cty": "x"}):
        assert signer.status(header) == 200


def test_weak_and_monstrous_keys_verify_nothing(shared: World) -> None:
    """A short RSA key can be broken; a long exponent makes one signature cost seconds."""
    good = key("RSA").as_dict(private=False)
    wrong: list[Any] = [
        {**good, "e": "A" * 40 + "AQ"},
        {**good, "n": good["n"] * 10},
        {**good, "n": "AQAB"},
        {**good, "n": encoded(b"\xc1" * 128)},  # 1,024 bits
        {**good, "n": encoded(b"\xc1" * 1025)},
        {**good, "use": "enc"},
        {**good, "key_ops": ["encrypt"]},
        {**good, "key_ops": "verify"},
        {**good, "alg": "RSA-OAEP"},
        {**good, "n": None},
        {**good, "n": "***"},
        {"kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"},
        {"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "OKP", "crv": "X25519", "x": "AA"},
        {"kty": ["RSA"]},
        {},
        [],
        None,
        "RSA",
    ]
    assert [public_key(jwk) for jwk in wrong] == [None] * len(wrong)
    assert public_keys({"keys": [*wrong, good]}) == (public_key(good),)
    for jwks in (None, [], {}, {"keys": {}}, {"keys": None}, good):
        assert public_keys(jwks) == ()


def test_a_private_jwk_serves_as_its_public_half() -> None:
    made = ECKey.generate_key("P-256")
    parsed = public_key(made.as_dict(private=True))
    assert parsed is not None
    assert parsed.key.is_private is False


# --- alike ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "assertion",
    [
        "x", "a.b", "a.b.c", "a.b.c.d", "....", "é.é.é", "a.b.c" * 40_000, f"{encoded({})}.{encoded({})}.",
        f"{encoded([])}.{encoded([])}.AA", f"{encoded(b'{')}.{encoded(b'{')}.AA",
        f"{encoded(b'[' * 5000)}.{encoded(b'[' * 5000)}.AA", "nul\0.nul\0.nul\0", f"{'=' * 9}.{'=' * 9}.==",
        f"{encoded(b'{}')}.{encoded(bytes(range(256)))}.AA",
    ],
)  # fmt: skip
def test_garbage_is_one_more_refusal(signer: Signer, assertion: str) -> None:
    for more in ({}, {"client_id": READER}, {"client_id": "x" * 100}):
        assert answer(signer.post(assertion, **more)) == REFUSED


def test_names_that_stand_twice(signer: Signer) -> None:
    """Two readers of such a text may see different values."""
    claims = json.dumps(signer.claims())
    twice = f'{{"aud": "https://evil.example", {claims[1:]}'.encode()
    assert answer(signer.post(signed({"alg": "ES256"}, twice, signer.key))) == REFUSED
    header = b'{"alg": "none", "alg": "ES256"}'
    text = f"{encoded(header)}.{encoded(signer.claims())}"
    good = signer.assertion().rpartition(".")[2]
    assert answer(signer.post(f"{text}.{good}")) == REFUSED


def test_type_of_the_assertion(signer: Signer) -> None:
    for type in ("", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer", "jwt-bearer", f"{TYPE} "):
        assert answer(signer.post(signer.assertion(), client_assertion_type=type)) == REFUSED
    assert answer(signer.world.browser.post(signer.path, {**GRANT, "client_assertion_type": TYPE})) == REFUSED


def test_never_two_methods(signer: Signer) -> None:
    """Also when each is right; a client of another method may not sign."""
    world = signer.world
    secret = world.secrets[READER]
    header = {"Authorization": basic(READER, secret)}
    form = {**GRANT, "client_assertion_type": TYPE, "client_assertion": signer.assertion()}
    replies = [
        world.browser.post(signer.path, form, headers=header),
        world.browser.post(signer.path, {**form, "client_id": READER, "client_secret": secret}),
        *(
            world.browser.post(signer.path, {**GRANT, "client_assertion_type": type}, headers=header)
            for type in (TYPE, "another")
        ),
    ]
    assert [(reply.status_code, reply.json()["error"]) for reply in replies] == [(400, "invalid_request")] * 4
    for method in ("client_secret_basic", "client_secret_post", "tls_client_auth", "none"):
        world.set_client(READER, token_endpoint_auth_method=method)
        assert answer(signer.post(signer.assertion())) == REFUSED
    world.set_client(READER, token_endpoint_auth_method="private_key_jwt")
    assert signer.status() == 200
    assert answer(world.browser.post(signer.path, GRANT, headers=header)) == REFUSED


def test_retired_and_public_clients_sign_nothing(signer: Signer) -> None:
    client = Client.objects.get(client_id=READER)
    Client.objects.create(
        application=client.application,
        client_id=f"{READER}-frontend",
        client_type=Client.CLIENT_PUBLIC,
        authorization_grant_type=Client.GRANT_AUTHORIZATION_CODE,
        client_secret="",
        hash_client_secret=False,
        token_endpoint_auth_method="none",
    )
    ClientKey.objects.update(client=Client.objects.get(client_id=f"{READER}-frontend"))
    public = Signer(signer.world, f"{READER}-frontend")
    assert answer(public.post(public.assertion())) == REFUSED
    ClientKey.objects.update(client=client)
    Application.objects.filter(id=READER).update(during=clipped(signer.world.clock.at))
    assert answer(signer.post(signer.assertion())) == REFUSED


@pytest.mark.one_way("counts the signatures of one request")
def test_an_unknown_client_costs_the_same(signer: Signer, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many queries and signatures as a known one, whatever is wrong with it."""
    tried: list[str] = []
    real = assertions.PublicKey.verifies
    monkeypatch.setattr(
        assertions.PublicKey,
        "verifies",
        lambda self, name, *rest: tried.append(name) or real(self, name, *rest),
    )
    costs = set()
    wrong = Signer(signer.world, key=key("P-256", 1))
    nobody = Signer(signer.world, "globex.nobody")
    for each in (wrong.assertion(), nobody.assertion(), signer.assertion(aud="x"), signer.assertion(exp=1)):
        tried.clear()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert answer(signer.post(each)) == REFUSED
        costs.add((len(queries), *tried))
    assert len(costs) == 1, costs
    assert costs.pop()[1:] == ("ES256",)


@pytest.mark.one_way("what was not noted is noted a minute later by the short way")
def test_last_use_is_noted_and_never_fails(signer: Signer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert signer.status() == 200
    first = ClientKey.objects.get().last_used_at
    assert first == signer.world.clock.at
    signer.world.clock.forward(seconds=59)
    assert signer.status() == 200
    assert ClientKey.objects.get().last_used_at == first

    class Broken:
        def cursor(self) -> Any:
            raise DatabaseError("read only")

    signer.world.clock.forward(seconds=1)
    with monkeypatch.context() as broken:
        broken.setattr(uses, "connection", Broken())
        assert signer.status() == 200
    assert signer.status() == 200
    assert ClientKey.objects.get().last_used_at == signer.world.clock.at


def test_nothing_of_it_is_logged(signer: Signer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    assertion = signer.assertion(aud="https://secret.example")
    signer.post(assertion)
    assert "audience" in caplog.text, "for the administrator of the installation"
    for part in (*assertion.split("."), "secret.example", READER):
        assert part not in caplog.text
