"""Rounds of delivery: who is due is served by one of a few threads of this process.

A slow receiver keeps its own thread waiting and nobody else: those that fail or are slow have threads of
their own, no tenant has more than a few at once, and a busy subscription goes back to the end of the line
after a bounded turn.
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
from applications.delivery.line import Line
from applications.delivery.parcels import Parcel
from applications.delivery.posting import Reply, post
from applications.delivery.turns import Due
from iam_portal.clock import OWN

Clock = Callable[[], datetime]
MOST_EVENTS, MOST_SECONDS = 50, 15.0  # of one turn
THREADS = {False: 8, True: 4}  # for those that answered soon last time; for those that fail or are slow

log = structlog.get_logger("iam.webhooks")
_line = Line()
_stopping = threading.Event()


class ClockOff(Exception):
    """A turn ends that was under way when the clock was stepped."""


def start(*, clock: Clock) -> int:
    """Hand whoever is due to the threads, and return at once. How many there were."""
    found = turns.due(at=clock())
    for due in found:
        _submit(due, clock)
    return len(found)


def serve(*, webhook_id: UUID, tenant_id: UUID, clock: Clock) -> Due | None:
    """One turn of one subscription: event after event, in order. Another turn, if more may wait."""
    slow, end = False, time.monotonic() + MOST_SECONDS
    if not turns.begin(webhook_id=webhook_id, tenant_id=tenant_id, at=clock()):
        return None
    for _ in range(MOST_EVENTS):
        parcel = turns.take(webhook_id=webhook_id, tenant_id=tenant_id, at=clock())
        if parcel is None:
            return None
        reply = deliver(parcel)
        turns.settle(parcel, reply, at=clock())
        metrics.attempted(delivered=reply.delivered)
        slow = reply.slow
        if slow or time.monotonic() > end or _stopping.is_set():
            break
    return Due(webhook_id, tenant_id, failing=slow)


def deliver(parcel: Parcel) -> Reply:
    """One request; none that would be unsigned."""
    if not parcel.secrets:
        return Reply(None, "no_secret", "", 0)
    if parcel.signals:
        return _hand_over(parcel)
    event_id = str(parcel.event_id)
    signed = signing.headers(event_id=event_id, at=parcel.at, body=parcel.body, living=parcel.secrets)
    return post(
        parcel.url,
        body=parcel.body,
        headers={"content-type": "application/cloudevents+json", **signed},
    )


def _hand_over(parcel: Parcel) -> Reply:
    """A security event token by push (RFC 8935 §2.1). It is signed itself; the header is the receiver's."""
    headers = {"content-type": "application/secevent+jwt", "accept": "application/json"}
    if parcel.secrets[0]:
        headers["authorization"] = parcel.secrets[0]
    return post(parcel.url, body=parcel.body, headers=headers)


def stop() -> None:
    """Let what is on its way arrive; the rest is another process's."""
    _stopping.set()
    for failing in THREADS:
        _threads(failing).shutdown(wait=True, cancel_futures=True)


def _submit(due: Due, clock: Clock) -> None:
    _line.join(due)
    _admit(due.tenant_id, clock)


def _admit(tenant_id: UUID, clock: Clock) -> None:
    if _stopping.is_set():
        return
    for due in _line.admitted(tenant_id):
        _threads(due.failing).submit(_turn, due, clock)


def _turn(due: Due, clock: Clock) -> None:
    more = None
    try:
        more = serve(webhook_id=due.webhook_id, tenant_id=due.tenant_id, clock=_right(clock))
    except Exception as failure:  # its text may hold what must not be logged; the lease runs out
        log.error("webhook_turn_failed", webhook_id=str(due.webhook_id), error=type(failure).__name__)
    finally:
        connections.close_all()  # back to the pool: there are more threads than connections
        _line.leave(due)
    if more:
        _line.join(more)
    _admit(due.tenant_id, clock)


def _right(clock: Clock) -> Clock:
    """By a clock an hour ahead, a lease would keep everybody from the subscription for that hour."""

    def read() -> datetime:
        if not OWN.is_right():
            raise ClockOff
        return clock()

    return read


@cache
def _threads(failing: bool) -> ThreadPoolExecutor:
    """Made in the process that uses them: a thread does not live through a fork."""
    return ThreadPoolExecutor(THREADS[failing], thread_name_prefix="webhooks")
