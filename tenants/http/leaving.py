"""Out at the provider, too, by which a session began (OpenID Connect RP-Initiated Logout 1.0 §2, §3).

The provider knows one address of ours to come back to. Where an application had asked to sign out, the person
goes on there afterwards: its address stays in a cookie of his browser, under a name that ``state`` alone
gives, so that no stranger's link leads anybody there.
"""

import json
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from iam_portal import sealing
from tenants import hashers
from tenants.actions import came_by
from tenants.http import arriving_from
from tenants.models import Tenant, UserSession

LIFETIME = timedelta(minutes=10)
LONGEST = 2_000  # characters of an address that a cookie holds


@dataclass(frozen=True, slots=True)
class Leaving:
    """``address``: at the provider; empty where there is none, or it has no such address."""

    address: str = ""
    state: str = ""
    kept: str = field(default="", repr=False)

    def put(self, response: HttpResponse) -> None:
        """With what knows the way on."""
        if self.kept:
            arriving_from.put(response, _name(self.state), self.kept, LIFETIME)


def leave(*, tenant: Tenant, session: UserSession, onward: str = "") -> Leaving:
    """Before the session ends. ``onward``: where an application wants the person afterwards."""
    given = dict(came_by.take_leave(session.pk))
    address = given.pop("address", "")
    if not address:
        return Leaving()
    sign_in = reverse("tenants:session-start", kwargs={"slug": tenant.slug})
    given["post_logout_redirect_uri"] = f"{settings.PORTAL_BASE_URL}{sign_in}?here=yes"
    kept = ""
    if 0 < len(onward) <= LONGEST:
        given["state"] = secrets.token_urlsafe(32)
        kept = sealing.seal(json.dumps([str(tenant.id), onward]))
    parts = urlsplit(address)
    query = "&".join(filter(None, [parts.query, urlencode(given)]))
    return Leaving(urlunsplit(parts._replace(query=query)), given.get("state", ""), kept)


def onward(request: HttpRequest, *, tenant: Tenant | None) -> str:
    """Where who comes back from the provider goes on; empty for anybody else."""
    sealed = arriving_from.got(request, _name(request.GET.get("state", "")))
    if tenant is None or not sealed:
        return ""
    try:
        tenant_id, address = json.loads(sealing.unseal(sealed))
    except (sealing.InvalidToken, ValueError, TypeError):
        return ""
    return str(address) if tenant_id == str(tenant.id) else ""


def arrived(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """He goes on: once."""
    return arriving_from.drop(response, _name(request.GET.get("state", "")))


def _name(state: str) -> str:
    return f"iam_left_{hashers.digest(state)[:24]}"
