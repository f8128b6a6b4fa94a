"""The hash chain over a tenant's history, laid after commit; ``verification`` walks it.

Rows of a transaction that is still open have lower ids and appear later. So rows are linked in the order in
which they become visible; positions are gapless; ``HistoryPerson.chained`` says which rows wait.
"""

import hashlib
import json
from datetime import UTC
from uuid import UUID

from django.db import connection

from iam_portal.walls import cross_tenant, tenant_scope
from tenants.models import HistoryEvent, HistoryLink, HistoryPerson

BATCH = 1000
START = "0" * 64


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
