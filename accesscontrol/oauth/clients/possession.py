"""Proof that whoever asks has a key (DPoP, RFC 9449): one JWT for one request, signed by the key it names.

What is given for such a proof is bound to the key: whoever steals it has nothing in his hands. A proof is
taken once, at the address and by the method that it names, within a minute of its making.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import signing
from django.db import connection
from django.http import HttpRequest
from oauthlib.oauth2.rfc6749.errors import OAuth2Error

from accesscontrol.oauth.clients.assertions import Assertion, Unproven, parse
from accesscontrol.oauth.clients.jwks import ALGORITHMS, PublicKey, public_key
from accesscontrol.oauth.refusals import REALM

TYPE = "dpop+jwt"
HEADER = "HTTP_DPOP"
NONCE_HEADER = "DPoP-Nonce"
SCHEME, BEARER = "dpop", "bearer"
OLDEST, AHEAD = timedelta(seconds=60), timedelta(seconds=30)  # of ``iat``, by our clock
NONCE_LIFE = timedelta(minutes=5)
LONGEST_JTI = 512
THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")  # RFC 7638, with SHA-256
_PORTS = {"http": 80, "https": 443}
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_SALT = "iam.dpop"
_USED = "iam.proof"  # a caller's headers arrive as HTTP_…
_PROVEN = "iam.proven"  # the event service asks again what was answered, with the very same headers
_ONCE = """
INSERT INTO accesscontrol_usedproof (digest, expires_at) VALUES (%(digest)s, %(ends)s)
ON CONFLICT (digest) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that holds for this request; ``thumbprint`` (``jkt``) is that of its key."""

    thumbprint: str
    digest: str  # of what must not come again
    ends: datetime  # when it would not be taken any more in any case


class ProofRefused(OAuth2Error):
    """§5: something is wrong with the proof; which part of it, the client reads by one word."""

    error = "invalid_dpop_proof"

    def __init__(self, description: str) -> None:
        super().__init__(description=description)


class NonceWanted(OAuth2Error):
    """§8: the same once more, with this in it. Nothing is kept of it: it is signed, and says since when."""

    error = "use_dpop_nonce"

    def __init__(self, at: datetime) -> None:
        self.nonce = fresh_nonce(at)
        super().__init__(description="The proof has to be made anew, with the nonce of this answer.")

    @property
    def headers(self) -> dict[str, str]:
        """Where §8.1 has it."""
        return {NONCE_HEADER: self.nonce}


def fresh_nonce(at: datetime) -> str:
    """Good for five minutes in each of our processes."""
    return signing.Signer(salt=_SALT).sign(str(int(at.timestamp())))


def read(request: HttpRequest, *, at: datetime, token: str = "", fresh: bool = False) -> Proof:
    """The proof of this request (§4.3). ProofRefused, NonceWanted.

    ``token``: of a resource's door, where the proof is for that token alone. ``fresh``: only one with a nonce
    of ours, so that none can have been made beforehand (§11.2).
    """
    try:
        made = parse(request.META.get(HEADER, ""), types=(TYPE,))
        key = _key(made)
        if not key.verifies(made.algorithm, made.signed, made.signature):
            raise Unproven("signature")
        _require_meant(made, request)
        if token and not _is_for(made, token):
            raise Unproven("token")
        number = made.text("jti")
        if not 0 < len(number) <= LONGEST_JTI:
            raise Unproven("jti")
        timely = _is_timely(made, at, token=token, fresh=fresh)
    except Unproven as unproven:
        raise ProofRefused(f"The proof of the key is not good for this request: {unproven}.") from None
    if not timely:
        raise NonceWanted(at)
    shown = key.key.thumbprint()
    digest = hashlib.sha256(f"{shown} {number}".encode()).hexdigest()
    return Proof(shown, digest, at + NONCE_LIFE)


def use_up(proof: Proof) -> None:
    """§11.1: of many requests with the same proof, one passes, whichever processes they come to."""
    with connection.cursor() as cursor:
        cursor.execute(_ONCE, {"digest": proof.digest, "ends": proof.ends})
        if not cursor.rowcount:
            raise ProofRefused("The proof of the key was used before.")


def fits(confirmation: Mapping[str, Any], request: HttpRequest, *, token: str, at: datetime) -> bool:
    """Whether whoever shows this token at a door of ours may: by the scheme that it is for, with its key.

    A bound one that comes as Bearer was stolen, or goes past what binds it (§7.1).
    """
    is_proved = scheme_of(request) == SCHEME
    bound = confirmation.get("jkt")
    if not isinstance(bound, str) or not is_proved:
        return bound is None and not is_proved
    if request.META.get(_PROVEN):
        return True
    try:
        proof = read(request, at=at, token=token)
        if not hmac.compare_digest(proof.thumbprint, bound):
            return False
        if request.META.get(_USED) != proof.digest:  # by this request itself, before its act began
            use_up(proof)
            request.META[_USED] = proof.digest
    except OAuth2Error:
        return False
    return True


def shown(request: HttpRequest) -> str | None:
    """The token of the header, by whichever scheme; None where there is none."""
    _, _, value = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return value.strip() if scheme_of(request) in (SCHEME, BEARER) else None


def scheme_of(request: HttpRequest) -> str:
    """In small letters (RFC 9110 §11.1); empty without a header."""
    scheme: str = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")[0]
    return scheme.lower()


def challenge(request: HttpRequest) -> str:
    """To who is not let in, in the way he came; with the error code when a token was presented (§7.1)."""
    scheme, error = scheme_of(request), ', error="invalid_token"'
    if scheme == SCHEME:
        return f'DPoP realm="{REALM}"{error}, algs="{" ".join(ALGORITHMS)}"'
    return f'Bearer realm="{REALM}"' + error * (scheme == BEARER)


def _key(made: Assertion) -> PublicKey:
    """§4.3 (5 to 7): a public key, asymmetric. A private one has been given away with it."""
    if not isinstance(made.key, dict) or _PRIVATE & set(made.key):
        raise Unproven("key")
    found = public_key(made.key)
    if found is None:
        raise Unproven("key")
    return found


def _require_meant(made: Assertion, request: HttpRequest) -> None:
    """§4.3 (8, 9): for this method and this address, without query and fragment."""
    if made.text("htm") != request.method:
        raise Unproven("method")
    ours = _plain(settings.PORTAL_BASE_URL + request.path)
    if _plain(made.text("htu")) != ours:
        raise Unproven("address")


def _plain(address: str) -> tuple[str, str, int | None, str] | None:
    """Scheme and host in one spelling, the port that is meant (RFC 3986 §6.2.2, §6.2.3); None for none."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname or "@" in parts.netloc:
        return None
    return parts.scheme, parts.hostname, port or _PORTS.get(parts.scheme), parts.path or "/"


def _is_for(made: Assertion, token: str) -> bool:
    """§4.3 (11): ``ath``."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=")
    return hmac.compare_digest(made.text("ath").encode(), digest)


def _is_timely(made: Assertion, at: datetime, *, token: str, fresh: bool) -> bool:
    """§11.1: by a nonce of ours that is not over, or by its own clock. The former needs no right clock."""
    created = made.moment("iat")
    if created is None:
        raise Unproven("iat")
    if (nonce := made.text("nonce")) and not token:
        return _is_living(nonce, at)
    now = at.timestamp()
    by_clock = now - OLDEST.total_seconds() <= created <= now + AHEAD.total_seconds()
    if token and not by_clock:
        raise Unproven("iat")
    return by_clock and not fresh


def _is_living(nonce: str, at: datetime) -> bool:
    try:
        since = int(signing.Signer(salt=_SALT).unsign(nonce))
    except (signing.BadSignature, ValueError):
        return False
    return -AHEAD.total_seconds() <= at.timestamp() - since < NONCE_LIFE.total_seconds()
