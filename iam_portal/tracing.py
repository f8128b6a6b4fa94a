"""Request id and structured log lines; nothing secret is ever logged, so bodies and queries are not."""

import ipaddress
import re
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import ResolverMatch

from iam_portal import metrics, telemetry

log = structlog.get_logger("iam.request")

_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{8,64}\Z")


class RequestId:
    """Middleware: takes a well-formed ``X-Request-Id`` or makes one, binds it to every log line."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = chosen_id(request.headers.get("X-Request-Id", ""))
        request.META["iam.request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        begun = time.perf_counter()
        parent = {"traceparent": request.headers.get("traceparent", "")}
        with telemetry.span("request", kind=telemetry.SERVER, carrier=parent) as noted:
            response = self.get_response(request)
            response["X-Request-Id"] = request_id
            _tell(request, response, noted, spent=time.perf_counter() - begun)
        return response


def _tell(request: HttpRequest, response: HttpResponse, noted: telemetry.Noted, *, spent: float) -> None:
    """Its line in the log, its counts, its span."""
    # The pattern, not the path: a path can hold the secret of a link.
    match = request.resolver_match
    route = match.route if match else ""
    metrics.answered(path=request.path, status=response.status_code, seconds=spent)
    if telemetry.is_on():
        noted |= _spoken(str(request.method), route, response.status_code, _tenant(match))
    log.info(
        "request",
        method=request.method,
        route=route,
        **_tenant(match),
        status=response.status_code,
        ms=round(spent * 1000, 1),
    )


def _spoken(method: str, route: str, status: int, tenant: dict[str, str]) -> telemetry.Noted:
    """What a span says of a request: as its line in the log."""
    bound = {**structlog.contextvars.get_contextvars(), **tenant}
    mine = {f"iam.{name}": str(bound[name]) for name in ("request_id", "tenant", "actor") if name in bound}
    return {
        "name": f"{method} {route}".strip(),
        "http.request.method": method,
        "http.route": route,
        "http.response.status_code": status,
        **mine,
    }


def _tenant(match: ResolverMatch | None) -> dict[str, str]:
    """As the address names it, where nobody was recognized."""
    if "tenant" in structlog.contextvars.get_contextvars():
        return {}
    return {"tenant": str(match.kwargs.get("slug") or match.kwargs.get("tenant_id") or "") if match else ""}


def chosen_id(given: str) -> str:
    """The caller's own where it is well-formed, else a new one."""
    return given if given and _SAFE_ID.match(given) else secrets.token_hex(16)


def acts(kind: str, name: str, tenant_id: UUID | str | None) -> None:
    """From here on every line of this request says who asks, and in which tenant. By ids, not by names."""
    named = {} if tenant_id is None else {"tenant": str(tenant_id)}
    structlog.contextvars.bind_contextvars(actor=f"{kind}:{name}", **named)


def request_id(request: HttpRequest) -> str:
    """The id that this request carries in logs and history."""
    return str(request.META.get("iam.request_id", ""))


def source_address(request: HttpRequest) -> str:
    """The address of whoever asks (:func:`source_of`)."""
    return source_of(request.META)


def source_of(environ: Mapping[str, Any]) -> str:
    """The address of whoever asks, behind the proxies that ``PORTAL_TRUSTED_PROXIES`` counts.

    Each proxy appends to ``X-Forwarded-For`` the peer it saw. So only as many entries from the right as
    there are proxies of ours can be believed; what stands left of them is what the caller made up.
    """
    peer = str(environ.get("REMOTE_ADDR", ""))
    count = settings.PORTAL_TRUSTED_PROXIES
    if count < 1:
        return peer
    entries = str(environ.get("HTTP_X_FORWARDED_FOR", "")).split(",")
    return (_address(entries[-count]) if count <= len(entries) else None) or peer


def _address(entry: str) -> str | None:
    """In one spelling; None for what is no address (a name, a port, nothing)."""
    try:
        address = ipaddress.ip_address(entry.strip())
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:  # any text may stand there
            return None
        return str(address.ipv4_mapped or address)
    return str(address)
