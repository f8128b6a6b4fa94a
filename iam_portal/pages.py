"""Error pages, the probes of the installation, and the description of its API."""

import hashlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from functools import cache
from http import HTTPStatus

import yaml
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accesscontrol.installation import readiness
from accesscontrol.installation.gauges import Installation
from iam_portal import exposition, problem
from iam_portal.sentences import said
from iam_portal.translating import translated
from tenants.http import returning

# Whoever is about to stop this process makes this file first, so that balancers look elsewhere in time. An
# older one was for a process before this one.
_DRAINING = os.environ.get("PORTAL_DRAINING_FILE", "")
_BEGUN = time.time()
_API_ROOTS = ("/iam/", "/auth/", "/oauth2/")
_installation = Installation(timezone.now)
DatabaseAway = (OperationalError, InterfaceError)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400."""
    return _error(
        request, 400, "bad_request", said("The request could not be understood. Nothing was changed.")
    )


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403."""
    return _error(request, 403, "forbidden", said("This is not allowed. Nothing was changed."))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form whose token is missing or old; one of our own pages is drawn anew, filled."""
    anew = returning.once_more(request, at=timezone.now())
    return anew or _error(
        request,
        403,
        "csrf_failed",
        said(
            "This form was too old or came from elsewhere. Nothing was changed; reload it and send it again."
        ),
    )


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404, alike for the unknown and the foreign."""
    return _error(request, 404, "not_found", said("There is nothing at this address."))


def server_error(request: HttpRequest) -> HttpResponse:
    """500, without any detail of what went wrong; 503 while the database is away, which passes."""
    if isinstance(sys.exc_info()[1], DatabaseAway):
        away = _error(
            request, 503, "unavailable", said("The database does not answer. Ask again in a moment.")
        )
        away["Retry-After"] = "2"
        return away
    return _error(request, 500, "internal_error", said("Something went wrong here. The change was not made."))


def _error(request: HttpRequest, status: int, code: str, detail: str) -> HttpResponse:
    if request.path.startswith(_API_ROOTS):
        return problem.response(request, status=status, code=code, detail=detail)
    title = translated(problem.TITLES.get(status, "Error"))
    request_id = request.META.get("iam.request_id", "")
    context = {
        "status": status,
        "code": code,
        "title": title,
        "detail": translated(detail),
        "request_id": request_id,
    }
    return render(request, "iam_portal/error.html", context, status=status)


@never_cache
def livez(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """Database, migrations, the wall, a key of each kind to sign with. 503 with the first that is missing.

    How the jobs fare is told besides, and makes nothing unready. `draining` is looked at each time.
    """
    if draining(_DRAINING, since=_BEGUN):
        return JsonResponse({"status": "draining"}, status=503)
    said = _ready.answer()
    return JsonResponse(said, status=HTTPStatus.OK if said["status"] == "ok" else 503)


class Ready:
    """What readiness said, for a second: anybody may ask, and however often, the database is asked once."""

    def __init__(self, *, seconds: float = 1.0, steady: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._steady = seconds, steady
        self._asking = threading.Lock()
        self._said: dict[str, str] = {}
        self._until = 0.0

    def answer(self) -> dict[str, str]:
        """Who comes meanwhile waits: what was said before is no answer for a database that hangs."""
        with self._asking:
            if not self._said or self._steady() >= self._until:
                self._said = self._ask()
                self._until = self._steady() + self._seconds
            return self._said

    def _ask(self) -> dict[str, str]:
        at = timezone.now()
        if missing := readiness.missing(at=at):
            return {"status": missing}
        return {"status": "ok", "jobs": readiness.of_jobs(at=at)}


_ready = Ready()


def draining(path: str, *, since: float) -> bool:
    """Whether the file was made after this moment (seconds since 1970)."""
    try:
        return bool(path) and os.stat(path).st_mtime >= since
    except OSError:
        return False


@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text of this server's processes and of the installation, for who shows a token for it."""
    status = exposition.access(request.headers.get("Authorization", ""))
    if status == HTTPStatus.NOT_FOUND:
        return not_found(request)
    if status == HTTPStatus.UNAUTHORIZED:
        return HttpResponse("", status=status, headers={"WWW-Authenticate": 'Bearer realm="metrics"'})
    return HttpResponse(exposition.text([_installation]), content_type=exposition.CONTENT_TYPE)


@require_safe
def described(request: HttpRequest) -> HttpResponseBase:
    """The API's description as it was written and checked: nothing is worked out for whoever asks.

    A browser is sent to the page that shows it, unless it asks for ``format=json``.
    """
    if "format" not in request.GET and "text/html" in request.headers.get("Accept", ""):
        page: HttpResponseBase = redirect("reference")
    else:
        content, etag = _description()
        headers = {"ETag": etag, "Cache-Control": "public, max-age=300"}
        full = HttpResponse(content, content_type="application/json", headers=headers)
        page = get_conditional_response(request, etag=etag, response=full) or full
    patch_vary_headers(page, ["Accept"])
    return page


@cache
def _description() -> tuple[bytes, str]:
    written = (settings.BASE_DIR / "docs" / "openapi.yaml").read_bytes()
    content = json.dumps(yaml.load(written, Loader=yaml.CSafeLoader)).encode()
    return content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'


@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    """The page that shows it. Its forms are tried with the session of the console."""
    return render(request, "iam_portal/reference.html")
