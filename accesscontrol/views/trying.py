"""A trial of an identity provider, told to an administrator: its steps, its claims, what would come of it."""

import json
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from accesscontrol.oauth.providers.failing import WAYS, Failed, Trace
from tenants.actions import mapping
from tenants.actions.came_by import Vouched
from tenants.models import IdentityMapper, IdentityProvider
from tenants.views.console import ConsolePage

LONGEST = 500  # characters of a claim
MOST = 100  # claims
SECRET = ("nonce", "at_hash", "c_hash", "sid")  # they say nothing about the person


def told(
    page: ConsolePage,
    provider: IdentityProvider,
    trace: Trace,
    found: Vouched | None,
    failure: Failed | None,
) -> dict[str, Any]:
    """For the template. No token and no secret is in it."""
    words = _words()
    context: dict[str, Any] = {
        "heading": _("Trial of %(name)s") % {"name": provider.name},
        "steps": [{"said": words[name], "told": detail} for name, detail in trace.steps],
        "back_url": page.url("tenants:identity-provider-detail", provider_key=provider.key),
        "wide": True,
    }
    if failure is not None:
        said, advice = WAYS[failure.code]
        context |= {"said": said, "advice": advice, "code": failure.code, "word": failure.word}
    if found is not None:
        context |= {"claims": _claims(found.claims), "subject": found.subject, "outcome": _outcome(found)}
        context["moves"] = [_moved(row, found) for row in provider.mappers.select_related("group")]
    return context


def _words() -> dict[str, str]:
    return {
        "described": _("The provider describes itself soundly. Its token endpoint:"),
        "answered": _("The answer is of this browser and of this provider, and has a code."),
        "redeemed": _("The code was taken, with client id, secret and proof (PKCE)."),
        "believed": _("The ID token is signed by a key of the provider, for this client, now."),
        "told": _("Userinfo was asked, where there is one; it is about the same person."),
    }


def _claims(claims: Mapping[str, Any]) -> list[dict[str, str]]:
    shown = sorted((name, value) for name, value in claims.items() if name not in SECRET)
    return [
        {"name": name[:200], "value": json.dumps(value, ensure_ascii=False)[:LONGEST]}
        for name, value in shown[:MOST]
    ]


def _outcome(found: Vouched) -> str:
    """What a sign-in would lead to."""
    provider = found.provider
    link = provider.links.filter(subject=found.subject).select_related("user").first()
    if link is not None:
        return _("This account is linked to %(user)s.") % {"user": link.user}
    if not provider.makes_people:
        return _("Nobody is linked to this account, and the provider makes no new people.")
    if not mapping.proven_email(provider, found.claims):
        return _("Nobody is linked to this account, and its address is not proven: nobody is made.")
    return _("Nobody is linked to this account: a new person would be made.")


def _moved(mapper: IdentityMapper, found: Vouched) -> dict[str, str]:
    if mapper.kind == IdentityMapper.Kind.GROUP:
        fits = mapping.says(found.claims, mapper.claim, mapper.value)
        claim = f"{mapper.claim} = {mapper.value}"
        return {"name": claim, "value": str(mapper.group) if fits else "–"}
    return {"name": mapper.template, "value": mapping.filled(mapper.template, found.claims) or "–"}
