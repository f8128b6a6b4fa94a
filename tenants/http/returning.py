"""The way to the sign-in page and back: to where one was, with what one had typed there."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.utils.translation import gettext as _

from iam_portal.walls import tenant_scope
from tenants import hashers
from tenants.http import drawn, kept_input
from tenants.http.refilled import refilled
from tenants.http.sessions import cookie_name
from tenants.models import Tenant, User, UserSession


def to_sign_in(
    request: HttpRequest,
    *,
    view: object,
    slug: str,
    tenant: Tenant | None,
    at: datetime,
) -> HttpResponse:
    """To the sign-in page, and after it back. A form that was sent is never repeated: it comes back filled.

    Whose form it is, the cookie of his former session says. Without one, nothing is kept.
    """
    address, back = f"/t/{slug}/sign-in", where(request, view=view, slug=slug)
    said = {"next": back} if back else {}
    if tenant is not None and request.COOKIES.get(cookie_name(tenant.id)):
        said["ended"] = "yes"  # the browser came with a session that is over
    address += f"?{urlencode(said)}" if said else ""
    if "HX-Request" in request.headers:  # it asks for a part of a page; the whole page has to go
        return HttpResponse(status=200, headers={"HX-Redirect": address})
    response = HttpResponseRedirect(address)
    if request.method == "POST" and tenant is not None and back == request.get_full_path():
        user = _former(request, tenant)
        if user is not None:
            kept_input.put(response, request, token=kept_input.keep(request, user=user, at=at))
    return response


def where(request: HttpRequest, *, view: object, slug: str) -> str:
    """The page to come back to: this one where it can be looked at, else the one that its form stood on."""
    if request.method in ("GET", "HEAD") or hasattr(view, "get"):
        return request.get_full_path()
    referrer = urlsplit(request.headers.get("Referer", ""))
    here = referrer.netloc == request.get_host() and referrer.path.startswith(f"/t/{slug}/")
    return referrer._replace(scheme="", netloc="", fragment="").geturl() if here else ""


def typed(request: HttpRequest, *, user: User, at: datetime) -> Any:
    """What this person had typed here when he had to prove who he is; None on every other visit."""
    token = kept_input.token_of(request) if request.method == "GET" else ""
    fields = kept_input.kept(request, token, user=user, at=at) if token else None
    if fields is not None:
        said = _("Nothing was done yet. What you had typed is here again: look at it, and send it.")
        messages.info(request, said)
    return fields


def filled(request: HttpRequest, response: HttpResponseBase, fields: Any) -> HttpResponseBase:
    """The page with these fields in its form; where its form stands elsewhere, a word about it there."""
    is_page = response.get("Content-Type", "").startswith("text/html")
    if isinstance(response, HttpResponse) and response.status_code == 200 and is_page:
        response.content = refilled(response.content.decode(), fields).encode()
    elif response.status_code == 302:
        list(messages.get_messages(request))  # what was said is not so: it is taken back
        messages.info(request, _("Nothing was done yet: you had to prove first who you are."))
    return response


def once_more(request: HttpRequest, *, at: datetime) -> HttpResponse | None:
    """The page anew, filled, for a form whose token is that of an earlier sign-in, in another tab.

    Only where the browser itself says that it comes from a page of ours: what another site sends must not
    come to stand in a form. And only for whom the form was drawn: what somebody typed who used this browser
    before is gone. None where the page has nothing to look at.
    """
    match = request.resolver_match
    view = getattr(match.func, "view_class", None) if match else None
    ours = request.headers.get("Origin") == f"{request.scheme}://{request.get_host()}"
    if match is None or "slug" not in match.kwargs or not ours or not hasattr(view, "get"):
        return None
    response = HttpResponseRedirect(request.get_full_path())
    tenant = Tenant.objects.filter(slug=match.kwargs["slug"]).first()
    if tenant is not None and cookie_name(tenant.id) in request.COOKIES:
        with tenant_scope(tenant.id):
            user = _former(request, tenant)
            mine = user is not None and drawn.is_for(request, user=user)
            token = kept_input.keep(request, user=user, at=at) if user and mine else ""
        kept_input.put(response, request, token=token)
        if token:
            return response
    messages.info(request, _("This page was too old, and nothing was done. Here it is anew."))
    return response


def _former(request: HttpRequest, tenant: Tenant) -> User | None:
    """Whose session this browser's cookie was, however long ago it ended."""
    digest = hashers.digest(request.COOKIES.get(cookie_name(tenant.id), ""))
    rows = UserSession.objects.filter(tenant=tenant, digest=digest, user__deleted_at=None)
    session = rows.select_related("user").first()
    return session.user if session else None
