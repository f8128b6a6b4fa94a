"""The code for tokens (OpenID Connect Core §3.1.3), and what userinfo says (§5.3). Nothing of it is kept.

A slow or hostile provider must not hold the threads of the web: :mod:`accesscontrol.oauth.providers.waiting`.
"""

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus

from accesscontrol.oauth.providers.failing import Failed
from accesscontrol.oauth.providers.metadata import Metadata
from accesscontrol.oauth.providers.waiting import place
from applications.delivery.addresses import of_keys
from applications.delivery.fetching import Unfetched, document, posted
from iam_portal import sealing
from tenants.models import IdentityProvider


def redeem(
    provider: IdentityProvider, metadata: Metadata, *, code: str, verifier: str, back: str
) -> Mapping[str, Any]:
    """The answer of the token endpoint, to our own credentials and the verifier of this browser."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": back,
        "code_verifier": verifier,
    }
    secret, headers = sealing.unseal(provider.secret_sealed), {}
    if metadata.takes_basic:
        pair = f"{quote_plus(provider.client_id)}:{quote_plus(secret)}"  # RFC 6749 §2.3.1
        headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        form |= {"client_id": provider.client_id, "client_secret": secret}
    with place(provider.tenant_id):
        try:
            return posted(metadata.token_endpoint, reach=of_keys(), form=form, headers=headers)
        except Unfetched as unfetched:
            raise Failed("code_refused", unfetched.word) from None


def about(
    provider: IdentityProvider, metadata: Metadata, *, access_token: object, subject: str
) -> Mapping[str, Any]:
    """The claims of userinfo; none where there is no such endpoint.

    §5.3.2: of the subject of the ID token. Else an access token that was slipped in would bring the claims
    of somebody else.
    """
    if not metadata.userinfo_endpoint or not isinstance(access_token, str) or not _shown(access_token):
        return {}
    with place(provider.tenant_id):
        try:
            found = document(metadata.userinfo_endpoint, reach=of_keys(), bearer=access_token)
        except Unfetched as unfetched:
            raise Failed("userinfo_refused", unfetched.word) from None
    if found.get("sub") != subject:
        raise Failed("userinfo_subject")
    return found


def _shown(token: str) -> bool:
    """What fits into a header (RFC 6750 §2.1): a line end would write another."""
    return token.isascii() and token.isprintable() and " " not in token and 0 < len(token) <= 16_384
