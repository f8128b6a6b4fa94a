"""Forms in, JSON out: what the endpoints below ``openid-connect/`` share."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.request import UnreadablePostError
from django.utils.cache import patch_vary_headers
from oauthlib.oauth2.rfc6749.errors import OAuth2Error

from accesscontrol.oauth.refusals import BadRequest
from applications.models import Client

CONTENT_TYPE = "application/json;charset=UTF-8"
FORM = "application/x-www-form-urlencoded"


def form(request: HttpRequest, *, repeatable: frozenset[str] = frozenset()) -> dict[str, str]:
    """The posted parameters. A parameter in the address or sent twice is refused (RFC 6749 §3.2, B)."""
    posted = posted_form(request)
    for name, values in posted.lists():
        if len(values) > 1 and name not in repeatable:
            raise BadRequest("A parameter was sent more than once.")
    return {name: values[-1] for name, values in posted.lists()}


def posted_form(request: HttpRequest) -> QueryDict:
    """The body of a form, if it is one; repeated parameters are for the reader to refuse."""
    if request.META.get("QUERY_STRING"):
        raise BadRequest("Parameters belong into the body.")
    # Before the body is touched: a charset such as base64 is one that Django takes, and then breaks on.
    charset = (request.content_params or {}).get("charset", "utf-8").lower()
    if request.content_type != FORM or charset != "utf-8":
        raise BadRequest(f"The body must be {FORM} in UTF-8.")
    try:
        unquote_to_bytes(request.body).decode()  # Django would put a replacement for what is not UTF-8
        return request.POST
    except (SuspiciousOperation, UnicodeDecodeError, UnreadablePostError) as error:
        raise BadRequest("The body cannot be read.") from error  # else Django answers in HTML


def answer(body: str | bytes | Mapping[str, Any], *, status: int = 200) -> HttpResponse:
    """JSON that no cache keeps (RFC 6749 §5.1)."""
    content = body if isinstance(body, str | bytes) else json.dumps(body)
    headers = {"Cache-Control": "no-store", "Pragma": "no-cache"}
    return HttpResponse(content, status=status, content_type=CONTENT_TYPE, headers=headers)


def let_origin_read(response: HttpResponse, request: HttpRequest, client: Client | None) -> None:
    """CORS for the pages of a known client: its registered origins, compared as text, without cookies."""
    patch_vary_headers(response, ["Origin"])
    origin = request.headers.get("Origin", "")
    if client is not None and origin and origin in client.allowed_origins.split():
        response["Access-Control-Allow-Origin"] = origin
        response["Access-Control-Expose-Headers"] = "DPoP-Nonce"


def refusal(error: OAuth2Error) -> HttpResponse:
    """An OAuth error as its RFC says it."""
    response = answer(error.json, status=error.status_code)
    for name, value in error.headers.items():
        response[name] = value
    return response
