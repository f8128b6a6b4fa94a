"""Every refusal by a limit is counted here, whichever door it happens at, and the first of a kind is logged.

A limit is named by its code, one of a fixed set; nothing of a tenant, a caller or a request goes with it.
"""

import threading
import time

import structlog
from prometheus_client import Counter

REFUSED = Counter("iam_limit_refusals", "Requests refused by a limit, by its code.", ["limit"])
QUIET = 60.0  # seconds in which a limit that refuses is not logged again by this process
log = structlog.get_logger("iam.limits")
_told: dict[str, float] = {}
_telling = threading.Lock()


def refused(limit: str) -> None:
    """Count it. A flood of refusals is one line a minute."""
    REFUSED.labels(limit=limit).inc()
    now = time.monotonic()
    with _telling:
        if now - _told.get(limit, float("-inf")) < QUIET:
            return
        _told[limit] = now
    log.warning("limit_reached", limit=limit)


def forget() -> None:
    """Let the next refusal of each kind be logged."""
    with _telling:
        _told.clear()
