"""Cookies of who is on the way from an identity provider: for this host alone, and for some minutes."""

from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from tenants.actions.arrivals import LIFETIME
from tenants.models import Tenant

MOST = 8  # on their way at once; more are forgotten, so that they do not outgrow a request's head
_ON_THE_WAY = "iam_there_"


def put(response: HttpResponse, name: str, value: str, life: timedelta) -> None:
    """Set it. By https under a name that no neighbour below the same domain can slip in (RFC 6265bis):
    else he could have somebody come in as himself, and see what that one leaves there.
    """
    response.set_cookie(
        _of_this_host(name),
        value,
        max_age=life,
        path="/",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def got(request: HttpRequest, name: str) -> str:
    """Its value, or an empty string."""
    return request.COOKIES.get(_of_this_host(name), "")[:4_000]


def drop(response: HttpResponse, name: str) -> HttpResponse:
    """Used."""
    # Not ``delete_cookie`` alone: browsers refuse a __Host- cookie without ``secure``, also to delete it.
    full = _of_this_host(name)
    response.delete_cookie(full, path="/", samesite="Lax")
    response.cookies[full]["secure"] = settings.SESSION_COOKIE_SECURE or ""
    return response


def tidy(request: HttpRequest, response: HttpResponse) -> None:
    """Forget what was begun, where it became too much."""
    begun = [name for name in request.COOKIES if _ON_THE_WAY in name]
    if len(begun) >= MOST:
        for name in begun:
            drop(response, name.removeprefix("__Host-"))


def hold(response: HttpResponse, *, tenant: Tenant, token: str) -> None:
    """Who comes and is not known here yet."""
    put(response, _arrival(tenant), token, LIFETIME)


def arrival_of(request: HttpRequest, *, tenant: Tenant | None) -> str:
    """Its value, or an empty string."""
    return got(request, _arrival(tenant)) if tenant else ""


def let_go(response: HttpResponse, *, tenant: Tenant) -> None:
    """He is in, or linked."""
    drop(response, _arrival(tenant))


def _arrival(tenant: Tenant) -> str:
    return f"iam_arrival_{tenant.id.hex}"


def _of_this_host(name: str) -> str:
    return f"{'__Host-' if settings.SESSION_COOKIE_SECURE else ''}{name}"
