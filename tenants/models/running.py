"""How the installation runs: what each job did last, and which processes keep those who wait for events."""

import uuid

from django.db import models
from django.db.models import Q


class JobState(models.Model):
    """One row for each scheduled job, of its last run; so there is nothing to prune.

    ``error`` is the class of what the last failure raised: its text may quote rows.
    """

    task = models.CharField(primary_key=True, max_length=80)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    milliseconds = models.PositiveIntegerField()
    failures = models.PositiveIntegerField(default=0)  # in a row, up to now
    failed_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(failures=0) | Q(failed_at__isnull=False),
                name="jobstate_failure_has_moment",
                violation_error_message="A job that failed did so at a moment.",
            )
        ]

    def __str__(self) -> str:
        return self.task


class EventService(models.Model):
    """A process of ``serve_events``, as long as it says that it is there."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    waiting = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.id}: {self.waiting}"
