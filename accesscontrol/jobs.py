"""Scheduled work: each task calls one action. The schedule stands in settings."""

from celery import shared_task
from django.utils import timezone

from accesscontrol.actions import watch


@shared_task(name="accesscontrol.watch_boundaries")
def watch_boundaries() -> None:
    """Each minute: assignments that began or ended by plan."""
    watch.run(at=timezone.now())
