"""Condition Monitoring, as small as it can be: says who is calling and what he may do here.

    IAM_BASE=… IAM_CLIENT_ID=… IAM_CLIENT_SECRET=… granian --interface asginl example.app:application

One file, so that it can be read at one sitting; no database of its own.
"""

import os
import threading
import time
from pathlib import Path

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

STATE = Path(os.environ.get("IAM_STATE", ".iam-example"))
PAUSE = 2.0  # seconds between two looks at what has changed

settings.configure(
    SECRET_KEY=os.urandom(32).hex(),  # nothing here is signed
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["django.middleware.security.SecurityMiddleware", "iam_django.middleware.IamMiddleware"],
    DATABASES={},
    IAM={
        "BASE": os.environ["IAM_BASE"],
        "CLIENT_ID": os.environ["IAM_CLIENT_ID"],
        "CLIENT_SECRET": os.environ["IAM_CLIENT_SECRET"],
        "CHECK": os.environ.get("IAM_CHECK", "introspection"),
        "ACL_FILE": str(STATE / "acl.json"),
    },
)
django.setup()

from iam_django import EventConsumer, Introspection, PortalAway  # noqa: E402  (after the settings)
from iam_django.middleware import check, mirror, portal, requires  # noqa: E402

RESOURCE = ("urn:acme:machine", "machines")


def whoami(request: HttpRequest) -> HttpResponse:
    """Who calls, and all that the roles open: by owner, because a role says whose data it is about."""
    caller = request.iam  # type: ignore[attr-defined]
    if caller is None:
        return JsonResponse({"detail": "Send a token."}, status=401, headers={"WWW-Authenticate": "Bearer"})
    opened = [
        {"owningTenantId": tenant, "resourceType": type, "resourceId": id, "privileges": privileges}
        for (tenant, type, id), privileges in sorted(mirror().opened(caller.roles).items())
    ]
    return JsonResponse(
        {"kind": caller.kind, "clientId": caller.client_id, "tenantId": caller.tenant_id, "may": opened}
    )


@requires("read", type=RESOURCE[0], id=RESOURCE[1])
def machines(request: HttpRequest, *, owners: frozenset[str]) -> HttpResponse:
    """Only of those whose machines the caller may read."""
    return JsonResponse({"machines": [{"owner": owner, "name": "Press 7"} for owner in sorted(owners)]})


def ready(request: HttpRequest) -> HttpResponse:
    """Once there is a copy of the ACL."""
    there = mirror().revision is not None
    return HttpResponse("ready\n" if there else "no ACL yet\n", status=200 if there else 503)


def follow() -> None:
    """For ever. What changed closes doors within seconds, also to whom introspection is still remembered."""

    def forget(_event: object = None) -> None:
        judge = check()
        if isinstance(judge, Introspection):
            judge.forget()

    events = EventConsumer(portal(), STATE / "position", forget, forget)
    while True:
        try:
            mirror().refresh()
            while events.poll():
                pass
        except PortalAway:
            pass  # it is asked again, and what is known is good meanwhile
        time.sleep(PAUSE)


urlpatterns = [path("", whoami), path("machines", machines), path("ready", ready)]
STATE.mkdir(parents=True, exist_ok=True)
threading.Thread(target=follow, name="follows-the-portal", daemon=True).start()
application = get_asgi_application()
