"""The browser between the two steps of a sign-in: a cookie of its own, for the pages of that step alone."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from tenants.actions.steps import LIFETIME
from tenants.models import Tenant


def hold_step(response: HttpResponse, *, tenant: Tenant, token: str) -> None:
    """Set it. No page of the console is below this path, and no application sees it."""
    response.set_cookie(
        _name(tenant),
        token,
        max_age=LIFETIME,
        path=_path(tenant),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def step_of(request: HttpRequest, *, tenant: Tenant) -> str:
    """Its value, or an empty string."""
    return request.COOKIES.get(_name(tenant), "")[:200]


def drop_step(request: HttpRequest, response: HttpResponse, *, tenant: Tenant) -> None:
    """The person is in, or begins again."""
    if _name(tenant) in request.COOKIES:
        response.delete_cookie(_name(tenant), path=_path(tenant), samesite="Lax")


def _name(tenant: Tenant) -> str:
    return f"iam_step_{tenant.id.hex}"


def _path(tenant: Tenant) -> str:
    return f"/t/{tenant.slug}/sign-in"
