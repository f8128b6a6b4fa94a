"""What the processes count of requests, tasks and the pool. No label names a tenant or an application.

With ``PROMETHEUS_MULTIPROC_DIR`` set, each process of a server writes into a file of its own there, and any
of them answers for all (:mod:`iam_portal.exposition`).
"""

import time
from typing import Any, Final

from django.db import connections
from prometheus_client import Counter, Gauge, Histogram

TOKEN: Final = "token"  # noqa: S105  (an area)
INTROSPECTION: Final = "introspection"
LONG, SHORT = "long", "short"  # through the framework, and below it (docs/adr/0007)
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

REQUESTS = Counter("iam_http_requests", "Answers of the web, by kind of door and status.", ["area", "status"])
REQUEST_SECONDS = Histogram(
    "iam_http_request_seconds",
    "Time to an answer of the web; token and introspection are answered in two ways.",
    ["area", "way"],
    buckets=_SECONDS,
)
TASKS = Counter("iam_task_runs", "Runs of tasks by the worker.", ["task", "outcome"])
TASK_SECONDS = Histogram(
    "iam_task_seconds", "Time of a run of a task.", ["task"], buckets=(*_SECONDS[3:], 60.0, 300.0)
)
POOL = Gauge(
    "iam_database_pool_connections",
    "Connections to the database in the pools of the living processes.",
    ["state"],
    multiprocess_mode="livesum",
)
POOL_WAITS = Counter("iam_database_pool_waits", "Requests that had to wait for a connection.")
POOL_WAIT_SECONDS = Counter("iam_database_pool_wait_seconds", "How long they waited, in all.")
POOL_FAILURES = Counter("iam_database_pool_failures", "Requests that got no connection in time.")

_ENDS = ((TOKEN, ("/token",)), (INTROSPECTION, ("/token/introspect",)))
_BEGINNINGS = (
    ("probe", ("/livez", "/readyz", "/metrics")),
    ("static", ("/static/",)),
    ("oauth", ("/iam/auth/", "/auth/", "/oauth2/", "/.well-known/")),
    ("rest", ("/iam/",)),
)
_POOL_EVERY = 1.0
_noted_at = [0.0]


def area(path: str) -> str:
    """Which kind of door it is: one of nine words, whatever the caller asks for."""
    for name, ends in _ENDS:
        if path.endswith(ends) and not path.startswith("/t/"):
            return name
    if "/openid-connect/" in path and path.startswith("/iam/"):
        return "oauth"
    return next((name for name, begins in _BEGINNINGS if path.startswith(begins)), "page")


def answered(*, path: str, status: int, seconds: float) -> None:
    """The framework has answered a request."""
    where = area(path)
    REQUESTS.labels(where, str(status)).inc()
    REQUEST_SECONDS.labels(where, LONG).observe(seconds)
    note_pool()


class Shortly:
    """The same of one kind of request below the framework: what it counts in is looked up once."""

    def __init__(self, kind: str) -> None:
        self._requests, self._seconds = REQUESTS.labels(kind, "200"), REQUEST_SECONDS.labels(kind, SHORT)

    def answered(self, seconds: float) -> None:
        self._requests.inc()
        self._seconds.observe(seconds)


def note_pool() -> None:
    """How the pool of this process fares, at most once a second."""
    now = time.monotonic()
    if now - _noted_at[0] < _POOL_EVERY:
        return
    _noted_at[0] = now
    pool: Any = getattr(connections["default"], "pool", None)
    if pool is None:
        return
    told = pool.pop_stats()
    free = told.get("pool_available", 0)
    POOL.labels("free").set(free)
    POOL.labels("used").set(told.get("pool_size", 0) - free)
    POOL.labels("most").set(told.get("pool_max", 0))
    POOL_WAITS.inc(told.get("requests_queued", 0))
    POOL_WAIT_SECONDS.inc(told.get("requests_wait_ms", 0) / 1000)
    POOL_FAILURES.inc(told.get("requests_errors", 0))
