"""Scheduled work; each calls one action."""

from celery import shared_task
from django.utils import timezone

from tenants.actions import chain, deletion, partitions


@shared_task(name="tenants.chain_history")
def chain_history() -> int:
    """Lay the hash chains over what was committed since the last run."""
    return chain.lay_all()


@shared_task(name="tenants.prepare_partitions")
def prepare_partitions() -> int:
    """Make the coming months of the history table."""
    return partitions.prepare(at=timezone.now())


@shared_task(name="tenants.erase_late")
def erase_late() -> int:
    """Put names out of history that came after the deletion of whom they name."""
    return deletion.erase_late(at=timezone.now())
