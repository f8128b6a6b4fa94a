"""Scheduled work; each calls one action. And what is noted of every job, wherever it stands."""

from datetime import datetime
from typing import Any

import structlog
from celery import shared_task
from celery.signals import task_postrun, task_prerun
from django.db import Error
from django.utils import timezone

from iam_portal.schedule import JOBS
from tenants.actions import chain, deletion, finding, partitions, retention, running, verification

log = structlog.get_logger("iam.jobs")
_SCHEDULED = frozenset(job["task"] for job in JOBS.values())
_begun: dict[str, datetime] = {}  # by the task's id
_notes = running.Notes()


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


@task_prerun.connect
def _job_begins(*, task_id: str, task: Any, **_: Any) -> None:
    if task.name in _SCHEDULED:
        _begun[task_id] = timezone.now()


@task_postrun.connect
def _job_ends(*, task_id: str, task: Any, retval: Any = None, state: str | None = None, **_: Any) -> None:
    """What cannot be noted is told in the log: no job fails by it."""
    started_at = _begun.pop(task_id, None)
    error = type(retval).__name__ if state == "FAILURE" else ""
    if started_at is None or not _notes.worth(task.name, failed=bool(error)):
        return
    try:
        running.note(task=task.name, started_at=started_at, finished_at=timezone.now(), error=error)
    except Error as fault:
        log.warning("job_not_noted", task=task.name, error=type(fault).__name__)
