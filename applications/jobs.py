"""Scheduled work: each task calls one action. The schedule stands in settings."""

from typing import Any

from celery import shared_task
from celery.signals import worker_process_shutdown
from django.utils import timezone

from applications import events, readmodel
from applications.actions import watch, webhook_requests
from applications.delivery import rounds

LONGEST_WAIT = 60.0


@shared_task(name="applications.watch_boundaries")
def watch_boundaries() -> None:
    """Each minute, and again at the next known boundary before the next minute."""
    at = timezone.now()
    watch.run(at=at)
    watch.lapse_proposals(at=at)
    if events.sequence():
        deliver_webhooks()
    upcoming = readmodel.next_edge(after=at)
    if upcoming is not None and (wait := (upcoming - timezone.now()).total_seconds()) < LONGEST_WAIT:
        watch_boundaries.apply_async(countdown=max(wait, 0.05), expires=LONGEST_WAIT)


@shared_task(name="applications.sequence")
def sequence() -> None:
    """Give positions to events whose transactions have committed, and have them sent."""
    if events.sequence():
        deliver_webhooks()


@shared_task(name="applications.deliver_webhooks")
def deliver_webhooks() -> None:
    """Send what waits. The requests are made by threads of this process: no other task waits for them."""
    rounds.start(clock=timezone.now)


@shared_task(name="applications.tidy_webhooks")
def tidy_webhooks() -> None:
    """Each day: deliveries are remembered for thirty."""
    webhook_requests.forget(at=timezone.now())


@worker_process_shutdown.connect
def _let_deliveries_end(**_: Any) -> None:
    rounds.stop()
