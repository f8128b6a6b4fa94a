"""Error pages and the probes of the installation."""

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from accesscontrol.actions import keys
from iam_portal import problem, wall_check

_API_ROOTS = ("/iam/", "/auth/", "/oauth2/")


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400."""
    return _error(request, 400, "bad_request", "The request could not be understood. Nothing was changed.")


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403."""
    return _error(request, 403, "forbidden", "This is not allowed. Nothing was changed.")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form whose token is missing or old."""
    return _error(
        request,
        403,
        "csrf_failed",
        "This form was too old or came from elsewhere. Nothing was changed; reload it and send it again.",
    )


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404, alike for the unknown and the foreign."""
    return _error(request, 404, "not_found", "There is nothing at this address.")


def server_error(request: HttpRequest) -> HttpResponse:
    """500, without any detail of what went wrong."""
    return _error(request, 500, "internal_error", "Something went wrong here. The change was not made.")


def _error(request: HttpRequest, status: int, code: str, detail: str) -> HttpResponse:
    if request.path.startswith(_API_ROOTS):
        return problem.response(request, status=status, code=code, detail=detail)
    title = problem.TITLES.get(status, "Error")
    request_id = request.META.get("iam.request_id", "")
    context = {"status": status, "code": code, "title": title, "detail": detail, "request_id": request_id}
    return render(request, "iam_portal/error.html", context, status=status)


@never_cache
def livez(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """Database, migrations, the wall, a key of each kind to sign with. 503 with the first that is missing."""
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
        gaps = wall_check.gaps(connection)
    except Exception:  # whatever the driver raises, the answer to the prober is the same
        return JsonResponse({"status": "no_database"}, status=503)
    if pending:
        return JsonResponse({"status": "migrations_pending"}, status=503)
    if gaps:  # which ones, `check --database default` says: a prober is not told
        return JsonResponse({"status": "wall_open"}, status=503)
    if keys.without_signer(at=timezone.now()):
        return JsonResponse({"status": "no_signing_key"}, status=503)
    return JsonResponse({"status": "ok"})


@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text of this process."""
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)
