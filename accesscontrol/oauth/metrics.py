"""Counters of the token endpoint. No tenant is a label: numbers of one are not for another."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Histogram

TOKENS = Counter("iam_token_requests", "Answers of the token endpoint.", ["outcome", "reason"])
INTROSPECTIONS = Counter("iam_introspections", "Answers of introspection to who may ask.", ["outcome"])
SHORT_WAY = Counter(
    "iam_short_way_leavings",
    "Requests below the framework whose kept answer was built anew, or that were handed on to the framework.",
    ["kind", "outcome"],
)
DECISION_SECONDS = Histogram(
    "iam_decision_seconds",
    "Time to read the facts of a call and to decide it.",
    ["door"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0),
)
_issued = TOKENS.labels(outcome="issued", reason="")
_active, _inactive = INTROSPECTIONS.labels("active"), INTROSPECTIONS.labels("inactive")


def issued() -> None:
    """A token was given."""
    _issued.inc()


def introspected(*, active: bool) -> None:
    """A token was judged. Which of the two it is is no secret: the numbers name nobody."""
    (_active if active else _inactive).inc()


@contextmanager
def deciding(door: str) -> Iterator[None]:
    """Facts are read and judged."""
    begun = time.perf_counter()
    try:
        yield
    finally:
        DECISION_SECONDS.labels(door).observe(time.perf_counter() - begun)


def refused(reason: str) -> None:
    """A request was refused. ``reason`` is one of a fixed set of codes, never a caller's word."""
    TOKENS.labels(outcome="refused", reason=reason).inc()
