"""An ID token, believed only where all of it is so (OpenID Connect Core §3.1.3.7, RFC 8725)."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from accesscontrol.oauth.clients import foreign
from accesscontrol.oauth.clients.assertions import Assertion, Unproven, parse, signer
from accesscontrol.oauth.clients.foreign import Source
from accesscontrol.oauth.clients.jwks import named
from accesscontrol.oauth.providers.failing import Failed
from accesscontrol.oauth.providers.metadata import Metadata
from tenants.models import IdentityProvider

CLOCKS_DIFFER = 60.0  # seconds, between the provider and us
OLDEST = 600.0  # seconds since it was made: it comes straight from the token endpoint
# Not at+jwt (RFC 9068 §2.1): an access token says who may call, not who signed in.
TYPES = (None, "jwt", "jose")
LONGEST_SUBJECT = 255  # Core §2
_HALVES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}


@dataclass(frozen=True, slots=True)
class Token:
    """What it says, once all of it was checked."""

    subject: str
    claims: Mapping[str, Any] = field(repr=False)
    authenticated_at: datetime | None
    methods: tuple[str, ...]


def checked(
    answer: Mapping[str, Any],
    *,
    provider: IdentityProvider,
    metadata: Metadata,
    nonce: str,
    not_before: float | None,
    at: datetime,
) -> Token:
    """The ID token of a token answer, or Failed. ``not_before``: he must have proved himself since."""
    value = answer.get("id_token")
    if not isinstance(value, str) or not value:
        raise Failed("token_missing")
    try:
        token = parse(value, types=TYPES)
        moments = {name: token.moment(name) for name in ("exp", "iat", "nbf", "auth_time")}
    except Unproven as unproven:
        raise Failed("token_algorithm" if str(unproven) == "algorithm" else "token_malformed") from None
    if token.claims.get("iss") != provider.issuer:
        raise Failed("token_issuer")
    _require_for_us(token, provider.client_id)
    _require_signed(token, metadata, provider)
    _require_now(moments, at)
    if not isinstance(token.claims.get("nonce"), str) or token.claims["nonce"] != nonce:
        raise Failed("token_nonce")
    _require_same_access(token, answer.get("access_token"))
    subject = token.text("sub")
    if not subject or len(subject) > LONGEST_SUBJECT:
        raise Failed("subject_missing")
    proved = moments["auth_time"]
    if not_before is not None and (proved is None or proved < not_before - CLOCKS_DIFFER):
        raise Failed("sign_in_old")
    moment = None if proved is None else min(datetime.fromtimestamp(proved, UTC), at)
    return Token(subject, token.claims, moment, _methods(token.claims))


def _require_for_us(token: Assertion, client_id: str) -> None:
    """§3.1.3.7, 3 to 5: among the audience; with several, or where it is named, the one it was made for."""
    said = token.claims.get("aud")
    audience = said if isinstance(said, list) else [said]
    party = token.claims.get("azp")
    if client_id not in audience or party not in (None, client_id):
        raise Failed("token_audience")
    if len(audience) > 1 and party is None:
        raise Failed("token_audience")


def _require_signed(token: Assertion, metadata: Metadata, provider: IdentityProvider) -> None:
    """By a key of the provider's set; a name that is not in it has the set fetched once more."""
    source = Source(metadata.jwks_uri)
    keys = named(token.kid, foreign.keys(source, owner_id=provider.tenant_id))
    if not keys and token.kid:
        keys = named(token.kid, foreign.newer_keys(source, owner_id=provider.tenant_id))
    if signer(token, keys) is None:
        raise Failed("token_signature")


def _require_now(moments: Mapping[str, float | None], at: datetime) -> None:
    now, ends, made, begins = at.timestamp(), moments["exp"], moments["iat"], moments["nbf"]
    if ends is None or made is None or ends <= now - CLOCKS_DIFFER:
        raise Failed("token_time")
    if made > now + CLOCKS_DIFFER or made < now - OLDEST or (begins or 0) > now + CLOCKS_DIFFER:
        raise Failed("token_time")


def _require_same_access(token: Assertion, access_token: object) -> None:
    """§3.1.3.8, where it is said: left half of the hash, by the size of the algorithm."""
    said, half = token.claims.get("at_hash"), _HALVES.get(token.algorithm[-3:])
    if said is None or half is None or not isinstance(access_token, str):
        return
    digest = half(access_token.encode("utf-8", "replace")).digest()
    if said != base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode():
        raise Failed("token_access")


def _methods(claims: Mapping[str, Any]) -> tuple[str, ...]:
    said = claims.get("amr")
    return tuple(one for one in said[:20] if isinstance(one, str)) if isinstance(said, list) else ()
