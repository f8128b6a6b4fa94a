"""What can be asked of the record of one organization: which rows, and what is known of each."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from iam_portal.decision import rfc3339
from iam_portal.errors import DomainError
from iam_portal.walls import tenant_scope
from tenants.models import (
    HistoryAnchor,
    HistoryCheck,
    HistoryEvent,
    HistoryLink,
    HistoryPerson,
    Tenant,
)

BATCH = 1000


class ExportOvertaken(DomainError):
    """Retention dropped rows while they were read: what was sent is not all."""

    code = "export_overtaken"


@dataclass(frozen=True, slots=True)
class Asked:
    """Which rows. ``actions`` are whole (``contract.paused``) or beginnings (``contract.``)."""

    actions: tuple[str, ...] = ()
    action: str = ""  # one of them, if ``actions`` are given too: both have to fit
    actor_kind: str = ""
    actor_id: str = ""
    actor_name: str = ""
    subject_kind: str = ""
    subject_id: str = ""
    subject_name: str = ""
    name: str = ""  # of either
    since: datetime | None = None
    until: datetime | None = None
    request_id: str = ""

    def rows(self, tenant: Tenant) -> QuerySet[HistoryEvent]:
        """In no order yet. Each side of an act between organizations has its own row, and finds only that."""
        exactly = {
            "actor_kind": self.actor_kind,
            "actor_id": self.actor_id,
            "subject_kind": self.subject_kind,
            "subject_id": self.subject_id,
            "request_id": self.request_id,
        }
        rows = HistoryEvent.objects.filter(
            tenant=tenant, **{key: text for key, text in exactly.items() if text}
        )
        if self.actions:
            rows = rows.filter(_of(self.actions))
        if self.action:
            rows = rows.filter(_of([self.action]))
        if self.since:
            rows = rows.filter(at__gte=self.since)
        if self.until:
            rows = rows.filter(at__lt=self.until)
        for names, text in (
            (("actor_name",), self.actor_name),
            (("subject_name",), self.subject_name),
            (("actor_name", "subject_name"), self.name),
        ):
            if text:
                rows = rows.filter(_named(names, text))
        return rows


@dataclass(frozen=True, slots=True)
class Row:
    """A row with the names beside it, which may be erased."""

    event: HistoryEvent
    person: HistoryPerson | None

    @property
    def actor_name(self) -> str:
        """As it was then."""
        return self.person.actor_name if self.person else ""

    @property
    def subject_name(self) -> str:
        """As it was then."""
        return self.person.subject_name if self.person else ""

    @property
    def source_address(self) -> str:
        """Of the tenant's own people and services."""
        return self.person.source_address if self.person else ""


@dataclass(frozen=True, slots=True)
class ChainState:
    """Of a whole chain: how long it is, what waits for its link, what the last walk found."""

    position: int
    digest: str
    waiting: int
    waiting_since: datetime | None
    check: HistoryCheck | None
    anchor: HistoryAnchor | None


def with_names(events: Sequence[HistoryEvent]) -> list[Row]:
    """The names of all rows in one query."""
    people = HistoryPerson.objects.in_bulk([event.id for event in events])
    return [Row(event, people.get(event.id)) for event in events]


def one(*, tenant: Tenant, reference: UUID) -> Row | None:
    """The row of this name, if the organization has it."""
    found = HistoryEvent.objects.filter(tenant=tenant, reference=reference).first()
    return with_names([found])[0] if found else None


def link_of(event: HistoryEvent) -> HistoryLink | None:
    """Its place in the chain; None while it waits for one."""
    return HistoryLink.objects.filter(tenant_id=event.tenant_id, event_id=event.id).first()


def check_of(tenant: Tenant) -> HistoryCheck | None:
    """What the last walk over the chain found."""
    return HistoryCheck.objects.filter(tenant=tenant).first()


def chain_of(tenant: Tenant) -> ChainState:
    """The state of the organization's chain, in a fixed number of queries."""
    head = HistoryLink.objects.filter(tenant=tenant).order_by("-position").first()
    ids = HistoryPerson.objects.filter(tenant=tenant, chained=False).order_by("event_id").values("event_id")
    first = HistoryEvent.objects.filter(tenant=tenant, id__in=ids[:1]).first()
    return ChainState(
        position=head.position if head else 0,
        digest=head.digest if head else "",
        waiting=ids.count(),
        waiting_since=first.at if first else None,
        check=check_of(tenant),
        anchor=HistoryAnchor.objects.filter(tenant=tenant).order_by("-month", "-position").first(),
    )


def every_row(asked: Asked, *, tenant: Tenant) -> Iterator[Row]:
    """All rows that were there at the first step, newest first, each batch in a transaction of its own.

    Constant memory, and nobody waits for a slow reader. Raises :class:`ExportOvertaken` where retention took
    rows away meanwhile: an end that is missing must not look like an end.
    """
    with tenant_scope(tenant.id):
        anchored, edge = _anchored(tenant), None
    while True:
        with tenant_scope(tenant.id):
            rows = asked.rows(tenant)
            if edge is not None:
                rows = rows.filter(id__lt=edge)
            batch = with_names(list(rows.order_by("-id")[:BATCH]))
            if _anchored(tenant) != anchored:
                raise ExportOvertaken("Retention dropped old rows meanwhile. Ask again.")
        yield from batch
        if len(batch) < BATCH:
            return
        edge = batch[-1].event.id


def _anchored(tenant: Tenant) -> int:
    return HistoryAnchor.objects.filter(tenant=tenant).count()


def _of(actions: Iterable[str]) -> Q:
    found = Q()
    for action in actions:
        found |= Q(action__startswith=action) if action.endswith(".") else Q(action=action)
    return found


def _named(names: Sequence[str], text: str) -> Exists:
    wanted = Q(*[(f"{name}__icontains", text) for name in names], _connector=Q.OR)
    return Exists(HistoryPerson.objects.filter(wanted, event_id=OuterRef("pk")))


def as_json(row: Row) -> dict[str, Any]:
    """A row as it is told outside; ``before`` and ``after`` hold no personal field and no secret."""
    event = row.event
    return {
        "id": str(event.reference),
        "at": rfc3339(event.at),
        "action": event.action,
        "actor": {"type": event.actor_kind, "id": event.actor_id, "name": row.actor_name},
        "subject": {"type": event.subject_kind, "id": event.subject_id, "name": row.subject_name},
        "before": event.before,
        "after": event.after,
        "sourceAddress": row.source_address,
        "requestId": event.request_id,
    }
