"""One open view and one that asks."""

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.urls import path
from iam_django.middleware import requires


def open_to_all(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"caller": request.iam.subject if request.iam else None})  # type: ignore[attr-defined]


@requires("read", type="urn:t", id="machines")
def machines(request: HttpRequest, **given: Any) -> JsonResponse:
    return JsonResponse({"owners": sorted(given["owners"])})


urlpatterns = [path("", open_to_all), path("machines", machines)]
