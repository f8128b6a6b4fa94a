"""Rounds of delivery: who is due is served by one of a few threads of this process.

A slow receiver keeps its own thread waiting and nobody else: those that fail have threads of their own, and
a busy subscription goes back to the end of the queue after a bounded turn.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cache
from uuid import UUID

import structlog
from django.db import connections

from applications import metrics
from applications.delivery import signing, turns
from applications.delivery.parcels import Parcel
from applications.delivery.posting import Reply, post
from applications.delivery.turns import Due

Clock = Callable[[], datetime]
MOST_EVENTS, MOST_SECONDS = 50, 15.0  # of one turn
THREADS = {False: 8, True: 4}  # for those that answered last time; for those that fail

log = structlog.get_logger("iam.webhooks")
_lock = threading.Lock()
_queued: set[UUID] = set()
_stopping = threading.Event()


def start(*, clock: Clock) -> int:
    """Hand whoever is due to the threads, and return at once. How many there were."""
    found = turns.due(at=clock())
    for due in found:
        _submit(due, clock)
    return len(found)


def serve(*, webhook_id: UUID, tenant_id: UUID, clock: Clock) -> bool:
    """One turn of one subscription: event after event, in order. Whether more may wait."""
    end = time.monotonic() + MOST_SECONDS
    for _ in range(MOST_EVENTS):
        parcel = turns.take(webhook_id=webhook_id, tenant_id=tenant_id, at=clock())
        if parcel is None:
            return False
        reply = deliver(parcel)
        turns.settle(parcel, reply, at=clock())
        metrics.attempted(delivered=reply.delivered)
        if time.monotonic() > end or _stopping.is_set():
            break
    return True


def deliver(parcel: Parcel) -> Reply:
    """One request."""
    event_id = str(parcel.event_id)
    signed = signing.headers(event_id=event_id, at=parcel.at, body=parcel.body, living=parcel.secrets)
    return post(
        parcel.url,
        body=parcel.body,
        headers={"content-type": "application/cloudevents+json", **signed},
    )


def stop() -> None:
    """Let what is on its way arrive; the rest is another process's."""
    _stopping.set()
    for failing in THREADS:
        _threads(failing).shutdown(wait=True, cancel_futures=True)


def _submit(due: Due, clock: Clock) -> None:
    with _lock:
        if due.webhook_id in _queued or _stopping.is_set():
            return
        _queued.add(due.webhook_id)
    _threads(due.failing).submit(_turn, due, clock)


def _turn(due: Due, clock: Clock) -> None:
    more = False
    try:
        more = serve(webhook_id=due.webhook_id, tenant_id=due.tenant_id, clock=clock)
    except Exception as failure:  # its text may hold what must not be logged; the lease runs out
        log.error("webhook_turn_failed", webhook_id=str(due.webhook_id), error=type(failure).__name__)
    finally:
        connections.close_all()  # back to the pool: there are more threads than connections
        with _lock:
            _queued.discard(due.webhook_id)
    if more:
        _submit(due, clock)


@cache
def _threads(failing: bool) -> ThreadPoolExecutor:
    """Made in the process that uses them: a thread does not live through a fork."""
    return ThreadPoolExecutor(THREADS[failing], thread_name_prefix="webhooks")
