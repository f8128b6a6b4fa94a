"""No answer by a wrong clock: who is ten minutes behind would still say yes to what was paused since.

A decision takes its moment from the process that answers. So each process holds its clock against the
database's, at its first request, once a minute, and whenever its clock moved otherwise than time did: a step
shows in the difference from the monotonic clock, which nobody sets. While they differ by more than a second,
every request is answered with 503, and a worker carries out no task; until it was found right again, also
while the database cannot be asked. So is a request during which the clock moved: its moment may have been
taken after the step.
"""

import json
import os
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import structlog
from django.db import connection
from structlog.contextvars import clear_contextvars

from iam_portal import apart, problem

APART = 1.0  # seconds that the clocks may differ
MOVED = 0.2  # seconds by which a clock has moved that is looked at anew
EVERY = 60.0
JUST_NOW = 1.0  # seconds for which a comparison stands for all who waited for it
WAITS = 5.0  # seconds for another's comparison: as long as it may wait for a connection
TOGETHER = 0.02  # seconds within which both clocks are read
TRIES = 2  # a question that took too long says little: the next finds its connection made
_SAFE = ("GET", "HEAD")
_FREE = "/livez"  # a process is alive by any clock

log = structlog.get_logger("iam.clock")
Start = Callable[..., Any]


class Clock:
    """That of this process, held against the database's as far as it has to be. For all of its threads."""

    def __init__(
        self, *, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._wall, self._steady = wall, steady
        self.begin_anew()

    def begin_anew(self) -> None:
        """Knowing nothing; in a child of the process, whose threads are gone with what they held."""
        self._lock = threading.Lock()
        self._between: float | None = None  # the clocks' difference when it was last found right
        self._wrong = False  # found so, and not found right since
        self._looked = -EVERY
        self._said: tuple[float, bool] | None = None  # the difference at the last comparison, and its answer

    def is_right(self, between: float | None = None) -> bool:
        """Whether what is decided now may be told, or written; ``between`` where it was just looked for."""
        between = self.between() if between is None else between
        if self._stands(between) and self._steady() - self._looked < EVERY:
            return True
        return apart.done(partial(self._found_right, between))

    def _stands(self, between: float) -> bool:
        known = self._between
        return known is not None and abs(between - known) < MOVED

    def _found_right(self, between: float) -> bool:
        """By the database, whom one of those asks who come at once."""
        if self._stands(between):
            if not self._lock.acquire(blocking=False):
                return True
        elif not self._lock.acquire(timeout=WAITS):
            return self._unasked(between)
        try:
            return self._compare()
        finally:
            self._lock.release()

    def between(self) -> float:
        """The clock less the monotonic one: it changes where the clock was set, and not with time.

        A thread may be set aside between the two: then both are read again, or it would look like a step.
        """
        for _ in range(3):
            began = self._steady()
            found = self._wall() - began
            if self._steady() - began < TOGETHER:
                break
        return found

    def _compare(self) -> bool:
        """Who waited takes what was just found, unless the clock moved since: else all would ask in turn."""
        between = self.between()
        recent = self._steady() - self._looked < JUST_NOW
        if recent and self._said is not None and abs(between - self._said[0]) < MOVED:
            return self._said[1]
        found = self._ask()
        if found is not None:
            self._wrong, self._between = not found, between if found else None
        right = self._unasked(between) if found is None else found
        self._looked, self._said = self._steady(), (between, right)
        return right

    def _unasked(self, between: float) -> bool:
        """It stands as it was found; before the first time, nobody is answered by a database that is away."""
        return not self._wrong and (self._between is None or abs(between - self._between) < MOVED)

    def _ask(self) -> bool | None:
        """None: could not be asked, or took so long that a wrong clock would look right."""
        for _ in range(TRIES):
            before, began = self._wall(), self._steady()
            try:
                database = _database_clock()
            except Exception as error:  # whatever the driver raises
                log.warning("clock_not_compared", error=type(error).__name__)
                return None
            took = self._steady() - began
            # The database may have read its clock at any moment of the question.
            if not before - APART < database < before + took + APART:
                log.error("clock_off", seconds=round(before - database, 1))
                return False
            if took < APART:
                return True
        log.warning("clock_not_compared", error="slow")
        return None


OWN = Clock()  # of this process
os.register_at_fork(after_in_child=OWN.begin_anew)


class RightClock:
    """WSGI: in front of everything that answers."""

    def __init__(self, inner: Callable[[dict[str, Any], Start], Iterable[bytes]], clock: Clock = OWN) -> None:
        self._inner, self._clock = inner, clock

    def __call__(self, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        clear_contextvars()  # of the thread's last request; a short way and a refusal make lines, too
        if environ.get("PATH_INFO") == _FREE:
            return self._inner(environ, start_response)
        before = self._clock.between()
        if not self._clock.is_right(before):
            return _refused(
                start_response, "clock_off", "The clock of this server is wrong. Nothing was changed."
            )
        begun: list[tuple[Any, ...]] = []
        answer = self._inner(environ, lambda *told: begun.append(told))
        if abs(self._clock.between() - before) < MOVED:
            start_response(*begun[-1])
            return answer
        close = getattr(answer, "close", None)
        if close is not None:
            close()
        code = "clock_off" if environ.get("REQUEST_METHOD") in _SAFE else "clock_set"
        return _refused(
            start_response, code, "The clock of this server was set meanwhile. Look what was changed."
        )


def _refused(start_response: Start, code: str, detail: str) -> list[bytes]:
    """``clock_set``: what was asked may be done, so nobody is told to send it again."""
    again = code == "clock_off"
    extra = {"error": "temporarily_unavailable" if again else "server_error"}
    body = json.dumps(problem.body(status=503, code=code, detail=detail, extra=extra)).encode()
    headers = {"Content-Type": problem.MEDIA_TYPE, "Content-Length": str(len(body))}
    headers |= {"Cache-Control": "no-store", **({"Retry-After": "5"} if again else {})}
    start_response("503 Service Unavailable", [*headers.items()])
    return [body]


def _database_clock() -> float:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
            return float(cursor.fetchone()[0])
    finally:
        connection.close()  # back to the pool, before the request begins
