"""Signing and reading our tokens: JWTs by ES256 or RS256, told apart by ``typ`` (RFC 9068 §2.1, §4).

Access tokens are ``at+jwt``, ID tokens ``JWT``: neither passes for the other.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from joserfc import jwt
from joserfc.errors import JoseError

from accesscontrol.actions import keys
from accesscontrol.oauth import claims as build

ACCESS, ID = "at+jwt", "JWT"
LONGEST = 65_536  # characters; a token over hundreds of applications is a third of it
CLOCKS_DIFFER = timedelta(seconds=5)  # between our own processes, for ``nbf`` only; ``exp`` is exact
TEXTS: Mapping[str, tuple[str, ...]] = {
    ACCESS: ("iss", "sub", "client_id", "tid", "jti", "scope"),
    ID: ("iss", "sub", "aud"),
}
MOMENTS: Mapping[str, tuple[str, ...]] = {ACCESS: ("exp", "iat", "nbf"), ID: ("exp", "iat")}


class Unreadable(Exception):
    """Not one of our tokens that is good for this. Says no more: whoever asks learns only that."""


def sign(claims: Mapping[str, Any], *, at: datetime, algorithm: str = "ES256", type: str = ACCESS) -> str:
    """A compact JWS by the key of the algorithm that signs at the moment."""
    key = keys.signing_key(algorithm=algorithm, at=at)
    header = {"typ": type, "alg": algorithm, "kid": key.kid}
    assert key.private is not None
    return jwt.encode(header, dict(claims), key.private, algorithms=[algorithm])


def read(value: str, *, at: datetime, type: str = ACCESS) -> dict[str, Any]:
    """The claims of a token that we signed, that is of this type and lives at the moment.

    Raises :class:`Unreadable` for everything else: other type (RFC 9068 §4: an ID token is not an access
    token), unknown or withdrawn key, other algorithm than the key's own, wrong signature, expired, foreign
    issuer, missing claims.
    """
    claims = _verified(value, at, type)
    if claims["exp"] <= at.timestamp():
        raise Unreadable
    return claims


def read_hint(value: str, *, at: datetime) -> dict[str, Any]:
    """The claims of an ID token that we gave out once (``id_token_hint``); it may be over.

    Its issuer is one of ours: the caller compares it with the tenant's own. Raises :class:`Unreadable`, also
    where the key that signed it is withdrawn by now: then the hint counts as not sent.
    """
    return _verified(value, at, ID)


def _verified(value: str, at: datetime, type: str) -> dict[str, Any]:
    """Everything but the end."""
    if not value or len(value) > LONGEST or not value.isascii():
        raise Unreadable
    try:
        token = jwt.decode(value, lambda jws: _key(jws, at), algorithms=list(keys.ALGORITHMS))
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise Unreadable from error
    if token.header.get("typ") != type:
        raise Unreadable
    _require_form(token.claims, at, type)
    return token.claims


def _key(jws: Any, at: datetime) -> Any:
    """By ``kid`` alone (a key in the header counts for nothing), and only for the key's own algorithm."""
    header = jws.headers()
    kid = header.get("kid")
    key = keys.verifying_key(kid, at=at) if isinstance(kid, str) else None
    if key is None or header.get("alg") != key.algorithm:
        raise Unreadable
    return key.public


def _require_form(claims: Mapping[str, Any], at: datetime, kind: str) -> None:
    # Not bool, not float: our own are whole numbers.
    if any(type(claims.get(name)) is not int for name in MOMENTS[kind]):
        raise Unreadable
    if claims.get("nbf", 0) > (at + CLOCKS_DIFFER).timestamp():
        raise Unreadable
    if any(not isinstance(claims.get(name), str) for name in TEXTS[kind]):
        raise Unreadable
    _, _, realm = claims["iss"].rpartition("/")
    try:
        UUID(claims["sub"])  # a person's id or a service account's
        tenant_id = UUID(claims["tid"] if kind == ACCESS else realm)
    except ValueError as error:
        raise Unreadable from error
    if claims["iss"] != build.issuer(settings.PORTAL_BASE_URL, tenant_id):
        raise Unreadable
