"""Questions answered by a read replica, never by an older state than the primary's.

With ``DATABASE_REPLICA_URL`` set, the safe methods of REST doors below a tenant are asked there. Before each
of them the primary says how far its log is written out, which includes every commit that anybody was told
of; only a replica that has replayed as much is asked. Where one is behind, gone or cut off in the middle, the
primary answers; that one is gone costs one request in some seconds a moment, and the others nothing.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import structlog
from django.conf import settings
from django.db import Error as DatabaseFault
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import HttpRequest, HttpResponse
from prometheus_client import Counter

log = structlog.get_logger("iam.replica")

ALIAS: Final = "replica"
WAIT_SECONDS: Final = 0.02  # longer than a replica nearby needs, shorter than most questions take
PAUSE_SECONDS: Final = 5.0  # for which one that cannot be reached is left alone
QUESTIONS = Counter("iam_replica_questions", "Questions that a replica could have answered.", ["outcome"])
_STEP = 0.002
# Whoever commits without waiting for the disk is told so before its log is written out.
_WRITTEN = """
SELECT CASE current_setting('synchronous_commit')
    WHEN 'off' THEN pg_current_wal_insert_lsn() ELSE pg_current_wal_flush_lsn() END::text,
    (SELECT system_identifier FROM pg_control_system())::text,
    (SELECT timeline_id FROM pg_control_checkpoint())
"""
# A promoted one goes its own way, and positions of two time lines say nothing of each other.
_REPLAYED = """
SELECT pg_is_in_recovery() AND pg_last_wal_replay_lsn() >= %s::pg_lsn
    AND (SELECT system_identifier FROM pg_control_system())::text = %s
    AND (SELECT timeline_id FROM pg_control_checkpoint()) = %s
"""


class FromReplica:
    """Middleware, the innermost: asks the replica where a view says ``from_replica``."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._not_before = 0.0
        self._away = False  # it was, at the last attempt: one request tries, the others pass by

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """None where the primary has to answer."""
        safe = request.method in ("GET", "HEAD")
        asked = safe and getattr(getattr(view, "cls", None), "from_replica", False)
        if "HTTP_DPOP" in request.META:  # that a proof was used is written (RFC 9449 §11.1)
            return None
        if not asked or ALIAS not in settings.DATABASES or connection.in_atomic_block:
            return None
        outcome, answer = self._ask(lambda: view(request, *args, **kwargs))
        QUESTIONS.labels(outcome).inc()
        return answer

    def _ask(self, question: Callable[[], HttpResponse]) -> tuple[str, HttpResponse | None]:
        if time.monotonic() < self._not_before:
            return "absent", None
        if self._away:
            self._not_before = time.monotonic() + PAUSE_SECONDS
        replica = connections[ALIAS]
        try:
            if not _caught_up(replica):
                return "behind", None
        except DatabaseFault as error:
            self._away, self._not_before = True, time.monotonic() + PAUSE_SECONDS
            log.warning("replica_absent", error=type(error).__name__)
            replica.close()
            return "absent", None
        if self._away:
            self._away, self._not_before = False, 0.0
        with _in_place_of_primary(replica) as failures:
            answer = question()
        if failures:  # cut off by what it replays, or asked to write: nothing of this answer counts
            return "again", None
        return "replica", answer


def _caught_up(replica: BaseDatabaseWrapper) -> bool:
    """Whether it has replayed what was written before this question came."""
    with connection.cursor() as cursor:
        cursor.execute(_WRITTEN)
        written = cursor.fetchone()
    connection.close()  # back to the pool: the replica answers from here on
    deadline = time.monotonic() + WAIT_SECONDS
    with replica.cursor() as cursor:
        while True:
            cursor.execute(_REPLAYED, written)
            if cursor.fetchone()[0]:
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(_STEP)


@contextmanager
def _in_place_of_primary(replica: BaseDatabaseWrapper) -> Iterator[list[Exception]]:
    """This thread's queries go there; yields the statements' failures, also those that a view swallows."""
    failures: list[Exception] = []

    def watched(execute: Callable[..., Any], *call: Any) -> Any:
        try:
            return execute(*call)
        except DatabaseFault as error:
            failures.append(error)
            raise

    primary = connections["default"]
    connections["default"] = replica
    try:
        with replica.execute_wrapper(watched):
            yield failures
    except DatabaseFault as error:  # not of a statement: the connection itself
        failures.append(error)
    except Exception:
        if not failures:  # else it came of a statement that failed, and the primary is asked
            raise
    finally:
        connections["default"] = primary
