"""What the endpoints for browsers answer with: redirects to clients, and pages for the person alone.

Their addresses hold what a client asked, a code or an ID token: no cache keeps them, and no page that is
called from there is told of them.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.encoding import iri_to_uri

from accesscontrol.oauth.refusals import BadRequest
from accesscontrol.oauth.wire import posted_form
from iam_portal.tracing import request_id

LONGEST_FORM = 65_536


def to(address: str, *, status: int = 302, referrer: str = "no-referrer") -> HttpResponse:
    """A redirect also to the private schemes of native apps, which the framework's own would refuse."""
    return quiet(HttpResponse(status=status, headers={"Location": iri_to_uri(address)}), referrer=referrer)


def error(
    request: HttpRequest, status: int, *, referrer: str = "no-referrer", **context: Any
) -> HttpResponse:
    """The error page; never an answer at an address that somebody made up."""
    context = {"status": status, "request_id": request_id(request), **context}
    page = render(request, "iam_portal/error.html", context, status=status)
    return quiet(page, referrer=referrer)


def as_get(request: HttpRequest, *, referrer: str = "no-referrer") -> HttpResponse:
    """A form of a client's page, once more as GET: then the browser sends its cookie along."""
    try:
        query = posted_form(request).urlencode()
    except BadRequest:
        return error(request, 400, referrer=referrer)
    if len(query) > LONGEST_FORM:
        return error(request, 400, referrer=referrer)
    return to(f"{request.path}?{query}", status=303, referrer=referrer)


def quiet(response: HttpResponse, *, referrer: str = "no-referrer") -> HttpResponse:
    """Kept nowhere, told nowhere. A page with a form says ``strict-origin``: see the trap in ``logout``."""
    response["Cache-Control"] = "no-store"
    response["Pragma"] = "no-cache"
    response["Referrer-Policy"] = referrer
    return response
