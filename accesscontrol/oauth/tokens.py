"""Signing and reading access tokens: JWTs of type ``at+jwt`` (RFC 9068), ES256."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from joserfc import jwt
from joserfc.errors import JoseError

from accesscontrol.actions import keys
from accesscontrol.oauth import claims as build

TYPE = "at+jwt"
LONGEST = 65_536  # characters; a token over hundreds of applications is a third of it
CLOCKS_DIFFER = timedelta(seconds=5)  # between our own processes, for ``nbf`` only; ``exp`` is exact
TEXTS = ("iss", "sub", "client_id", "tid", "jti", "scope")


class Unreadable(Exception):
    """Not one of our living access tokens. Says no more: whoever asks learns only that."""


def sign(claims: Mapping[str, Any], *, at: datetime) -> str:
    """A compact JWS by the key that signs at the moment."""
    key = keys.signing_key(at=at)
    header = {"typ": TYPE, "alg": keys.ALGORITHM, "kid": key.kid}
    return jwt.encode(header, dict(claims), key.private, algorithms=[keys.ALGORITHM])


def read(value: str, *, at: datetime) -> dict[str, Any]:
    """The claims of a token that we signed, that is of this type and lives at the moment.

    Raises :class:`Unreadable` for everything else: other type (RFC 9068 §4: an ID token is not an access
    token), other algorithm, unknown key, wrong signature, expired, foreign issuer, missing claims.
    """
    if not value or len(value) > LONGEST or not value.isascii():
        raise Unreadable
    try:
        token = jwt.decode(value, lambda jws: _key(jws, at), algorithms=[keys.ALGORITHM])
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise Unreadable from error
    if token.header.get("typ") != TYPE:
        raise Unreadable
    _require_living(token.claims, at)
    return token.claims


def _key(jws: Any, at: datetime) -> Any:
    kid = jws.headers().get("kid")
    key = keys.verifying_key(kid, at=at) if isinstance(kid, str) else None
    if key is None:
        raise Unreadable
    return key


def _require_living(claims: Mapping[str, Any], at: datetime) -> None:
    moments = [claims.get(name) for name in ("exp", "iat", "nbf")]
    if any(type(moment) is not int for moment in moments):
        raise Unreadable
    if claims["exp"] <= at.timestamp() or claims["nbf"] > (at + CLOCKS_DIFFER).timestamp():
        raise Unreadable
    if any(not isinstance(claims.get(name), str) for name in TEXTS):
        raise Unreadable
    try:
        tenant_id = UUID(claims["tid"])
    except ValueError as error:
        raise Unreadable from error
    if claims["iss"] != build.issuer(settings.PORTAL_BASE_URL, tenant_id):
        raise Unreadable
