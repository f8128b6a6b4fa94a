"""Security headers of every answer: strict CSP, no inline script or style anywhere."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_PORTS = {"http": 80, "https": 443}


def origin(url: str) -> str:
    """Scheme, host and port as a browser writes them (RFC 6454 section 6.1): the usual port is left out."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port in (None, _PORTS.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def event_service() -> str:
    """The origin of the event service where the console's pages can read it, else nothing.

    A session's cookie goes to each port of the portal's own host name, and to no other name.
    """
    own, service = urlsplit(settings.PORTAL_BASE_URL), urlsplit(settings.PORTAL_EVENTS_URL)
    if (own.scheme, own.hostname) != (service.scheme, service.hostname):
        return ""
    return origin(settings.PORTAL_EVENTS_URL)


def reading(other: str) -> str:
    """The policy of a page whose script also reads this origin."""
    return POLICY.replace("connect-src 'self'", f"connect-src 'self' {other}")


class SecurityHeaders:
    """Middleware: sets the policy unless a view has set a stricter one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.setdefault("Content-Security-Policy", POLICY)
        response.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
        if "text/html" in response.get("Content-Type", ""):
            response.setdefault("Cache-Control", "no-store")
        return response
