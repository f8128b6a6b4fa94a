"""Writing to the outbox and giving positions. Layer: beside history, below the actions."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Min

from applications.models import Event
from iam_portal.walls import cross_tenant

_LOCK = "iam:event-sequencer"


def emit(
    *,
    type: str,
    tenant_id: UUID | str,
    subject: str,
    at: datetime,
    data: Mapping[str, Any],
    application_id: str | None = None,
) -> None:
    """Add one event in the transaction of the change. ``type`` is bare: ``role.changed``."""
    made = event(
        type=type, tenant_id=tenant_id, subject=subject, at=at, data=data, application_id=application_id
    )
    write([made])


def event(
    *,
    type: str,
    tenant_id: UUID | str,
    subject: str,
    at: datetime,
    data: Mapping[str, Any],
    application_id: str | None = None,
) -> Event:
    """One event for :func:`write`."""
    return Event(
        type=f"iam.{type}.v1",
        tenant_id=tenant_id,
        application_id=application_id,
        subject=subject,
        at=at,
        data=data,
    )


def write(rows: Sequence[Event]) -> None:
    """Add these events in the transaction of the change, in their order: a cascade has thousands."""
    with cross_tenant():  # an act has its event in the other side's stream, and in those of a cascade
        Event.objects.bulk_create(rows, batch_size=1000)


def oldest() -> int:
    """The first position that is still kept, in whosever stream it lies."""
    with cross_tenant():
        return Event.objects.aggregate(first=Min("position"))["first"] or 1


def sequence() -> int:
    """Give positions to committed events: gapless, never below one given out, a transaction's together.

    Whoever needs positions calls it (job, reader before it answers). One advisory lock orders the callers;
    ids of an open transaction are not visible yet and get a later position when it commits.
    """
    with transaction.atomic(), cross_tenant(), connection.cursor() as cursor:  # one order for all tenants
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [_LOCK])
        cursor.execute(
            """
            WITH fresh AS (
                SELECT id, min(id) OVER (PARTITION BY transaction) AS first
                FROM applications_event WHERE position IS NULL
            ), numbered AS (
                SELECT id, row_number() OVER (ORDER BY first, id)
                    + coalesce((SELECT max(position) FROM applications_event), 0) AS position
                FROM fresh
            )
            UPDATE applications_event e SET position = numbered.position
            FROM numbered WHERE e.id = numbered.id
            """
        )
        return cursor.rowcount
