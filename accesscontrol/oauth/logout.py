"""Signing out at an application's wish (OpenID Connect RP-Initiated Logout 1.0).

With an ID token of the person who is signed in here it is done at once; else he is asked, because any page
can send a browser to this address. Nobody is sent on to an address that is not registered.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.encoding import iri_to_uri
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import View

from accesscontrol.oauth import browsers, tokens
from accesscontrol.oauth.claims import issuer
from accesscontrol.oauth.clients.living import living
from accesscontrol.oauth.realms import Address
from iam_portal.walls import tenant_scope
from tenants.actions import sessions
from tenants.http import leaving
from tenants.http.sessions import actor_of, cookie_name, forget
from tenants.models import Tenant, UserSession

ASKED_FOR = 1_800  # seconds in which the question is answered
LONGEST = 4_096  # characters of ``state``
ONCE = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state")
# Not "no-referrer": from such a page browsers send "Origin: null", and the check of forms refuses that.
REFERRER = "strict-origin"
_SALT = "iam.logout"


class NotUnderstood(Exception):
    """Parameters that contradict each other, or an address that is not the client's. For the person alone."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked: whom the application takes for signed in, and where to go on afterwards."""

    person: str  # the ``sub`` of its ID token; empty without one that is ours
    onward: str  # a registered address with ``state``; empty for our own page


@method_decorator(csrf_exempt, name="dispatch")
class LogoutView(View):
    """The browser's session ends, and with it what rests on it; offline sign-ins stay."""

    http_method_names = ["get", "post"]  # no HEAD: it would sign out

    def post(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        """The same by a form of the application's page. As GET, the browser sends its cookie along again."""
        return browsers.as_get(request, referrer=REFERRER)

    def get(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        at, tenant = timezone.now(), Address(**kwargs).find()
        if tenant is None:
            return browsers.error(request, 404, referrer=REFERRER)
        try:
            wish = read(request.GET, tenant=tenant, at=at)
        except NotUnderstood:
            return _not_understood(request)
        left = leaving.Leaving()
        with tenant_scope(tenant.id):
            session = _session(request, tenant, at)
            if session is not None and str(session.user_id) != wish.person:
                return _ask(request, tenant, session, wish)
            if session is not None:
                left = leaving.leave(tenant=tenant, session=session, onward=wish.onward)
                sessions.sign_out(session=session, by=actor_of(request, session), at=at)
        response = _onward(request, tenant, wish, left)
        forget(request, response, tenant=tenant)
        return response


def read(sent: QueryDict, *, tenant: Tenant, at: datetime) -> Wish:
    """§2, §3. A hint that is not one of ours counts as not sent; ``ui_locales`` and unknown ones are ignored.

    The address is compared as text with those of the client, which the hint or ``client_id`` names. It is
    gone to with a hint of ours alone: else anybody's client could send visitors of this tenant on to a
    sign-in page of its own.
    """
    if any(len(sent.getlist(name)) > 1 for name in ONCE):
        raise NotUnderstood
    hint = _hint(sent.get("id_token_hint", ""), tenant, at)
    named, client_id = hint.get("aud", ""), sent.get("client_id", "")
    if named and client_id not in ("", named):
        raise NotUnderstood
    address = sent.get("post_logout_redirect_uri", "")
    if address:
        client = living(client_id or named, at).first()
        if client is None or address not in client.post_logout_redirect_uris.split():
            raise NotUnderstood
    onward = _with_state(address, sent.get("state"))
    return Wish(hint.get("sub", ""), onward if hint else "")


def kept(wish: Wish, *, tenant: Tenant) -> str:
    """Where to go on, through the question and back: signed, because it comes back from the browser."""
    return signing.dumps([str(tenant.id), wish.onward], salt=_SALT) if wish.onward else ""


def onward(value: str, *, tenant: Tenant) -> str:
    """What :func:`kept` kept for this tenant; empty for anything else."""
    try:
        tenant_id, address = signing.loads(value, salt=_SALT, max_age=ASKED_FOR)
    except (signing.BadSignature, ValueError, TypeError):
        return ""
    return str(address) if tenant_id == str(tenant.id) else ""


def signed_out(request: HttpRequest, *, slug: str, address: str = "") -> HttpResponse:
    """The page that says so; with an address it goes on there by itself.

    Not by a redirect: browsers apply ``form-action`` to those after a form, and an application is elsewhere.
    """
    context = {"heading": _("You are signed out"), "slug": slug, "address": iri_to_uri(address)}
    return browsers.quiet(render(request, "accesscontrol/signed_out.html", context), referrer=REFERRER)


def _hint(value: str, tenant: Tenant, at: datetime) -> dict[str, Any]:
    try:
        claims = tokens.read_hint(value, at=at) if value else {}
    except tokens.Unreadable:
        return {}
    own = issuer(settings.PORTAL_BASE_URL, tenant.id)
    return claims if claims.get("iss") == own else {}


def _with_state(address: str, state: str | None) -> str:
    if not address or state is None:
        return address
    if len(state) > LONGEST:
        raise NotUnderstood
    parts = urlsplit(address)
    query = "&".join(part for part in (parts.query, urlencode({"state": state})) if part)
    return urlunsplit(parts._replace(query=query))


def _session(request: HttpRequest, tenant: Tenant, at: datetime) -> UserSession | None:
    token = request.COOKIES.get(cookie_name(tenant.id))
    return sessions.resolve(tenant=tenant, token=token, at=at) if token else None


def _ask(request: HttpRequest, tenant: Tenant, session: UserSession, wish: Wish) -> HttpResponse:
    """Who is signed in here may not be whom the application means: he says himself."""
    context = {
        "heading": _("Sign out?"),
        "organization": {"name": tenant.name},
        "name": str(session.user),
        "url": reverse("accesscontrol:sign-out", kwargs={"slug": tenant.slug}),
        "home_url": f"/t/{tenant.slug}/",
        "onward": kept(wish, tenant=tenant),
    }
    return browsers.quiet(render(request, "accesscontrol/sign_out.html", context), referrer=REFERRER)


def _onward(request: HttpRequest, tenant: Tenant, wish: Wish, left: leaving.Leaving) -> HttpResponse:
    """To the provider by which the session began, which sends him back to us; else at once onward."""
    if left.address:
        response = browsers.to(left.address)
        left.put(response)
        return response
    if wish.onward:
        return browsers.to(wish.onward, referrer=REFERRER)
    return signed_out(request, slug=tenant.slug)


def _not_understood(request: HttpRequest) -> HttpResponse:
    return browsers.error(
        request,
        400,
        referrer=REFERRER,
        heading=_("This sign-out was not understood"),
        text=_("The application that sent you here is not known, or may not send you on to that address."),
        kept=_("You were not signed out."),
        advice=_("Sign out here in the console. Whoever looks after the application should know of this."),
    )
