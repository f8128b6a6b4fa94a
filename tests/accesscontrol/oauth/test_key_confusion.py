"""Tokens that name one key or algorithm and use another; keys that travel in the token itself."""

import base64
import hmac
import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from accesscontrol.actions import keys, rotation
from accesscontrol.actions.keys import ParsedKey
from accesscontrol.oauth import tokens
from iam_portal.gate import Actor
from tests.accesscontrol.oauth.conftest import World, claims_of

READER, METER = "globex.reader", "acme.meter"
ALGORITHMS = ["ES256", "RS256", "RS512", "PS256", "HS256", "none"]
STRANGERS = {
    "ES256": ECKey.generate_key("P-256", auto_kid=True),
    "RS256": RSAKey.generate_key(2048, auto_kid=True),
}


@pytest.fixture
def claims(shared: World) -> dict[str, Any]:
    """Those of a good token."""
    return claims_of(shared.token(READER, shared.globex, f"aud:{METER}"))


def ours(world: World, algorithm: str) -> ParsedKey:
    return keys.signing_key(algorithm=algorithm, at=world.clock.at)


def forged(claims: dict[str, Any], key: Any, **header: Any) -> str:
    return jwt.encode({"typ": "at+jwt", **header}, claims, key, algorithms=ALGORITHMS)


def active(world: World, token: str) -> bool:
    return bool(world.introspect(METER, world.globex, token).json()["active"])


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def pem(key: Any) -> bytes:
    return bytes(key.as_pem(private=False))


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_the_forge_works(shared: World, claims: dict[str, Any], algorithm: str) -> None:
    """Both algorithms are read, whichever the client has: its next token may be by the other."""
    key = ours(shared, algorithm)
    assert active(shared, forged(claims, key.private, alg=algorithm, kid=key.kid))


def test_an_algorithm_that_is_not_the_keys_own(shared: World, claims: dict[str, Any]) -> None:
    """RS256 under the id of the ES256 key and the other way round, and RSA with another hash or padding."""
    elliptic, rsa = ours(shared, "ES256"), ours(shared, "RS256")
    for token in (
        forged(claims, rsa.private, alg="RS256", kid=elliptic.kid),
        forged(claims, elliptic.private, alg="ES256", kid=rsa.kid),
        forged(claims, _without_alg(rsa.private), alg="RS512", kid=rsa.kid),
        forged(claims, _without_alg(rsa.private), alg="PS256", kid=rsa.kid),
    ):
        assert not active(shared, token)


def test_the_public_key_as_a_secret(shared: World, claims: dict[str, Any]) -> None:
    """HS256 with what everybody may read: PEM and JWK, under each id (RFC 8725 §2.1)."""
    for algorithm in ("ES256", "RS256"):
        key = ours(shared, algorithm)
        for secret in (pem(key.public), json.dumps(dict(key.public_jwk)).encode()):
            signed = f"{part({'typ': 'at+jwt', 'alg': 'HS256', 'kid': key.kid})}.{part(claims)}"
            digest = hmac.digest(secret, signed.encode(), "sha256")  # the library refuses such a secret
            signature = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            assert not active(shared, f"{signed}.{signature}")


def test_no_algorithm(shared: World, claims: dict[str, Any]) -> None:
    kid = ours(shared, "ES256").kid
    for name in ("none", "None", "NONE", "", None, ["ES256"], {"ES256": 1}, 0):
        head = part({"typ": "at+jwt", "alg": name, "kid": kid})
        for signature in ("", "AA"):
            assert not active(shared, f"{head}.{part(claims)}.{signature}")
    assert not active(shared, f"{part({'typ': 'at+jwt', 'kid': kid})}.{part(claims)}.AA")


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_a_key_of_the_forgers_own(shared: World, claims: dict[str, Any], algorithm: str) -> None:
    """In the header (jwk, jku, x5u, x5c), under our id, under its own, under none."""
    own, key = STRANGERS[algorithm], ours(shared, algorithm)
    public = own.as_dict(private=False)
    address = "http://127.0.0.1:9/keys"
    for header in (
        {"kid": key.kid},
        {"kid": own.kid},
        {},
        {"kid": key.kid, "jwk": public},
        {"jwk": public},
        {"kid": own.kid, "jku": address},
        {"kid": key.kid, "jku": address},
        {"kid": key.kid, "x5u": address},
        {"kid": key.kid, "x5c": ["AAAA"]},
    ):
        assert not active(shared, forged(claims, own, alg=algorithm, **header)), header


@pytest.mark.parametrize(
    "kid",
    [
        "",
        "../../dev/null",
        "' OR '1'='1",
        "x' UNION SELECT 'a",
        "\0",
        "é",
        "k" * 5000,
        None,
        1,
        ["a"],
        {"a": "b"},
    ],
)
def test_made_up_ids(shared: World, claims: dict[str, Any], kid: Any) -> None:
    """Never a query with it, never a 500."""
    head = part({"typ": "at+jwt", "alg": "ES256", "kid": kid})
    assert not active(shared, f"{head}.{part(claims)}.{'A' * 86}")


def test_headers_that_ask_for_something(shared: World, claims: dict[str, Any]) -> None:
    """What we do not know and must understand (RFC 7515 §4.1.11), and a payload that is not encoded."""
    key = ours(shared, "ES256")
    for header in ({"crit": ["exp"], "exp": 1}, {"crit": ["b64"], "b64": False}, {"crit": []}):
        head = part({"typ": "at+jwt", "alg": "ES256", "kid": key.kid, **header})
        assert not active(shared, f"{head}.{part(claims)}.{'A' * 86}")


def test_a_withdrawn_key_signs_nothing_more(shared: World, claims: dict[str, Any]) -> None:
    """By whoever has its private part, with whatever life he likes."""
    key = ours(shared, "ES256")
    rotation.withdraw(kids=[key.kid], by=Actor.system(), at=shared.clock.at)
    for life in (300, 10**9):
        again = {**claims, "exp": claims["iat"] + life}
        assert not active(shared, forged(again, key.private, alg="ES256", kid=key.kid))


def test_a_key_that_does_not_sign_yet_verifies_nothing_odd(shared: World, claims: dict[str, Any]) -> None:
    """Published is trusted: a process whose clock is ahead may sign with it already."""
    (row,) = rotation.plan(algorithms=["ES256"], by=Actor.system(), at=shared.clock.at)
    following = keys.verifying_key(row.kid, at=shared.clock.at)
    assert following is not None
    assert active(shared, forged(claims, following.private, alg="ES256", kid=row.kid))
    assert ours(shared, "ES256").kid != row.kid


def test_types_do_not_pass_for_each_other(shared: World, claims: dict[str, Any]) -> None:
    key = ours(shared, "RS256")
    for kind in (
        "JWT",
        "jwt",
        "id+jwt",
        "logout+jwt",
        "at+JWT",
        "application/at+jwt",
        "",
        None,
        1,
        ["at+jwt"],
    ):
        token = f"{part({'typ': kind, 'alg': 'RS256', 'kid': key.kid})}.{part(claims)}"
        signed = (
            forged(claims, key.private, alg="RS256", kid=key.kid, typ=kind)
            if isinstance(kind, str)
            else token
        )
        assert not active(shared, signed)
    with pytest.raises(tokens.Unreadable):
        tokens.read("", at=shared.clock.at)


def _without_alg(key: Any) -> RSAKey:
    """The same key, free to be used with another algorithm."""
    bound = ("alg", "use", "kid")
    return RSAKey.import_key(
        {name: value for name, value in key.as_dict(private=True).items() if name not in bound}
    )
