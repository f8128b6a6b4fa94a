"""A JWT in place of a secret (RFC 7523 §3): taken apart, and what has to be so whoever signed it."""

import base64
import binascii
import json
import math
import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from joserfc.jwk import ECKey, OKPKey

from accesscontrol.oauth.clients.jwks import ALGORITHMS, PublicKey, public_key

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST = 16_384  # characters
LIFE = timedelta(hours=1)
CLOCKS_DIFFER = timedelta(seconds=30)  # for ``iat`` and ``nbf`` only; ``exp`` is exact
# RFC 8725 §3.11: what was made for another use says so. Issuers' tokens say JWT or at+jwt.
TYPES = (None, "jwt", "jose", "at+jwt", "client-authentication+jwt")


class Unproven(Exception):
    """The word says why, for our log alone; whoever asks learns only that."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """A JWT whose signature nobody has looked at yet."""

    algorithm: str
    kid: str
    claims: Mapping[str, Any] = field(repr=False)
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    key: Any = field(default=None, repr=False)  # ``jwk`` of the header, for proofs of a key alone

    def text(self, name: str) -> str:
        """A claim that is a text; empty for everything else."""
        value = self.claims.get(name)
        return value if isinstance(value, str) and value.isprintable() else ""

    def moment(self, name: str) -> float | None:
        """A NumericDate (RFC 7519 §2); None when it is missing. Unproven for what is none."""
        value = self.claims.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e12:
            raise Unproven("no_moment")
        if not math.isfinite(value):
            raise Unproven("no_moment")
        return float(value)

    @property
    def audience(self) -> str:
        """The one it is for; empty when there are several: each of them could use it here."""
        value = self.claims.get("aud")
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        return value if isinstance(value, str) else ""


def parse(value: str, *, types: Collection[str | None] = TYPES) -> Assertion:
    """Unproven for what is no JWT that could be one of a client.

    Of the header, ``alg``, ``kid`` and ``typ`` are read. Keys that it brings or points to (``jwk``, ``jku``,
    ``x5c``, ``x5u``) are not looked at, and what it declares critical is not understood (RFC 7515 §4.1.11).
    """
    parts = value.split(".")
    if len(value) > LONGEST or len(parts) != 3 or not value.isascii():
        raise Unproven("malformed")
    header, claims = _object(parts[0]), _object(parts[1])
    algorithm, kid, type = header.get("alg"), header.get("kid", ""), header.get("typ")
    if algorithm not in ALGORITHMS:
        raise Unproven("algorithm")
    if "crit" in header or "b64" in header:
        raise Unproven("critical")
    if (type.lower() if isinstance(type, str) else type) not in types:
        raise Unproven("type")
    if not isinstance(kid, str):
        raise Unproven("malformed")
    signed = f"{parts[0]}.{parts[1]}".encode()
    return Assertion(algorithm, kid, claims, signed, _decoded(parts[2]), header.get("jwk"))


def require_living(assertion: Assertion, *, at: datetime) -> None:
    """``exp`` is required and at most an hour ahead; ``nbf`` and ``iat`` have been. Unproven else."""
    ends, begins, made = (assertion.moment(name) for name in ("exp", "nbf", "iat"))
    now, leeway = at.timestamp(), CLOCKS_DIFFER.total_seconds()
    if ends is None or ends <= now:
        raise Unproven("expired")
    if ends > now + LIFE.total_seconds():
        raise Unproven("far_future")
    if any(moment is not None and moment > now + leeway for moment in (begins, made)):
        raise Unproven("not_yet")
    if made is not None and made < now - LIFE.total_seconds():
        raise Unproven("old")


def require_audience(assertion: Assertion, allowed: Collection[str]) -> None:
    """One, and exactly so written. Unproven else: what was made for another must not open this door."""
    if not assertion.audience or assertion.audience not in allowed:
        raise Unproven("audience")


def signer(assertion: Assertion, keys: Iterable[PublicKey]) -> PublicKey | None:
    """The key that signed it. Without any that could have, one that did not is tried: it takes as long."""
    fitting = [key for key in keys if assertion.algorithm in key.algorithms]
    tried = fitting or [_NOBODYS[assertion.algorithm]]
    for key in tried:
        if key.verifies(assertion.algorithm, assertion.signed, assertion.signature) and key in fitting:
            return key
    return None


def _object(part: str) -> Mapping[str, Any]:
    try:
        found = json.loads(_decoded(part), object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise Unproven("malformed") from None
    if not isinstance(found, dict):
        raise Unproven("malformed")
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """RFC 7515 §4: of a name that stands twice, two readers may see different values."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _decoded(part: str) -> bytes:
    """base64url without padding, in its one spelling (RFC 7515 §2)."""
    try:
        found = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Unproven("malformed") from None
    if base64.urlsafe_b64encode(found).rstrip(b"=") != part.encode():
        raise Unproven("malformed")
    return found


def _nobodys() -> dict[str, PublicKey]:
    """For each algorithm a key that nobody has the other half of."""
    modulus = secrets.randbits(2048) | 1 << 2047 | 1
    encoded = base64.urlsafe_b64encode(modulus.to_bytes(256, "big")).rstrip(b"=").decode()
    made: list[Mapping[str, Any]] = [{"kty": "RSA", "n": encoded, "e": "AQAB"}]
    made.append(OKPKey.generate_key("Ed25519").as_dict(private=False))
    made += [ECKey.generate_key(curve).as_dict(private=False) for curve in ("P-256", "P-384", "P-521")]
    keys = [key for jwk in made if (key := public_key(jwk)) is not None]
    return {name: key for key in keys for name in key.algorithms}


_NOBODYS = _nobodys()
