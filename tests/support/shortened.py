"""Both ways to a token, side by side: the portal as WSGI servers call it, with the short way and without."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

from django.core.signals import request_started
from django.db import close_old_connections
from django.http import HttpResponse

from accesscontrol.oauth.short import ShortWay
from accesscontrol.oauth.short.versions import SharedReader
from iam_portal.wsgi import Handler
from tests.accesscontrol.oauth.conftest import Caller
from tests.support import alike

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
MADE_ANEW = ("x-request-id", "set-cookie")  # a cookie of CSRF in the place of a malformed one
DOORS = ("/token", "/token/introspect")
ONCE = (b"authorization_code", b"refresh_token", b"client_assertion")  # what is worth nothing a second time
ENOUGH = 3  # requests after which the short way knows what it may know


class Reply(HttpResponse):
    """What came out of WSGI, and nothing that the framework would add."""

    def json(self) -> Any:
        return json.loads(self.content)


class ThroughWsgi(Caller):
    """Forms as OAuth clients post them, through an application of WSGI."""

    def __init__(self, app: App) -> None:
        super().__init__()
        self.app = app

    def request(self, **request: Any) -> Any:
        return through(self.app, self._base_environ(**request))


class BothWays(Caller):
    """Each request goes the long way, and then the short way until that one knows it: all say the same.

    The short way is one and the same for all requests: what it has kept of earlier ones is tried, too.
    """

    def __init__(self, *, times: int = ENOUGH) -> None:
        super().__init__()
        self.long, self.short = Handler(), short_way()
        self._times = times
        self._alone = False

    @contextmanager
    def short_way_alone(self) -> Iterator[None]:
        """For who knows himself what is right."""
        self._alone = True
        yield
        self._alone = False

    def request(self, **request: Any) -> Any:
        if request["REQUEST_METHOD"] != "POST" or not request["PATH_INFO"].endswith(DOORS):
            return super().request(**request)  # of no matter to the short way
        environ = self._base_environ(**request)
        body = environ["wsgi.input"].read()
        if self._alone or any(word in body for word in ONCE):
            return through(self.short, {**environ, "wsgi.input": BytesIO(body)})
        expected = through(self.long, {**environ, "wsgi.input": BytesIO(body)})
        if expected.status_code < 500:
            for _ in range(self._times):
                found = through(self.short, {**environ, "wsgi.input": BytesIO(body)})
                assert told(found) == told(expected)
        return expected


def through(app: App, environ: dict[str, Any]) -> Any:
    """The reply of a WSGI application, which keeps the connection that the test has open."""
    said: list[Any] = []
    request_started.disconnect(close_old_connections)  # as the framework's own client does it
    try:
        result = app(environ, lambda *line: said.extend(line[:2]))
    finally:
        request_started.connect(close_old_connections)
    reply = Reply(b"".join(result), status=int(said[0][:3]))
    del reply["Content-Type"]
    for name, value in said[1]:
        reply[name] = value
    return reply


def told(reply: Any) -> tuple[Any, ...]:
    """All of a reply but ids and signatures, in the order in which it was written."""
    return alike.told(reply.status_code, reply.items(), reply.content, anew=MADE_ANEW)


def short_way() -> ShortWay:
    """The short way of a process that has just begun, in the snapshot of a test."""
    return ShortWay(Handler(), reader=SharedReader())
