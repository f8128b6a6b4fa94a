"""The hash chain over a tenant's history: laid after commit, walked to prove that nothing was altered.

Rows of a transaction that is still open have lower ids and appear later. So rows are linked in the order in
which they become visible; positions are gapless; ``HistoryPerson.chained`` says which rows wait.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from uuid import UUID

from django.db import connection

from iam_portal.walls import cross_tenant, tenant_scope
from tenants.history import person_digest
from tenants.models import HistoryEvent, HistoryLink, HistoryPerson

BATCH = 1000
START = "0" * 64


@dataclass(frozen=True, slots=True)
class Break:
    """The first place where the chain of a tenant does not hold."""

    event_id: int
    position: int | None
    why: str


def lay_all() -> int:
    """Link what waits, each batch in its own transaction: killed anywhere, it loses nothing."""
    with cross_tenant():
        rows = HistoryPerson.objects.filter(chained=False).values_list("tenant_id", flat=True)
        waiting = list(rows.distinct())
    total = 0
    for tenant_id in waiting:
        while laid := lay(tenant_id=tenant_id):
            total += laid
    return total


def lay(*, tenant_id: UUID) -> int:
    """Link the next batch of one tenant's rows; the number of new links."""
    with tenant_scope(tenant_id):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"history-chain:{tenant_id}"]
            )
        people = HistoryPerson.objects.filter(tenant_id=tenant_id, chained=False)
        ids = list(people.order_by("event_id").values_list("event_id", flat=True)[:BATCH])
        head = HistoryLink.objects.filter(tenant_id=tenant_id).order_by("-position").first()
        position, digest = (head.position, head.digest) if head else (0, START)
        links = []
        for event in HistoryEvent.objects.filter(tenant_id=tenant_id, id__in=ids).order_by("id"):
            position, digest = position + 1, next_digest(digest, event)
            links.append(
                HistoryLink(tenant_id=tenant_id, position=position, event_id=event.id, digest=digest)
            )
        HistoryLink.objects.bulk_create(links)
        HistoryPerson.objects.filter(event_id__in=ids).update(chained=True)
        return len(ids)


def verify(*, tenant_id: UUID) -> Break | None:
    """Walk all links, then look for rows outside the chain. ``None`` when everything holds.

    Links whose rows retention has dropped stand at the beginning; the walk starts behind them.
    """
    with tenant_scope(tenant_id):
        return _walk(tenant_id) or _outside(tenant_id)


def next_digest(former: str, event: HistoryEvent) -> str:
    """SHA-256 over the former digest and the row, without personal fields but with their digest."""
    row = [
        str(event.tenant_id),
        event.id,
        event.at.astimezone(UTC).isoformat(),
        event.action,
        [event.actor_kind, event.actor_id],
        [event.subject_kind, event.subject_id],
        event.before,
        event.after,
        event.request_id,
        event.person_digest,
    ]
    canonical = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"{former}{canonical}".encode()).hexdigest()


def _walk(tenant_id: UUID) -> Break | None:
    links = HistoryLink.objects.filter(tenant_id=tenant_id).order_by("position")
    digest, expected, begun = START, 1, False
    while batch := list(links.filter(position__gte=expected)[:BATCH]):
        events, people = _rows(link.event_id for link in batch)
        for link in batch:
            event = events.get(link.event_id)
            if link.position != expected:
                return Break(link.event_id, link.position, "a link is missing before this one")
            if event is None and begun:
                return Break(link.event_id, link.position, "the row is missing")
            if event is not None:
                begun = True
                if next_digest(digest, event) != link.digest:
                    return Break(link.event_id, link.position, "the row was altered")
                if not _person_holds(event, people.get(event.id)):
                    return Break(link.event_id, link.position, "the personal fields were altered")
            digest, expected = link.digest, expected + 1
    return None


def _rows(ids: Iterable[int]) -> tuple[dict[int, HistoryEvent], dict[int, HistoryPerson]]:
    wanted = list(ids)
    events = {event.id: event for event in HistoryEvent.objects.filter(id__in=wanted)}
    return events, HistoryPerson.objects.in_bulk(wanted)


def _person_holds(event: HistoryEvent, person: HistoryPerson | None) -> bool:
    """Erased ones (no row, or no salt) cannot be compared any more: that is what erasing means."""
    if person is None or not person.salt:
        return True
    fields = {
        "actor_name": person.actor_name,
        "subject_name": person.subject_name,
        "source_address": person.source_address,
    }
    return person_digest(person.salt, fields) == event.person_digest


def _outside(tenant_id: UUID) -> Break | None:
    """A row that has no link and does not wait for one was put there past :func:`tenants.history.record`."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT e.id FROM tenants_historyevent e
            WHERE e.tenant_id = %(tenant)s
              AND NOT EXISTS (SELECT FROM tenants_historylink l WHERE l.event_id = e.id)
              AND NOT EXISTS (SELECT FROM tenants_historyperson p WHERE p.event_id = e.id AND NOT p.chained)
            ORDER BY e.id LIMIT 1
            """,
            {"tenant": tenant_id},
        )
        row = cursor.fetchone()
    return Break(row[0], None, "the row stands outside the chain") if row else None
