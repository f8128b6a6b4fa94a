"""RFC 9457 problem documents: the one place where a refusal becomes an HTTP answer."""

from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions as rest
from rest_framework.response import Response

from iam_portal.errors import DomainError, Kind
from iam_portal.sentences import said

STATUS = {
    Kind.INVALID: 400,
    Kind.CONFLICT: 409,
    Kind.FORBIDDEN: 403,
    Kind.MISSING: 404,
    Kind.STALE: 412,
    Kind.PRECONDITION: 428,
    Kind.GONE: 410,
    Kind.UNPROCESSABLE: 422,
    Kind.THROTTLED: 429,
}
TITLES = {
    400: said("Bad request"),
    401: said("Not signed in"),
    403: said("Not allowed"),
    404: said("Not found"),
    405: said("Method not allowed"),
    406: said("Not acceptable"),
    409: said("Conflict"),
    410: said("Gone"),
    412: said("Changed meanwhile"),
    413: said("Too large"),
    415: said("Unsupported media type"),
    422: said("Cannot be processed"),
    428: said("Needs a revision"),
    429: said("Too many requests"),
    500: said("Internal error"),
    503: said("Busy"),
}
MEDIA_TYPE = "application/problem+json"


def body(
    *,
    status: int,
    code: str,
    detail: str,
    instance: str = "",
    errors: list[dict[str, str]] | None = None,
    extra: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The members of a problem document."""
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "detail": detail,
        "code": code,
        **(extra or {}),
    }
    if instance:
        document["instance"] = instance
    if errors:
        document["errors"] = errors
    return document


def response(request: HttpRequest | None, *, status: int, code: str, detail: str) -> JsonResponse:
    """A problem outside the REST framework (error pages of API addresses)."""
    document = body(status=status, code=code, detail=detail, instance=request.path if request else "")
    return JsonResponse(document, status=status, content_type=MEDIA_TYPE)


def handle(exc: Exception, context: dict[str, Any]) -> Response | None:
    """The REST framework's exception handler."""
    request = context.get("request")
    instance = request.path if request is not None else ""
    document, headers = _document(exc, instance)
    if document is None:
        return None
    return Response(document, status=document["status"], headers=headers, content_type=MEDIA_TYPE)


def of(exc: Exception) -> dict[str, Any]:
    """The problem document of one part of a request, as it would be of a request of its own."""
    document, _ = _document(exc, "")
    if document is None:
        raise exc
    return document


def _document(exc: Exception, instance: str) -> tuple[dict[str, Any] | None, dict[str, str]]:
    if isinstance(exc, DomainError):
        extra = dict(exc.data)
        if exc.reasons:
            extra["reasons"] = [reason.as_json() for reason in exc.reasons]
        wait = {"Retry-After": str(extra["retryAfter"])} if "retryAfter" in extra else {}
        status = STATUS[exc.kind]
        return body(
            status=status, code=exc.code, detail=exc.detail, instance=instance, errors=exc.errors, extra=extra
        ), wait
    if isinstance(exc, ValidationError):
        return _invalid(_model_errors(exc), instance), {}
    if isinstance(exc, Http404 | PermissionDenied):
        return _of_django(exc, instance), {}
    if isinstance(exc, rest.ValidationError):
        return _invalid(list(_flatten(exc.detail, "")), instance), {}
    if isinstance(exc, rest.APIException):
        return _framework(exc, instance)
    return None, {}


def _of_django(exc: Http404 | PermissionDenied, instance: str) -> dict[str, Any]:
    if isinstance(exc, Http404):
        return body(
            status=404, code="not_found", detail="There is nothing at this address.", instance=instance
        )
    return body(status=403, code="forbidden", detail="This is not allowed.", instance=instance)


def _framework(exc: rest.APIException, instance: str) -> tuple[dict[str, Any], dict[str, str]]:
    headers = {}
    if header := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if wait := getattr(exc, "wait", None):
        headers["Retry-After"] = str(int(wait) + 1)
    code = exc.get_codes()
    document = body(
        status=exc.status_code,
        code=code if isinstance(code, str) else exc.default_code,
        detail=str(exc.detail),
        instance=instance,
    )
    return document, headers


def _invalid(errors: list[dict[str, str]], instance: str) -> dict[str, Any]:
    return body(
        status=400,
        code="invalid",
        detail="Some values cannot be accepted. Nothing was changed.",
        instance=instance,
        errors=errors,
    )


def _flatten(detail: Any, pointer: str) -> Any:
    if isinstance(detail, dict):
        for key, value in detail.items():
            yield from _flatten(value, pointer if key == "non_field_errors" else f"{pointer}/{key}")
    elif isinstance(detail, list):
        for index, value in enumerate(detail):
            nested = isinstance(value, dict | list)
            yield from _flatten(value, f"{pointer}/{index}" if nested else pointer)
    else:
        yield {"pointer": pointer, "code": getattr(detail, "code", "invalid"), "detail": str(detail)}


def _model_errors(exc: ValidationError) -> list[dict[str, str]]:
    if not hasattr(exc, "error_dict"):
        return [{"pointer": "", "code": exc.code or "invalid", "detail": text} for text in exc.messages]
    return [
        {"pointer": "" if name == "__all__" else f"/{name}", "code": error.code or "invalid", "detail": text}
        for name, errors in exc.error_dict.items()
        for error in errors
        for text in error.messages
    ]
