"""Identity providers on the way in and out: the buttons, the usual way, and signing out there, too."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from iam_portal.walls import tenant_scope
from tenants.branding import NOBODY
from tenants.http.leaving import Leaving
from tenants.models import IdentityProvider, ProviderSession, UserSession
from tenants.models.users import FEDERATED
from tenants.views.console import ConsolePage


def ways(page: ConsolePage) -> list[dict[str, Any]]:
    """The buttons of the sign-in page, in the organization's order."""
    return [{"name": row.name, "url": _there(page, row)} for row in _shown(page)]


def usual(page: ConsolePage) -> str:
    """Where a sign-in goes at once; empty where the organization's own page comes first."""
    return next((_there(page, row) for row in _shown(page) if row.is_default), "")


def anew(page: ConsolePage, session: UserSession) -> dict[str, Any] | None:
    """The provider by which this session began, to be asked again who is there; None for any other."""
    if FEDERATED not in session.methods:
        return None
    with tenant_scope(page.tenant.id):
        rows = ProviderSession.objects.filter(session=session.pk, provider__enabled=True)
        row = rows.select_related("provider").first()
    if row is None:
        return None
    said = urlencode({"again": "yes", "next": page.next_address()})
    there = page.url("accesscontrol:provider-go", provider_key=row.provider.key)
    return {"name": row.provider.name, "url": f"{there}?{said}"}


def signed_out(page: ConsolePage, left: Leaving) -> HttpResponse:
    """To the sign-in page, or to the provider."""
    if left.address:
        return leaving_page(page, left)
    here = "?here=yes" if usual(page) else ""  # else he would be in again at once
    return HttpResponseRedirect(page.url("tenants:session-start") + here)


def leaving_page(page: ConsolePage, left: Leaving) -> HttpResponse:
    """To the provider, by a page that goes on by itself.

    Browsers apply ``form-action`` to each redirect after a form, and a provider lies elsewhere.
    """
    context = {"heading": _("You are signed out"), "address": left.address}
    response = page.render("tenants/session_leaving.html", context)
    response["Referrer-Policy"] = "no-referrer"
    left.put(response)
    return response


def _shown(page: ConsolePage) -> list[IdentityProvider]:
    """Asked alike where there is no organization: that it is there, a time must not tell."""
    tenant_id = page.tenant.id if page.tenant else NOBODY
    with tenant_scope(tenant_id):
        rows = IdentityProvider.objects.filter(tenant=tenant_id, enabled=True)
        return list(rows.only("key", "name", "is_default"))


def _there(page: ConsolePage, row: IdentityProvider) -> str:
    said = {"next": page.next_address()}
    if "again" in page.request.GET:
        said["again"] = "yes"
    return f"{page.url('accesscontrol:provider-go', provider_key=row.key)}?{urlencode(said)}"
