"""Old months of history are dropped whole, after an anchor was made for each chain that loses rows.

A month with a row that the chain has not taken, or with a chain that does not hold, stays: what cannot be
proven must not be destroyed.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import groupby
from operator import itemgetter
from uuid import UUID

import structlog
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from iam_portal.walls import cross_tenant
from tenants.actions import anchors, verification
from tenants.models import HistoryAnchor

log = structlog.get_logger("iam.history")

LEAST = 12  # months; the database refuses to drop younger ones
_PREFIX = "tenants_historyevent_"
_BUSY = "5s"  # who cannot have the table in this time lets the others write, and tries again a day later


def prune(*, at: datetime) -> int:
    """Drop the months that ``PORTAL_HISTORY_MONTHS`` does not keep; the number of rows that are gone.

    0 keeps everything. Each month in its own transaction: killed anywhere, it loses nothing.
    """
    kept = settings.PORTAL_HISTORY_MONTHS
    if kept <= 0:
        return 0
    gone = 0
    for month in _months(before=_earlier(at, max(kept, LEAST))):
        try:
            with transaction.atomic(), cross_tenant():
                gone += _drop(month, at)
        except DatabaseError as exc:
            log.error("history_not_dropped", month=month.isoformat(), error=str(exc))
    return gone


def _drop(month: date, at: datetime) -> int:
    since, until = _bounds(month)
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [_BUSY])
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('history-retention', 0))")
    made = [
        anchors.make(tenant_id=tenant_id, month=month, links=links, at=at)
        for tenant_id, links in _links(since, until)
    ]
    for anchor in made:
        if found := verification.verify(tenant_id=anchor.tenant_id):
            log.error("history_broken", tenant=str(anchor.tenant_id), position=found.position, why=found.why)
            return 0
    HistoryAnchor.objects.bulk_create(made)
    with connection.cursor() as cursor:
        cursor.execute("SELECT iam_history_drop(%s)", [month])
        gone = int(cursor.fetchone()[0])
    log.info("history_dropped", month=month.isoformat(), rows=gone)
    return gone


def _months(*, before: date) -> list[date]:
    """Months that have a partition or rows among the others, the oldest first."""
    with connection.cursor() as cursor, cross_tenant():
        cursor.execute(
            "SELECT DISTINCT date_trunc('month', at AT TIME ZONE 'UTC')::date FROM tenants_historyevent"
            " WHERE at < %s",
            [_bounds(before)[0]],
        )
        found = {month for (month,) in cursor.fetchall()}
        cursor.execute(
            "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
            " WHERE inhparent = 'tenants_historyevent'::regclass"
        )
        names = [name.removeprefix(_PREFIX) for (name,) in cursor.fetchall()]
    found |= {date(int(name[:4]), int(name[4:]), 1) for name in names if name.isdigit()}
    return sorted(month for month in found if month < before)


def _links(since: datetime, until: datetime) -> Iterator[tuple[UUID, Iterator[anchors.Link]]]:
    """The links of the month's rows, chain by chain."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT l.tenant_id, l.position, l.digest
            FROM tenants_historyevent e
            JOIN tenants_historylink l ON l.event_id = e.id AND l.tenant_id = e.tenant_id
            WHERE e.at >= %s AND e.at < %s ORDER BY l.tenant_id, l.position
            """,
            [since, until],
        )
        for tenant_id, rows in groupby(cursor, key=itemgetter(0)):
            yield tenant_id, ((position, digest) for _, position, digest in rows)


def _earlier(at: datetime, months: int) -> date:
    years, month = divmod(at.year * 12 + at.month - 1 - months, 12)
    return date(years, month + 1, 1)


def _bounds(month: date) -> tuple[datetime, datetime]:
    start = datetime(month.year, month.month, 1, tzinfo=UTC)
    return start, start.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)
