"""Scheduled work: each task calls one action. The schedule stands in settings."""

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from applications import events, readmodel
from applications.actions import watch

LONGEST_WAIT = 60.0


@shared_task(name="applications.watch_boundaries")
def watch_boundaries() -> None:
    """Each minute, and again at the next known boundary before the next minute."""
    at = timezone.now()
    watch.run(at=at)
    watch.lapse_proposals(at=at)
    events.sequence()
    upcoming = readmodel.next_edge(after=at)
    if upcoming is not None and (wait := (upcoming - timezone.now()).total_seconds()) < LONGEST_WAIT:
        watch_boundaries.apply_async(countdown=max(wait, 0.05), expires=LONGEST_WAIT)


@shared_task(name="applications.sequence")
def sequence() -> None:
    """Give positions to events whose transactions have committed."""
    events.sequence()


@shared_task(name="applications.prune_events")
def prune_events() -> None:
    """Let go of events that are older than they are to be kept, a thousand in a transaction."""
    at = timezone.now()
    while events.prune(before=at - settings.PORTAL_EVENT_RETENTION, at=at):
        pass
