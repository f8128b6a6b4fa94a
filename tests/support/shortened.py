"""Both ways to a token, side by side: the portal as WSGI servers call it, with the short way and without."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from django.core.signals import request_started
from django.db import close_old_connections
from django.http import HttpResponse

from accesscontrol.oauth.short import ShortWay
from accesscontrol.oauth.short.versions import SharedReader
from iam_portal.wsgi import Handler
from tests.accesscontrol.oauth.conftest import Caller

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


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
        told: list[Any] = []
        request_started.disconnect(close_old_connections)  # as the framework's own client does it
        try:
            result = self.app(self._base_environ(**request), lambda *said: told.extend(said[:2]))
        finally:
            request_started.connect(close_old_connections)
        reply = Reply(b"".join(result), status=int(told[0][:3]))
        del reply["Content-Type"]
        for name, value in told[1]:
            reply[name] = value
        return reply


def short_way() -> ShortWay:
    """The short way of a process that has just begun, in the snapshot of a test."""
    return ShortWay(Handler(), reader=SharedReader())
