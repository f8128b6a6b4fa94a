"""The floor: what a request costs that asks nothing, of granian alone and of Django without middleware."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

BODY = b'{"access_token": "none"}'
HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))]


def application(_environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """A fixed answer to everything."""
    start_response("200 OK", HEADERS)
    return [BODY]


def view(_request: HttpRequest) -> JsonResponse:
    return JsonResponse({"access_token": "none"})


settings.configure(ROOT_URLCONF="empty", ALLOWED_HOSTS=["127.0.0.1"], MIDDLEWARE=[], USE_TZ=True)
urlpatterns = [path("", view)]
django = get_wsgi_application()
