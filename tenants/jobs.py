"""Scheduled work; each calls one action."""

from celery import shared_task
from django.utils import timezone

from tenants.actions import chain, deletion, finding, partitions, retention, verification


@shared_task(name="tenants.chain_history")
def chain_history() -> int:
    """Lay the hash chains over what was committed since the last run."""
    return chain.lay_all()


@shared_task(name="tenants.prepare_partitions")
def prepare_partitions() -> int:
    """Make the coming months of the history table."""
    return partitions.prepare(at=timezone.now())


@shared_task(name="tenants.prune_history")
def prune_history() -> int:
    """Drop the months of history that are not kept, after anchoring their chains."""
    return retention.prune(at=timezone.now())


@shared_task(name="tenants.verify_history")
def verify_history() -> int:
    """Walk every chain and note the result."""
    return verification.check_all(at=timezone.now())


@shared_task(name="tenants.erase_late")
def erase_late() -> int:
    """Put names out of history that came after the deletion of whom they name."""
    return deletion.erase_late(at=timezone.now())


@shared_task(name="tenants.answer_addresses")
def answer_addresses() -> int:
    """Write to the e-mail addresses that were typed at the entry, where somebody has them."""
    return finding.answer_all(at=timezone.now())
