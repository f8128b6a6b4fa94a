"""The door in front of an app whose requests stay until they are let go."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

from iam_portal.admission import Admission, InTurn, Rates, Turns, is_of

UNLIMITED = {"caller": 0, "tenant": 0, "tokens": 0}


class Hall:
    """An app whose requests stay until they are let go."""

    def __init__(self, *, running: int = 2, threads: int = 16, longest: float = 5, **rates: float) -> None:
        self.go = {name: threading.Event() for name in ("acme", "globex", "initech")}
        self.inside: list[str] = []
        self.turns = Turns(running=running, longest=longest)
        inside = InTurn(self._app, self.turns)
        self.door = Admission(inside, threads=threads, rates=Rates(**{**UNLIMITED, **rates}))
        self.places = self.door._places
        self.answers: list[tuple[str, str]] = []

    def _app(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        who = environ["HTTP_AUTHORIZATION"].split()[1].strip("0123456789")
        if environ["PATH_INFO"] == "/iam/slow":
            self.inside.append(who)
            assert self.go[who].wait(10)
        is_of(environ, who)
        start_response("200 OK", [])
        return [environ["wsgi.input"].read()]

    def ask(self, who: str, path: str = "/iam/quick", **environ: Any) -> tuple[str, dict[str, str], bytes]:
        told: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], error: Any = None) -> None:
            assert not told or error, "said twice"
            told[:] = status, dict(headers)

        asked = {"PATH_INFO": path, "REMOTE_ADDR": "192.0.2.1", "wsgi.input": BytesIO(), **environ}
        asked.setdefault("HTTP_AUTHORIZATION", f"Bearer {who}")
        body = self.door(asked, start_response)
        self.answers.append((who, told[0][:3]))
        return told[0][:3], told[1], b"".join(body)

    @contextmanager
    def flooded(self, who: str, number: int) -> Iterator[list[threading.Thread]]:
        """So many requests of one tenant, none of which ends by itself."""
        self.ask(who)  # known from now on
        before = self.places.held
        sent = [threading.Thread(target=self.ask, args=(who, "/iam/slow")) for _ in range(number)]
        for each in sent:
            each.start()
        until(lambda: self.places.held - before + len(self.refused(who)) == number)
        try:
            yield sent
        finally:
            self.go[who].set()
            for each in sent:
                each.join(10)

    def refused(self, who: str) -> list[str]:
        return [status for name, status in self.answers if name == who and status != "200"]


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)
