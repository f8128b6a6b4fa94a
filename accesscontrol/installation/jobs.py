"""Scheduled jobs: when each ran last, how that ended, and whether it is late."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from iam_portal.schedule import JOBS
from tenants.models import JobState

LATE = timedelta(minutes=1)  # besides a tenth of the interval; runs of a second are noted each ten

NAMES: Mapping[str, str | Promise] = {
    "applications.watch_boundaries": _("Availability compared with contracts"),
    "applications.tell_boundaries": _("Planned moments of contracts"),
    "applications.sequence": _("Positions of events"),
    "accesscontrol.watch_boundaries": _("Planned moments of roles"),
    "accesscontrol.watch_acls": _("Access control lists that moved"),
    "accesscontrol.prune_acls": _("Old entries of access control lists"),
    "accesscontrol.purge_sign_ins": _("Sign-ins and tokens that are over"),
    "accesscontrol.rotate_signing_keys": _("Rotation of signing keys"),
    "accesscontrol.tell_logouts": _("Sign-outs told to applications"),
    "applications.deliver_webhooks": _("Webhook deliveries"),
    "applications.publish_events": _("Events to the exchange"),
    "applications.tidy_webhooks": _("Old webhook deliveries"),
    "applications.prune_events": _("Old events"),
    "applications.remind_of_ends": _("Reminders of contracts that end"),
    "applications.forget_usage": _("Old counts of usage"),
    "tenants.answer_addresses": _("Mail that says where an address has accounts"),
    "tenants.chain_history": _("Hash chain over history"),
    "tenants.erase_late": _("Late names of deleted people"),
    "tenants.prepare_partitions": _("Coming months of history"),
    "tenants.verify_history": _("Check of the hash chains"),
    "tenants.prune_history": _("Months of history that are not kept"),
}


@dataclass(frozen=True, slots=True)
class Job:
    """One of the schedule. Without a run nothing is known of it: it is not late, it is new."""

    task: str
    every: timedelta
    started_at: datetime | None = None
    finished_at: datetime | None = None
    milliseconds: int = 0
    failures: int = 0
    failed_at: datetime | None = None
    error: str = ""

    @property
    def name(self) -> str | Promise:
        """What it is for, in words; its own name where nobody has said."""
        return NAMES.get(self.task, self.task)

    @property
    def next_at(self) -> datetime | None:
        """When the schedule asks for it again, about."""
        return None if self.started_at is None else self.started_at + self.every

    def is_late(self, at: datetime) -> bool:
        """It should have run again, with some patience."""
        return self.next_at is not None and at > self.next_at + LATE + self.every / 10

    def state(self, at: datetime) -> str:
        """``failed``, ``late``, ``new`` or ``on_time``."""
        if self.failures:
            return "failed"
        if self.started_at is None:
            return "new"
        return "late" if self.is_late(at) else "on_time"


def scheduled() -> list[Job]:
    """All of them, the most frequent first. One query."""
    known = JobState.objects.in_bulk()
    found = [_job(entry, known.get(entry["task"])) for entry in JOBS.values()]
    return sorted(found, key=lambda job: (job.every, job.task))


def latest(jobs: Iterable[Job]) -> datetime | None:
    """When anything ran: a moment long past means that worker or beat is not there."""
    return max((job.finished_at for job in jobs if job.finished_at), default=None)


def _job(entry: Mapping[str, Any], row: JobState | None) -> Job:
    every = timedelta(seconds=entry["schedule"])
    if row is None:
        return Job(entry["task"], every)
    return Job(
        entry["task"],
        every,
        row.started_at,
        row.finished_at,
        row.milliseconds,
        row.failures,
        row.failed_at,
        row.error,
    )
