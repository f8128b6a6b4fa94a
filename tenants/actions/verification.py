"""Walking a tenant's chain, to prove that no row was altered, removed or slipped in."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from django.db import connection

from iam_portal import sealing
from iam_portal.walls import tenant_scope
from tenants.actions.anchors import Dropped
from tenants.actions.chain import BATCH, START, next_digest
from tenants.history import person_digest
from tenants.models import HistoryAnchor, HistoryCheck, HistoryEvent, HistoryLink, HistoryPerson, Tenant

log = structlog.get_logger("iam.history")


@dataclass(frozen=True, slots=True)
class Break:
    """The first place where the chain of a tenant does not hold."""

    event_id: int | None
    position: int | None
    why: str


@dataclass(slots=True)
class Walk:
    """How far a walk has come, and what it found."""

    position: int = 0
    digest: str = START
    found: Break | None = None


def check_all(*, at: datetime) -> int:
    """Walk the chain of every tenant and note the result; how many are broken."""
    broken = 0
    for tenant_id in Tenant.objects.order_by("slug").values_list("id", flat=True):
        if found := check(tenant_id=tenant_id, at=at):
            broken += 1
            log.error("history_broken", tenant=str(tenant_id), position=found.position, why=found.why)
    return broken


def check(*, tenant_id: UUID, at: datetime) -> Break | None:
    """:func:`verify`, and note when it was done and up to where the chain held."""
    with tenant_scope(tenant_id):
        walk = _walked(tenant_id)
        found = walk.found
        note = {
            "checked_at": at,
            "position": walk.position,
            "digest": walk.digest,
            "why": found.why if found else "",
            "broken_at": found.position if found else None,
            "seal": sealing.seal(_told(tenant_id, walk.position, walk.digest)),
        }
        HistoryCheck.objects.update_or_create(tenant_id=tenant_id, defaults=note)
    return found


def verify(*, tenant_id: UUID) -> Break | None:
    """Walk all links, then look for rows outside the chain. ``None`` when everything holds.

    Where retention has dropped rows, the anchors say what was there.
    """
    with tenant_scope(tenant_id):
        return _walked(tenant_id).found


def _walked(tenant_id: UUID) -> Walk:
    """A row that retention took away during the walk is no break: then the walk begins anew."""
    while True:
        anchors = list(HistoryAnchor.objects.filter(tenant_id=tenant_id))
        walk = _walk(tenant_id, Dropped(anchors))
        if not walk.found or HistoryAnchor.objects.filter(tenant_id=tenant_id).count() == len(anchors):
            return walk


def _walk(tenant_id: UUID, dropped: Dropped) -> Walk:
    walk = Walk()
    if dropped.altered is not None:
        walk.found = Break(None, dropped.altered, "an anchor was altered")
        return walk
    known = _known(tenant_id)
    if isinstance(known, Break):
        walk.found = known
        return walk
    links = HistoryLink.objects.filter(tenant_id=tenant_id).order_by("position")
    while batch := list(links.filter(position__gt=walk.position)[:BATCH]):
        walk.found = _batch(walk, batch, dropped, known)
        if walk.found is not None:
            return walk
    if known and known[0] > walk.position:
        walk.found = Break(None, walk.position + 1, "the end of the chain is missing")
    elif (position := dropped.unfinished()) is not None:
        walk.found = Break(None, position, "the links that an anchor stands for were altered")
    else:
        walk.found = _outside(tenant_id)
    return walk


def _batch(
    walk: Walk, batch: list[HistoryLink], dropped: Dropped, known: tuple[int, str] | None
) -> Break | None:
    events, people = _rows(link.event_id for link in batch)
    for link in batch:
        event = events.get(link.event_id)
        if link.position != walk.position + 1:
            return Break(link.event_id, link.position, "a link is missing before this one")
        excused = dropped.passes(link.position, link.digest)
        if event is None and not excused:
            return Break(link.event_id, link.position, "the row is missing")
        if event is not None:
            if next_digest(walk.digest, event) != link.digest:
                return Break(link.event_id, link.position, "the row was altered")
            if not _person_holds(event, people.get(event.id)):
                return Break(link.event_id, link.position, "the personal fields were altered")
        if known is not None and known[0] == link.position and known[1] != link.digest:
            return Break(link.event_id, link.position, "the chain was laid anew")
        walk.position, walk.digest = link.position, link.digest
    return None


def _known(tenant_id: UUID) -> tuple[int, str] | Break | None:
    """Position and digest that the last walk came to; None when there was none."""
    last = HistoryCheck.objects.filter(tenant_id=tenant_id).first()
    if last is None:
        return None
    try:
        told = sealing.unseal(last.seal)
    except sealing.InvalidToken:
        told = ""
    if told != _told(tenant_id, last.position, last.digest):
        return Break(None, None, "the note of the last verification was altered")
    return (last.position, last.digest) if last.position else None


def _told(tenant_id: UUID, position: int, digest: str) -> str:
    return json.dumps(["history-check", str(tenant_id), position, digest])


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
