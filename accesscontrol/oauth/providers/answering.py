"""The answer of a provider, step by step (OpenID Connect Core §3.1.2.5 to §3.1.3.7, RFC 9207)."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _

from accesscontrol.oauth.providers import asking, metadata, redeeming, vouching
from accesscontrol.oauth.providers.asking import Begun, Purpose
from accesscontrol.oauth.providers.failing import Failed, Trace
from accesscontrol.oauth.providers.metadata import Metadata
from tenants.actions.came_by import Vouched
from tenants.http import arriving_from
from tenants.models import IdentityProvider, Tenant

LONGEST = 4_096  # characters of a code
ONCE = ("code", "state", "iss", "error")
_ERROR = re.compile(r"[a-z_]{1,64}")  # RFC 6749 §4.1.2.1: those that exist; anything else is not repeated


def heading() -> str:
    """Of the page that says what went wrong."""
    return _("This sign-in did not work")


def begun(request: HttpRequest, provider: IdentityProvider, *, tenant: Tenant, at: datetime) -> Begun:
    """The sign-in that this browser began, used up: the answer of one person is none in another's browser."""
    if any(len(request.GET.getlist(name)) > 1 for name in ONCE):
        raise Failed("sign_in_elsewhere")
    state = request.GET.get("state", "")
    sealed = arriving_from.got(request, asking.cookie_name(state)) if state else ""
    return asking.known_again(sealed, state=state, provider=provider, tenant=tenant, at=at)


def vouched(
    answer: QueryDict,
    begun: Begun,
    provider: IdentityProvider,
    *,
    back: str,
    trace: Trace,
    at: datetime,
) -> Vouched:
    """What the provider says of the person, all of it checked. Failed names the step that was not so."""
    tries = begun.purpose == Purpose.TEST
    described = (
        metadata.fresh(provider.issuer)
        if tries
        else metadata.of(provider.issuer, owner_id=provider.tenant_id)
    )
    trace.add("described", described.token_endpoint)
    code = _code(answer, provider, described)
    trace.add("answered")
    tokens = redeeming.redeem(provider, described, code=code, verifier=begun.verifier, back=back)
    trace.add("redeemed")
    not_before = begun.began if begun.anew else None
    token = vouching.checked(
        tokens, provider=provider, metadata=described, nonce=begun.nonce, not_before=not_before, at=at
    )
    trace.add("believed")
    said = redeeming.about(
        provider, described, access_token=tokens.get("access_token"), subject=token.subject
    )
    trace.add("told", "" if said else "-")
    return Vouched(
        provider=provider,
        subject=token.subject,
        claims=_together(token.claims, said),
        methods=token.methods,
        authenticated_at=token.authenticated_at,
        leaving=_leaving(described, tokens, provider),
    )


def _together(signed: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """What is signed counts before what is not.

    An address and whether it is proven are of one source: else the proof of one would count for another. How
    somebody signed in is only what is signed.
    """
    of_address = {"email", "email_verified"}
    pair = signed if "email" in signed else told
    claims = {name: value for name, value in {**told, **signed}.items() if name not in of_address}
    claims |= {name: pair[name] for name in of_address if name in pair}
    if "acr" not in signed:
        claims.pop("acr", None)
    return claims


def _code(answer: QueryDict, provider: IdentityProvider, described: Metadata) -> str:
    """RFC 9207 §2.4 comes first: also an error of another provider is none of this sign-in."""
    issuer = answer.get("iss")
    if (issuer is None and described.names_itself) or issuer not in (None, provider.issuer):
        raise Failed("issuer_mixed_up")
    if error := answer.get("error"):
        raise Failed("provider_refused", error if _ERROR.fullmatch(error) else "")
    code = answer.get("code", "")
    if not code or len(code) > LONGEST or not code.isprintable():
        raise Failed("code_missing")
    return code


def _leaving(described: Metadata, tokens: Mapping[str, Any], provider: IdentityProvider) -> dict[str, str]:
    """What signing out there takes (RP-Initiated Logout 1.0 §2); nothing where it has no such address."""
    token = tokens.get("id_token")
    if not described.end_session_endpoint or not isinstance(token, str):
        return {}
    return {
        "address": described.end_session_endpoint,
        "id_token_hint": token,
        "client_id": provider.client_id,
    }
