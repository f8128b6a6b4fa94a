"""Scheduled work: each task calls one action. The schedule stands in settings."""

from celery import shared_task
from django.utils import timezone

from accesscontrol.actions import rotation, watch


@shared_task(name="accesscontrol.watch_boundaries")
def watch_boundaries() -> None:
    """Each minute: assignments that began or ended by plan."""
    watch.run(at=timezone.now())


@shared_task(name="accesscontrol.rotate_signing_keys")
def rotate_signing_keys() -> None:
    """Hourly: the next signing key, when the present one nears its age."""
    rotation.run(at=timezone.now())
