"""Public keys of clients and of issuers they trust (RFC 7517), and signatures made with them (RFC 7515).

A key verifies by the algorithms that fit it and by no other: no secret, no ``none``, nothing that a header
brings along.
"""

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

MOST = 50  # keys of one set
RSA_BITS = range(2048, 8193)  # RFC 7518 §3.3; above, one signature costs too much
_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_EC = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
_EDWARDS = ("Ed25519", "Ed448")
ALGORITHMS = (*_RSA, *_EC.values(), "EdDSA")
_LONGEST_EXPONENT = 11  # characters of base64url: 64 bits

Key = RSAKey | ECKey | OKPKey


# All that is read of a key, and how much of it there may be: RSA with 8192 bits is less than half of it.
_MEMBERS = ("kty", "n", "e", "crv", "x", "y", "d", "k", "use", "key_ops", "alg", "kid")
LONGEST = 4_096


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that may verify. ``kid`` is the one in its JWK; empty where none is."""

    kid: str
    algorithms: tuple[str, ...]
    key: Key

    def verifies(self, algorithm: str, signed: bytes, signature: bytes) -> bool:
        """Whether this key made the signature, by this algorithm."""
        if algorithm not in self.algorithms:
            return False
        try:
            # By the algorithm itself: joserfc's own way warns of EdDSA, which clients still use.
            return bool(JWSRegistry.algorithms[algorithm].verify(signed, signature, self.key))
        except (JoseError, ValueError, TypeError):
            return False


def public_key(jwk: Any) -> PublicKey | None:
    """The key of a JWK; None for what is no public key for signatures, or a weak or a monstrous one."""
    if not isinstance(jwk, Mapping):
        return None
    try:
        text = json.dumps({name: jwk[name] for name in _MEMBERS if name in jwk}, sort_keys=True)
        return _public_key(text) if len(text) <= LONGEST else None
    except (ValueError, TypeError, RecursionError):
        return None


def public_keys(jwks: Any) -> tuple[PublicKey, ...]:
    """Those of a set (RFC 7517 §5) that can be used. The others are not looked at: sets hold more kinds."""
    listed = jwks.get("keys") if isinstance(jwks, Mapping) else None
    if not isinstance(listed, list):
        return ()
    return tuple(key for key in map(public_key, listed[:MOST]) if key is not None)


def named(kid: str, keys: Iterable[PublicKey]) -> list[PublicKey]:
    """The keys that a header's ``kid`` can mean; all when it names none."""
    return [key for key in keys if not kid or key.kid == kid]


@lru_cache(maxsize=2048)  # of bounded texts: foreign sets could fill the memory
def _public_key(text: str) -> PublicKey | None:
    """Parsed once per process, as long as it is in use."""
    jwk = json.loads(text)
    if not _for_signatures(jwk):
        return None
    try:
        made = _made(jwk)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        return None
    if made is None:
        return None
    key, fitting = made
    said = jwk.get("alg")
    algorithms = tuple(each for each in fitting if said in (None, each))
    kid = jwk.get("kid")
    return PublicKey(kid if isinstance(kid, str) else "", algorithms, key) if algorithms else None


def _for_signatures(jwk: Mapping[str, Any]) -> bool:
    """RFC 7517 §4.2, §4.3: a key for something else signs nothing."""
    operations = jwk.get("key_ops", ["verify"])
    return jwk.get("use", "sig") == "sig" and isinstance(operations, list) and "verify" in operations


def _made(jwk: Mapping[str, Any]) -> tuple[Key, tuple[str, ...]] | None:
    """Of its public members alone: with a private one a key would sign, and that is not asked for."""
    kind, curve = jwk.get("kty"), jwk.get("crv")
    if kind == "RSA":
        modulus, exponent = str(jwk["n"]), str(jwk["e"])
        if len(modulus) > 2 * RSA_BITS[-1] // 8 or len(exponent) > _LONGEST_EXPONENT:
            return None  # before it is parsed: a number of a megabyte is one, too
        bits = int.from_bytes(urlsafe_b64decode(modulus + "==")).bit_length()
        return (
            (RSAKey.import_key({"kty": kind, "n": modulus, "e": exponent}), _RSA)
            if bits in RSA_BITS
            else None
        )
    if kind == "EC" and curve in _EC:
        return ECKey.import_key({"kty": kind, "crv": curve, "x": jwk["x"], "y": jwk["y"]}), (_EC[curve],)
    if kind == "OKP" and curve in _EDWARDS:
        return OKPKey.import_key({"kty": kind, "crv": curve, "x": jwk["x"]}), ("EdDSA",)
    return None
