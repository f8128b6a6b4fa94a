"""Counting tokens in the process that issues them; a thread hands the counts to the worker.

A token never waits for it and never fails by it. With the broker away the counts wait here, bounded; the
oldest go first, and that is counted. What may have been handed over is handed over again as the same batch,
under the same id: a broker that took it and could not say so would have it counted twice. A process that is
killed takes some seconds of counts with it: they are counted, never decided upon.
"""

import os
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple
from uuid import uuid4

import structlog
from celery import current_app
from django.conf import settings
from prometheus_client import Counter

from iam_portal.beside import Beside

log = structlog.get_logger("iam.usage")

TASK = "applications.count_usage"
MOST = 10_000  # kept lines: callers × targets × contracts of one process between two flushes
PER_TASK = 1000
DROPPED = Counter("iam_usage_dropped_tokens_total", "Tokens not counted: the broker was away too long")
FAILED = Counter("iam_usage_failed_total", "Notes of tokens that broke: not counted, or sent late")

# As the task takes it: contract, tenant, caller, target, day, tokens, last use.
Line = list[Any]


class Use(NamedTuple):
    """A token: by which contract (none: by ownership), in which tenant, from whom, for what."""

    contract_id: str | None
    tenant_id: str
    caller_id: str
    target_id: str


class Batch(NamedTuple):
    """Lines that go together, and the id by which they are counted once."""

    id: str
    lines: list[Line]


class Buffer:
    """Counts of one process since the last flush."""

    def __init__(self, send: Callable[[Batch], object], most: int = MOST) -> None:
        self._send = send
        self._most = most
        self.beside = Beside(self.flush, name="usage")
        self._reset()
        os.register_at_fork(after_in_child=self._reset)  # what the parent counted, the parent flushes

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._lines: dict[tuple[Use, str], tuple[int, datetime]] = {}
        self._tried: Batch | None = None  # nobody knows whether the broker has it

    def note(self, uses: Iterable[Use], *, at: datetime) -> None:
        """Count one token for each. Some dictionary look-ups under a lock that nobody holds for long."""
        day, made = at.date().isoformat(), list(uses)
        with self._lock:
            for use in made:
                self._add((use, day), 1, at)

    def flush(self) -> int:
        """Hand over what was counted; what cannot be handed over stays. How many lines went."""
        with self._lock:
            waiting = -(-len(self._lines) // PER_TASK) + (self._tried is not None)
        sent = 0
        try:
            for _ in range(waiting):  # what is noted meanwhile goes with the next flush
                batch = self._next()
                self._send(batch)
                self._tried = None
                sent += len(batch.lines)
        except Exception as error:  # whatever a broker's library raises: the counts wait for the next time
            log.warning("usage_waits", lines=len(self._lines), error=type(error).__name__)
        return sent

    def _next(self) -> Batch:
        with self._lock:
            if self._tried is None:
                keys = list(islice(self._lines, PER_TASK))
                taken = [(use, day, *self._lines.pop((use, day))) for use, day in keys]
                lines = [[*use, day, tokens, at.isoformat()] for use, day, tokens, at in taken]
                self._tried = Batch(str(uuid4()), lines)
            return self._tried

    def _add(self, key: tuple[Use, str], tokens: int, at: datetime) -> None:
        known = self._lines.get(key)
        if known is not None:
            self._lines[key] = (known[0] + tokens, max(known[1], at))
            return
        tried = len(self._tried.lines) if self._tried else 0
        if self._lines and len(self._lines) + tried >= self._most:
            oldest = next(iter(self._lines))
            DROPPED.inc(self._lines.pop(oldest)[0])
        self._lines[key] = (tokens, at)


def _send(batch: Batch) -> None:
    current_app.send_task(TASK, args=[batch.lines], task_id=batch.id, retry=False, ignore_result=True)


def load() -> None:
    """What sending takes: a tenth of a second of the processor, which the first tokens would pay."""
    try:
        assert current_app.producer_pool
    except Exception as error:  # whatever it is, tokens are given
        log.warning("usage_not_loaded", error=type(error).__name__)


_BUFFER = Buffer(_send)


def note(uses: Iterable[Use], *, at: datetime) -> None:
    """A token was granted. Never an error, never a wait: ``uses`` may be found while it is read, in here."""
    if not settings.USAGE_FLUSH_SECONDS:
        return
    try:
        _BUFFER.note(uses, at=at)
        _BUFFER.beside.start(settings.USAGE_FLUSH_SECONDS)
    except Exception as error:  # whatever it is, the token was granted
        FAILED.inc()
        log.warning("usage_not_noted", error=type(error).__name__)
