"""Notes of how the installation runs, by its own processes: short statements beside all other work."""

import time
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from tenants.models import EventService

# Jobs of a second would write a row each second: of a run like the one before, the next is noted after this.
EVERY = 10.0
GONE = timedelta(minutes=1)  # an event service that has not been heard of for so long

_NOTE = """
INSERT INTO tenants_jobstate AS j
    (task, started_at, finished_at, milliseconds, failures, failed_at, error)
VALUES (%(task)s, %(started_at)s, %(finished_at)s, %(milliseconds)s, %(failed)s,
    CASE WHEN %(failed)s > 0 THEN %(finished_at)s::timestamptz END, %(error)s)
ON CONFLICT (task) DO UPDATE SET
    started_at = excluded.started_at, finished_at = excluded.finished_at,
    milliseconds = excluded.milliseconds,
    failures = CASE WHEN excluded.failures > 0 THEN j.failures + 1 ELSE 0 END,
    failed_at = coalesce(excluded.failed_at, j.failed_at),
    error = CASE WHEN excluded.failures > 0 THEN excluded.error ELSE j.error END
"""


class Notes:
    """What one process has noted of its jobs. Others note theirs; the row is that of the last run."""

    def __init__(self) -> None:
        self._noted: dict[str, tuple[float, bool]] = {}

    def worth(self, task: str, *, failed: bool) -> bool:
        """Whether this run is to be noted: it ended otherwise than the last, or that was a while ago."""
        now = time.monotonic()
        last, same = self._noted.get(task, (float("-inf"), failed))
        if failed or same != failed or now - last >= EVERY:
            self._noted[task] = (now, failed)
            return True
        return False


def note(*, task: str, started_at: datetime, finished_at: datetime, error: str = "") -> None:
    """One run of a job. ``error`` is the class of what it raised; its text is for logs at most."""
    values: dict[str, Any] = {
        "task": task,
        "started_at": started_at,
        "finished_at": finished_at,
        "milliseconds": max(0, round((finished_at - started_at).total_seconds() * 1000)),
        "failed": int(bool(error)),
        "error": error[:80],
    }
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, values)


def serving(*, service_id: UUID, started_at: datetime, waiting: int, at: datetime) -> None:
    """An event service is there, and so many wait at it. Those that vanished without a word are forgotten."""
    EventService.objects.update_or_create(
        id=service_id, defaults={"started_at": started_at, "seen_at": at, "waiting": waiting}
    )
    EventService.objects.filter(seen_at__lt=at - timedelta(days=1)).delete()


def served(*, service_id: UUID) -> None:
    """It stops."""
    EventService.objects.filter(id=service_id).delete()
