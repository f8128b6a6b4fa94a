"""Public keys: from a JWK (RFC 7517, 7518, 8037), a PEM or a set, to the one form that is stored.

What is stored is written anew from the parsed key. No member of an upload is copied unless it is known: a
private part cannot slip through beside a public one.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from applications.proofs import pem
from applications.proofs.refused import Unusable, private_key
from iam_portal.sentences import said

LEAST_RSA, MOST_RSA = 2048, 8192  # a longer one costs more to verify than any client gains by it
MOST_EXPONENT = 2**32
MOST_IN_SET = 20
# RFC 7518 §6.2.2, §6.3.2, §6.4.1 and RFC 8037 §2: members that only a secret has.
SECRET_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
# Name in a JWK, curve, algorithm that signs with it.
CURVES: Mapping[str, tuple[type[ec.EllipticCurve], str]] = {
    "P-256": (ec.SECP256R1, "ES256"),
    "P-384": (ec.SECP384R1, "ES384"),
    "P-521": (ec.SECP521R1, "ES512"),
}
_RSA_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_REQUIRED = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}
_BASE64URL = re.compile(r"[A-Za-z0-9_-]{1,1400}")
_KID = re.compile(r"[\x20-\x7e]{1,200}")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """``jwk`` is what is stored; ``kid`` its RFC 7638 thumbprint; ``ends_at`` that of its certificate."""

    jwk: dict[str, str]
    kid: str
    ends_at: datetime | None = None


def of_jwk(value: object) -> PublicKey:
    """A single JWK; Unusable otherwise. The name and the algorithm that it gives itself are kept."""
    if not isinstance(value, Mapping):
        raise Unusable("key_malformed", "A key is a JSON object, as RFC 7517 describes it.")
    if SECRET_MEMBERS & set(value):
        raise private_key()
    if "keys" in value:
        raise Unusable("key_malformed", "This is a set of keys. Give one of them.")
    if value.get("use", "sig") != "sig":
        raise Unusable("key_use", "This key is not for signing.")
    made = of_key(_parsed(value))
    jwk = dict(made.jwk)
    if "alg" in value:
        if value["alg"] not in algorithms(jwk):
            raise Unusable("key_algorithm", "This key does not fit the algorithm that it names.")
        jwk["alg"] = value["alg"]
    if "kid" in value:
        if not isinstance(value["kid"], str) or not _KID.fullmatch(value["kid"]):
            raise Unusable("key_malformed", "kid is a text of up to 200 characters of ASCII.")
        jwk["kid"] = value["kid"]
    return PublicKey(jwk, made.kid)


def of_pem(text: str) -> PublicKey:
    """A public key or a certificate in PEM; Unusable otherwise. It ends with its certificate."""
    label = pem.only_block(text)
    if label == "CERTIFICATE":
        certificate = pem.certificate(text)
        made = of_key(pem.key_of(certificate))
        return PublicKey(made.jwk, made.kid, certificate.not_valid_after_utc)
    if label not in ("PUBLIC KEY", "RSA PUBLIC KEY"):
        raise Unusable("pem_malformed", "Give a PUBLIC KEY or a CERTIFICATE in PEM.")
    try:
        return of_key(load_pem_public_key(text.encode()))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Unusable("pem_malformed", "The PEM cannot be read.") from None


def of_text(text: str) -> PublicKey:
    """Whichever of both it is: a JWK, or PEM."""
    return of_jwk(_json(text)) if text.lstrip().startswith("{") else of_pem(text)


def set_of_text(text: str) -> list[dict[str, str]]:
    """A JWK set as text."""
    return of_set(_json(text))


def of_set(value: object) -> list[dict[str, str]]:
    """The public keys of a JWK set (RFC 7517 §5), one to twenty; a key of another use is left out."""
    keys = value.get("keys") if isinstance(value, Mapping) else None
    if isinstance(value, Mapping) and SECRET_MEMBERS & set(value):
        raise private_key()
    if not isinstance(keys, list) or not 1 <= len(keys) <= MOST_IN_SET:
        raise Unusable(
            "key_set_malformed",
            said(
                'A set of keys is {"keys": [...]} with one to %(most_in_set)s keys.',
                {"most_in_set": MOST_IN_SET},
            ),
        )
    if any(isinstance(key, Mapping) and SECRET_MEMBERS & set(key) for key in keys):
        raise private_key()
    signing = [key for key in keys if not isinstance(key, Mapping) or key.get("use", "sig") == "sig"]
    if not signing:
        raise Unusable("key_use", "None of these keys is for signing.")
    return [of_jwk(key).jwk for key in signing]


def of_key(key: object) -> PublicKey:
    """The stored form of a parsed key; Unusable when it is too weak or of another kind."""
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        if not LEAST_RSA <= key.key_size <= MOST_RSA or numbers.e > MOST_EXPONENT:
            text = said(
                "An RSA key has %(least_rsa)s to %(most_rsa)s bits and a small exponent.",
                {"least_rsa": LEAST_RSA, "most_rsa": MOST_RSA},
            )
            raise Unusable("key_too_weak", text)
        jwk = {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}
    elif isinstance(key, ec.EllipticCurvePublicKey):
        name = next((name for name, (curve, _) in CURVES.items() if isinstance(key.curve, curve)), None)
        if name is None:
            raise _kinds()
        point, size = key.public_numbers(), (key.curve.key_size + 7) // 8
        jwk = {"kty": "EC", "crv": name, "x": _number(point.x, size), "y": _number(point.y, size)}
    elif isinstance(key, ed25519.Ed25519PublicKey):
        raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
        jwk = {"kty": "OKP", "crv": "Ed25519", "x": encoded(raw)}
    else:
        raise _kinds()
    return PublicKey(jwk, thumbprint(jwk))


def algorithms(jwk: Mapping[str, str]) -> tuple[str, ...]:
    """The JWS algorithms that a stored key can verify."""
    if jwk["kty"] == "RSA":
        return _RSA_ALGORITHMS
    return (CURVES[jwk["crv"]][1],) if jwk["kty"] == "EC" else ("EdDSA", "Ed25519")


def thumbprint(jwk: Mapping[str, str]) -> str:
    """RFC 7638 §3: SHA-256 over the required members in order."""
    members = {name: jwk[name] for name in _REQUIRED[jwk["kty"]]}
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True)
    return encoded(hashlib.sha256(canonical.encode()).digest())


def encoded(raw: bytes) -> str:
    """base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _parsed(jwk: Mapping[str, Any]) -> object:
    """The key that the members describe: on its curve, of a size that can be read."""
    kty, crv = jwk.get("kty"), jwk.get("crv")
    try:
        if kty == "RSA":
            return rsa.RSAPublicNumbers(_integer(jwk.get("e")), _integer(jwk.get("n"))).public_key()
        if kty == "EC" and isinstance(crv, str) and crv in CURVES:
            x, y = _integer(jwk.get("x")), _integer(jwk.get("y"))
            return ec.EllipticCurvePublicNumbers(x, y, CURVES[crv][0]()).public_key()
        if kty == "OKP" and crv == "Ed25519":
            return ed25519.Ed25519PublicKey.from_public_bytes(_bytes(jwk.get("x")))
    except (ValueError, UnsupportedAlgorithm):
        raise Unusable("key_malformed", "The members of the key make no key.") from None
    raise _kinds()


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Unusable("key_malformed", "This is no JSON.") from None


def _kinds() -> Unusable:
    text = said(
        "Use RSA from %(least_rsa)s bits, EC with P-256, P-384 or P-521, or Ed25519.",
        {"least_rsa": LEAST_RSA},
    )
    return Unusable("key_kind", text)


def _bytes(text: object) -> bytes:
    if not isinstance(text, str) or not _BASE64URL.fullmatch(text):
        raise ValueError
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise ValueError from None


def _integer(text: object) -> int:
    return int.from_bytes(_bytes(text), "big")


def _number(value: int, size: int = 0) -> str:
    return encoded(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))
