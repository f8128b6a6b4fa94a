"""The signed-in browser: its cookie, and the actor that it makes of a request."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from iam_portal.admission import session_name
from iam_portal.gate import Actor
from iam_portal.tracing import acts, request_id, source_address
from tenants import acquainted
from tenants.http import drawn
from tenants.lifetimes import Lifetime, lifetime
from tenants.models import Tenant, User, UserSession

YEAR = 31_536_000  # seconds

DAY = timedelta(days=1)


def actor_of(request: HttpRequest, session: UserSession) -> Actor:
    """The signed-in person, with what history notes of the request."""
    user = session.user
    acts("user", str(user.id), session.tenant_id)
    return Actor(
        "user", str(user.id), str(user), session.tenant_id, request_id(request), source_address(request)
    )


def cookie_name(tenant_id: UUID) -> str:
    """One session cookie per tenant, so that a person can be in two of them in one browser.

    By https under a name that browsers keep for this host alone (RFC 6265bis section 4.1.3.2): a neighbour
    below the same domain cannot slip in the session of another person. A name without is not looked at.
    """
    return session_name(tenant_id.hex)


def remember(request: HttpRequest, response: HttpResponse, *, tenant: Tenant, user: User, token: str) -> None:
    """Set the session cookie after signing in."""
    drawn.begin(request, user=user)
    response.set_cookie(
        cookie_name(tenant.id),
        token,
        # Longer than the session: whose form comes too late, its worthless cookie still says.
        max_age=lifetime(tenant, Lifetime.SESSION) + DAY,
        path="/",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def forget(request: HttpRequest, response: HttpResponse, *, tenant: Tenant) -> None:
    """Take the session cookie away after signing out: from a browser that has one.

    Its name holds the tenant's id: to any other browser it would tell which organizations there are.
    """
    if cookie_name(tenant.id) in request.COOKIES:
        response.delete_cookie(cookie_name(tenant.id), path="/", samesite="Lax")


def browser_of(request: HttpRequest, tenant: Tenant | None) -> str:
    """What the browser keeps of who has signed in there, empty where nobody has."""
    return request.COOKIES.get(_acquainted(tenant), "")[:400] if tenant else ""


def acquaint(request: HttpRequest, response: HttpResponse, *, tenant: Tenant, user: User) -> None:
    """Let the browser keep that the person has signed in there."""
    response.set_cookie(
        _acquainted(tenant),
        acquainted.with_user(browser_of(request, tenant), user),
        max_age=YEAR,
        path=f"/t/{tenant.slug}/",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _acquainted(tenant: Tenant) -> str:
    return f"iam_known_{tenant.id.hex}"
