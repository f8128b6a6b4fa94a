"""The state of the installation by REST, for whoever watches it."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accesscontrol.installation import health, jobs, queues
from accesscontrol.serializers.system import SystemOut
from iam_portal.decision import rfc3339
from tenants.api.organizations import PlatformAPI


class System(PlatformAPI):
    """Health, jobs and queues."""

    permissions = {"GET": "Jobs:read"}

    @extend_schema(responses=SystemOut, operation_id="system_read")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """In the platform tenant only. Counts over all organizations, names of none, no value of a secret."""
        self.require_platform()
        found = health.health(at=self.at, clock=timezone.now)
        body = {
            "version": found.version,
            "environment": found.environment,
            "ready": found.ready,
            "missing": _missing(found),
            "unsafeSettings": [fault.id for fault in found.faults],
            "database": {
                "version": found.database.version,
                "size": found.database.size,
                "clockAhead": round(found.database.ahead.total_seconds(), 3),
                "pendingMigrations": list(found.database.pending),
            },
            "jobs": [_job(job, self.at) for job in jobs.scheduled()],
            "queues": _queues(queues.queues(at=self.at)),
        }
        return Response(body, headers={"Cache-Control": "no-store"})


def _missing(found: health.Health) -> list[str]:
    asked = {
        "migrations_pending": found.database.pending,
        "wall_open": found.wall,
        "no_signing_key": found.without_signer,
    }
    return [code for code, gaps in asked.items() if gaps]


def _job(job: jobs.Job, at: datetime) -> dict[str, Any]:
    return {
        "task": job.task,
        "every": int(job.every.total_seconds()),
        "state": job.state(at),
        "lastRunAt": rfc3339(job.finished_at),
        "milliseconds": job.milliseconds if job.started_at else None,
        "failures": job.failures,
        "error": job.error if job.failures else "",
    }


def _queues(found: queues.Queues) -> dict[str, Any]:
    return {
        "tasks": found.tasks,
        "eventsWithoutPosition": found.outbox.count,
        "eventsWaitSince": rfc3339(found.outbox.since),
        "lastPosition": found.position,
        "webhooksFailing": found.webhooks.failing,
        "webhooksBehind": found.webhooks.behind,
        "webhooksPausedByPortal": found.webhooks.stopped,
        "historyWithoutLink": found.chains.waiting,
        "brokenChains": found.chains.broken,
        "eventServices": found.services,
        "waitingForEvents": found.listeners,
    }
