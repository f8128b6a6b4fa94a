"""Somebody is in, or halfway: the cookie that says so, and the page that comes next."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from iam_portal.tracing import request_id, source_address
from tenants.actions.entering import Halfway, Origin, SignedIn
from tenants.actions.second_steps import Coming
from tenants.http import acquaint, browser_of, remember
from tenants.http.halfway import drop_step, hold_step, step_of
from tenants.views.console import ConsolePage
from tenants.views.entry import remember_organization


def origin_of(page: ConsolePage) -> Origin:
    """Where this sign-in comes from."""
    request = page.request
    return Origin(
        source_address=source_address(request),
        user_agent=request.headers.get("User-Agent", ""),
        request_id=request_id(request),
        browser=browser_of(request, page.tenant),
    )


def coming(page: ConsolePage) -> Coming:
    """The browser on its way in."""
    return Coming(
        tenant=page.tenant,
        token=step_of(page.request, tenant=page.tenant),
        former=page.session,
        origin=origin_of(page),
        at=page.at,
    )


def arrived(page: ConsolePage, entered: SignedIn, *, codes: list[str] | None = None) -> HttpResponse:
    """In: with the recovery codes first, where there are new ones."""
    response = _codes(page, codes) if codes else _onward(page)
    remember(page.request, response, tenant=page.tenant, user=entered.user, token=entered.token)
    acquaint(page.request, response, tenant=page.tenant, user=entered.user)
    remember_organization(response, page.slug)
    drop_step(page.request, response, tenant=page.tenant)
    return response


def halfway(page: ConsolePage, entered: Halfway) -> HttpResponse:
    """To the second step. Not in yet: the browser keeps no mark of the person."""
    response = HttpResponseRedirect(beside(page, "tenants:session-second"))
    hold_step(response, tenant=page.tenant, token=entered.token)
    remember_organization(response, page.slug)
    return response


def beside(page: ConsolePage, name: str) -> str:
    """Another page of the way in, which leads to the same place afterwards."""
    return f"{page.url(name)}?{urlencode({'next': page.next_address()})}"


def _onward(page: ConsolePage) -> HttpResponse:
    """To the console at once; to an application by a page that goes on by itself.

    Browsers apply ``form-action`` to each redirect after a form, and an application lies elsewhere.
    """
    address = page.next_address()
    if address.startswith("/t/"):
        return HttpResponseRedirect(address)
    return page.render("tenants/session_onward.html", {"heading": _("Signed in"), "address": address})


def _codes(page: ConsolePage, codes: list[str]) -> HttpResponse:
    context: dict[str, Any] = {
        "heading": _("Keep these codes"),
        "codes": codes,
        "done_url": page.next_address(),
    }
    return page.render("tenants/session_codes.html", context)
