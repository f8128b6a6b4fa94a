"""No answer by a wrong clock: who is ten minutes behind would still say yes to what was paused since.

A decision takes its moment from the process that answers. So each process holds its clock against the
database's, at its first request, once a minute, and whenever its clock moved otherwise than time did: a step
shows in the difference from the monotonic clock, which nobody sets. While they differ by more than a second,
every request is answered with 503.
"""

import json
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import structlog
from django.db import connection
from structlog.contextvars import clear_contextvars

from iam_portal import problem

APART = 1.0  # seconds that the clocks may differ
MOVED = 0.2  # seconds by which a clock has moved that is looked at anew
EVERY = 60.0
_FREE = "/livez"  # a process is alive by any clock

log = structlog.get_logger("iam.clock")
Start = Callable[..., Any]


class RightClock:
    """WSGI: in front of everything that answers."""

    def __init__(
        self,
        inner: Callable[[dict[str, Any], Start], Iterable[bytes]],
        *,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._inner, self._wall, self._steady = inner, wall, steady
        self._lock = threading.Lock()
        self._between: float | None = None  # the clocks' difference when it was last found right
        self._looked = 0.0

    def __call__(self, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        clear_contextvars()  # of the thread's last request; a short way and a refusal make lines, too
        if environ.get("PATH_INFO") == _FREE or self._is_right():
            return self._inner(environ, start_response)
        body = json.dumps(
            problem.body(
                status=503,
                code="clock_off",
                detail="The clock of this server is wrong. Nothing was changed.",
                extra={"error": "temporarily_unavailable"},
            )
        ).encode()
        headers = {"Content-Type": problem.MEDIA_TYPE, "Content-Length": str(len(body)), "Retry-After": "5"}
        start_response("503 Service Unavailable", [*headers.items(), ("Cache-Control", "no-store")])
        return [body]

    def _is_right(self) -> bool:
        between = self._wall() - self._steady()
        known = self._between
        if known is not None and abs(between - known) < MOVED:
            if self._steady() - self._looked < EVERY or not self._lock.acquire(blocking=False):
                return True
        else:
            self._lock.acquire()
        try:
            return self._compare()
        finally:
            self._lock.release()

    def _compare(self) -> bool:
        """What cannot be asked stands as it was found: nobody is answered by a database that is away."""
        self._looked = self._steady()
        before, between = self._wall(), self._wall() - self._looked
        try:
            database = _database_clock()
        except Exception as error:  # whatever the driver raises
            log.warning("clock_not_compared", error=type(error).__name__)
            return self._between is None or abs(between - self._between) < MOVED
        # The question took its time: the database may have read its clock at any moment of it.
        right = before - APART < database < self._wall() + APART
        if not right:
            log.error("clock_off", seconds=round(before - database, 1))
        self._between = between if right else None
        return right


def _database_clock() -> float:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
            return float(cursor.fetchone()[0])
    finally:
        connection.close()  # back to the pool, before the request begins
