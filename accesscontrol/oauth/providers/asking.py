"""Sending a browser to a provider (OpenID Connect Core §3.1.2.1), and knowing it again when it comes back.

Nothing is stored when a sign-in begins: otherwise whoever opens the address often enough fills a table. What
belongs to it travels sealed in a cookie of this browser, under a name that its ``state`` alone gives; only
that it was finished is noted.
"""

import base64
import hashlib
import json
import secrets
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlencode, urlsplit, urlunsplit

from accesscontrol.oauth.providers.failing import Failed
from accesscontrol.oauth.providers.metadata import Metadata
from iam_portal import sealing
from tenants import hashers
from tenants.models import IdentityProvider, SpentChallenge, Tenant

LIFETIME = timedelta(minutes=10)
CLOCKS_DIFFER = 60.0  # seconds, between two machines of the installation


class Purpose(StrEnum):
    """What becomes of the answer."""

    SIGN_IN = "sign-in"
    TEST = "test"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in on its way. ``by``: the session that tries it or links an account; empty for a sign-in."""

    provider_id: str
    purpose: str
    state: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    began: float
    anew: bool
    onward: str
    by: str = ""

    def sealed(self) -> str:
        """For the cookie."""
        return sealing.seal(json.dumps(asdict(self)))


def begin(
    provider: IdentityProvider, *, purpose: Purpose, at: datetime, anew: bool, onward: str, by: str = ""
) -> Begun:
    """A fresh one. ``anew``: the provider must ask the person again who he is."""
    return Begun(
        provider_id=str(provider.id),
        purpose=purpose.value,
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(32),
        began=at.timestamp(),
        anew=anew,
        onward=onward[:2_000],
        by=by,
    )


def address(begun: Begun, provider: IdentityProvider, metadata: Metadata, *, back: str) -> str:
    """Where the browser goes: code flow with PKCE (RFC 7636), the answer by query."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(begun.verifier.encode()).digest()).rstrip(b"=")
    asked = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": back,
        "scope": " ".join(dict.fromkeys(["openid", *provider.scopes])),
        "state": begun.state,
        "nonce": begun.nonce,
        "code_challenge": challenge.decode(),
        "code_challenge_method": "S256",
        **({"prompt": "login", "max_age": "0"} if begun.anew else {}),
    }
    parts = urlsplit(metadata.authorization_endpoint)
    query = "&".join(filter(None, [parts.query, urlencode(asked)]))
    return urlunsplit(parts._replace(query=query))


def cookie_name(state: str) -> str:
    """Several tabs may be on their way at once."""
    return f"iam_there_{hashers.digest(state)[:24]}"


def known_again(
    sealed: str, *, state: str, provider: IdentityProvider, tenant: Tenant, at: datetime
) -> Begun:
    """The sign-in that this browser began with this provider, used up. Failed else.

    Each provider has a return address of its own, and what was begun with another is none here (mix-up).
    """
    begun = _unsealed(sealed)
    same = begun is not None and secrets.compare_digest(
        begun.state.encode(), state.encode("utf-8", "replace")
    )
    if begun is None or not same or begun.provider_id != str(provider.id):
        raise Failed("sign_in_elsewhere")
    if not -CLOCKS_DIFFER <= at.timestamp() - begun.began < LIFETIME.total_seconds():
        raise Failed("sign_in_elsewhere")
    SpentChallenge.objects.filter(tenant=tenant, expires_at__lte=at).delete()
    _, fresh = SpentChallenge.objects.get_or_create(
        digest=hashers.digest(begun.state), defaults={"tenant": tenant, "expires_at": at + LIFETIME}
    )
    if not fresh:
        raise Failed("sign_in_used")
    return begun


def _unsealed(sealed: str) -> Begun | None:
    try:
        return Begun(**json.loads(sealing.unseal(sealed)))
    except (sealing.InvalidToken, ValueError, TypeError):
        return None
