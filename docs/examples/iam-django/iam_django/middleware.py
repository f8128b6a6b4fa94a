"""Who is calling, on every request: ``request.iam`` is a :class:`Caller`, or None where nobody said who.

Settings: ``IAM = {"BASE": …, "CLIENT_ID": …, "CLIENT_SECRET": …, "CHECK": "introspection" | "keys",
"ACL_FILE": …}``. Works under WSGI and ASGI.
"""

from collections.abc import Awaitable, Callable
from functools import cache, wraps
from pathlib import Path
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from iam_django.acl import AclMirror
from iam_django.callers import Caller
from iam_django.introspection import Introspection
from iam_django.keys import LocalCheck
from iam_django.portal import Portal, PortalAway

View = Callable[..., HttpResponse]


@cache
def portal() -> Portal:
    """As the settings name it."""
    return Portal(settings.IAM["BASE"].rstrip("/"), settings.IAM["CLIENT_ID"], settings.IAM["CLIENT_SECRET"])


@cache
def check() -> Introspection | LocalCheck:
    """How tokens are judged; one for the process."""
    how: dict[str, type[Introspection] | type[LocalCheck]]
    how = {"introspection": Introspection, "keys": LocalCheck}
    return how[settings.IAM.get("CHECK", "introspection")](portal())


@cache
def mirror() -> AclMirror:
    """The ACL; one for the process. Something has to call ``refresh`` every few seconds."""
    file = settings.IAM.get("ACL_FILE")
    return AclMirror(portal(), Path(file) if file else None)


class IamMiddleware:
    """A bearer that opens nothing is refused here; a view that needs one says so with :func:`requires`."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        if self._is_async:
            return self._later(request)
        refusal = _look(request)
        return refusal if refusal is not None else self.get_response(request)

    async def _later(self, request: HttpRequest) -> HttpResponse:
        # A question to the portal must not hold the loop; each has a thread of its own for as long.
        refusal = await sync_to_async(_look, thread_sensitive=False)(request)
        return refusal if refusal is not None else await self.get_response(request)


def requires(privilege: str, *, type: str, id: str) -> Callable[[View], View]:
    """For a view: the caller's roles must open the resource. The view is given ``owners``, whose data it is.

    One caller may work on the data of several tenants: a role says whose.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            caller: Caller | None = request.iam  # type: ignore[attr-defined]
            if caller is None:
                return _refused(401, "A token is needed.", "Bearer")
            opened = mirror().opened(caller.roles)
            owners = frozenset(
                tenant
                for (tenant, kind, key), privileges in opened.items()
                if (kind, key) == (type, id) and privilege in privileges
            )
            if not owners:
                return _refused(403, "No role of the caller opens this.")
            return view(request, *args, owners=owners, **kwargs)

        return guarded

    return decorate


def _look(request: HttpRequest) -> HttpResponse | None:
    """Sets ``request.iam``; an answer where the request ends here."""
    request.iam = None  # type: ignore[attr-defined]
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    try:
        caller = check().look(token.strip())
    except PortalAway:
        answer = _refused(503, "Nobody can say now whose token this is.")
        answer["Retry-After"] = "5"
        return answer
    if caller is None:
        return _refused(401, "This token is not accepted.", 'Bearer error="invalid_token"')
    request.iam = caller  # type: ignore[attr-defined]
    return None


def _refused(status: int, detail: str, challenge: str = "") -> HttpResponse:
    answer = JsonResponse({"detail": detail}, status=status)
    if challenge:
        answer["WWW-Authenticate"] = challenge
    return answer
