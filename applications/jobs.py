"""Scheduled work: each task calls one action. The schedule stands in settings."""

from typing import Any

from celery import Task, shared_task
from celery.signals import worker_process_shutdown
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from applications import boundaries, events, usage
from applications.actions import counting, open_amendments, reminders, watch, webhook_requests
from applications.delivery import broadcasting, rounds


@shared_task(name="applications.watch_boundaries")
def watch_boundaries() -> None:
    """Each minute: tell what passed, compare everything, heal."""
    at = timezone.now()
    watch.run(at=at)
    watch.lapse_proposals(at=at)
    open_amendments.lapse_due(at=at)
    sequence()


@shared_task(name="applications.tell_boundaries")
def tell_boundaries() -> None:
    """Each second: has a boundary passed? Only then, tell it. An act may have planned it a moment ago."""
    at = timezone.now()
    if boundaries.is_due(at=at):
        watch.tell(at=at)
        watch.lapse_proposals(at=at)
        open_amendments.lapse_due(at=at)
        sequence()


@shared_task(name="applications.sequence")
def sequence() -> None:
    """Give positions to events whose transactions have committed, and have them sent."""
    if events.sequence():
        deliver_webhooks()
        if settings.PORTAL_AMQP:
            publish_events.apply_async(expires=5)


@shared_task(name="applications.deliver_webhooks")
def deliver_webhooks() -> None:
    """Send what waits. The requests are made by threads of this process: no other task waits for them."""
    rounds.start(clock=timezone.now)


@shared_task(name="applications.publish_events")
def publish_events() -> None:
    """Send what waits to the operator's exchange, where there is one; again at once while turns are full."""
    while broadcasting.publish(at=timezone.now()) == broadcasting.MOST:
        pass


@shared_task(name="applications.tidy_webhooks")
def tidy_webhooks() -> None:
    """Each day: deliveries are remembered for thirty."""
    at = timezone.now()
    webhook_requests.settle(at=at)
    while webhook_requests.forget(at=at):
        pass


@shared_task(name="applications.remind_of_ends")
def remind_of_ends() -> None:
    """Each hour: mail to the managers of contracts that end soon."""
    reminders.remind(at=timezone.now())


@shared_task(
    name="applications.count_usage",
    bind=True,
    autoretry_for=(OperationalError, InterfaceError),
    retry_backoff=True,
    retry_backoff_max=300,
    max_retries=1900,  # six days and a half, less than counting.COMES_AGAIN
    reject_on_worker_lost=True,
    any_clock=True,
)
def count_usage(self: Task, rows: list[usage.Line]) -> None:
    """What a process has counted meanwhile (``applications.usage`` sends it), and nobody else remembers.

    The message of a worker that died, or that did not reach the database, comes again, under the same id.
    """
    counting.count(rows=rows, batch=self.request.id, at=timezone.now())


@shared_task(name="applications.forget_usage")
def forget_usage() -> None:
    """Each day: counts that are older than 13 months."""
    at = timezone.now()
    while counting.forget(at=at):
        pass


@shared_task(name="applications.prune_events")
def prune_events() -> None:
    """Let go of events that are older than they are to be kept, a thousand in a transaction."""
    at = timezone.now()
    while events.prune(before=at - settings.PORTAL_EVENT_RETENTION, at=at):
        pass


@worker_process_shutdown.connect
def _let_deliveries_end(**_: Any) -> None:
    rounds.stop()
