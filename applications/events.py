"""Writing to the outbox and giving positions. Layer: beside history, below the actions."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max

from applications.models import Event, Watermark
from iam_portal.gate import Actor
from iam_portal.walls import cross_tenant, current_tenant
from tenants.history import is_recorded

PRUNED = "events-pruned"  # the watermark of retention
CHANNEL = "iam_events"  # where the table's trigger tells that something was committed
_LOCK = "iam:event-sequencer"
_VERBS = {
    "application": "available unavailable registered changed suspended resumed retired",
    "role": "changed assigned withdrawn",
    "resource": "changed",
    "contract": """
        proposed accepted declined withdrawn lapsed started paused pause_planned pause_cancelled resumed ended
        end_planned amended amendment_planned amendment_proposed amendment_declined amendment_withdrawn
        amendment_lapsed amendment_cancelled role_widened role_superseded confirmed
    """,
    "partnership": "invited redeemed confirmed declined revoked ended auto_accept_changed",
    "webhook": "paused resumed",
    "acl": "changed",
    "person": "session_revoked credential_changed access_changed deactivated reactivated deleted",
}
# Every type that is ever written, as :func:`event` takes it; ``docs/events.md`` says when, and to whom.
TYPES = frozenset(f"{subject}.{verb}" for subject, verbs in _VERBS.items() for verb in verbs.split())


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
    """One event for :func:`write`. Of a type that receivers can know of: ValueError otherwise."""
    if type not in TYPES:
        raise ValueError(f"{type} is not among the types of events.")
    return Event(
        type=f"iam.{type}.v1",
        tenant_id=tenant_id,
        application_id=application_id,
        subject=subject,
        at=at,
        data=data,
    )


def about_person(user_id: UUID, *, by: Actor) -> dict[str, Any]:
    """What every event about a person holds: whom, and whether he did it himself. No names."""
    own = by.kind == "user" and by.id == str(user_id)
    initiator = "user" if own else "system" if by.kind == "system" else "admin"
    return {"userId": str(user_id), "initiator": initiator}


def write(rows: Sequence[Event]) -> None:
    """Add these events in the transaction of the change, in their order: a cascade has thousands."""
    if not is_recorded():
        return
    own = {str(row.tenant_id) for row in rows} == {current_tenant()}
    # An act has its event in the other side's stream, and in those of a cascade.
    with nullcontext() if own else cross_tenant():
        Event.objects.bulk_create(rows, batch_size=1000)


def sequence() -> int:
    """Give positions to committed events: gapless, never below one given out, a transaction's together.

    Whoever needs positions calls it (job, reader before it answers). One advisory lock orders the callers;
    ids of an open transaction are not visible yet and get a later position when it commits. Transactions
    follow each other by their last id: the one that waited for a row has changed it after the other's last
    event, whatever it had written before. Where nothing waits for a position, nobody waits for the lock.
    """
    with transaction.atomic(), cross_tenant(), connection.cursor() as cursor:  # one order for all tenants
        cursor.execute("SELECT EXISTS (SELECT FROM applications_event WHERE position IS NULL)")
        if cursor.fetchone() == (False,):
            return 0
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [_LOCK])
        cursor.execute(
            """
            WITH fresh AS (
                SELECT id, max(id) OVER (PARTITION BY transaction) AS last
                FROM applications_event WHERE position IS NULL
            ), numbered AS (
                SELECT id, row_number() OVER (ORDER BY last, id) + greatest(
                    (SELECT max(position) FROM applications_event),
                    (SELECT position FROM applications_watermark WHERE name = %s),  -- all may be pruned
                    0) AS position
                FROM fresh
            )
            UPDATE applications_event e SET position = numbered.position
            FROM numbered WHERE e.id = numbered.id
            """,
            [PRUNED],
        )
        return cursor.rowcount


def head() -> int:
    """The last position that was given out; 0 before the first."""
    with cross_tenant():
        last = Event.objects.aggregate(last=Max("position"))["last"]
    return max(last or 0, pruned())


def pruned() -> int:
    """The last position that is kept no longer, in whosever stream it lay; 0 while all are kept."""
    mark = Watermark.objects.filter(name=PRUNED).values_list("position", flat=True).first()
    return mark or 0


def oldest() -> int:
    """The first position that is still kept, or would be: all may be pruned."""
    return pruned() + 1


def news(*, after: int) -> dict[tuple[str, str | None], int]:
    """The last position after this one of each (tenant, application) that has any."""
    with cross_tenant(), connection.cursor() as cursor:  # who waits in whichever tenant is to be woken
        cursor.execute(
            """
            SELECT tenant_id::text, application_id, max(position)
            FROM applications_event WHERE position > %s GROUP BY tenant_id, application_id
            """,
            [after],
        )
        return {(tenant, application): position for tenant, application, position in cursor}


def prune(*, before: datetime, at: datetime, most: int = 1000) -> int:
    """Delete the first kept events, up to the first that is not older than ``before``; how many.

    Only from the front, so that what is kept has no holes, and at most ``most`` in one transaction.
    """
    with transaction.atomic(), cross_tenant(), connection.cursor() as cursor:  # everybody's are kept alike
        Watermark.objects.get_or_create(name=PRUNED, defaults={"at": at, "position": 0})
        mark = Watermark.objects.select_for_update().get(name=PRUNED)
        cursor.execute(
            """
            WITH front AS (
                SELECT position, at FROM applications_event
                WHERE position > %(pruned)s ORDER BY position LIMIT %(most)s
            )
            SELECT coalesce(min(position) FILTER (WHERE at >= %(before)s) - 1, max(position)) FROM front
            """,
            {"pruned": mark.position, "most": most, "before": before},
        )
        (last,) = cursor.fetchone() or (None,)
        if last is None or last <= mark.position:
            return 0
        count, _ = Event.objects.filter(position__lte=last).delete()
        Watermark.objects.filter(name=PRUNED).update(at=at, position=last)
        return count
