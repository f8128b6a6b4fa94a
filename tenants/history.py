"""The one function that writes history. It runs in the transaction of the change, or nothing happens."""

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from iam_portal.errors import DomainError
from iam_portal.gate import Actor
from iam_portal.walls import cross_tenant, current_tenant
from tenants.models import HistoryEvent, HistoryPerson, Tenant


def record(
    *,
    action: str,
    tenants: Iterable[Tenant | UUID],
    by: Actor,
    at: datetime,
    subject: tuple[str, object, str],
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Write one row per tenant concerned.

    ``subject`` is (kind, id, name). ``before`` and ``after`` must be free of secrets and personal fields.
    Raises outside a transaction: a change and its record stand or fall together.
    """
    ids = {tenant.id if isinstance(tenant, Tenant) else tenant for tenant in tenants}
    change = Change(subject, before, after)
    record_each(action=action, changes=[(key, change) for key in sorted(ids, key=str)], by=by, at=at)


@dataclass(frozen=True, slots=True)
class Change:
    """What an act did to one thing; the members are those of :func:`record`."""

    subject: tuple[str, object, str]
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


def record_each(*, action: str, changes: Sequence[tuple[UUID, Change]], by: Actor, at: datetime) -> None:
    """The same for many things at once, each with the id of the tenant in which the row stands.

    A row each, and beside it what may be erased: two statements for a thousand of them.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("history is written in the transaction of the change")
    events, people = [], []
    for tenant_id, change in changes:
        kind, subject_id, name = change.subject
        salt, person = secrets.token_hex(16), _person(tenant_id, by, name)
        events.append(
            HistoryEvent(
                tenant_id=tenant_id,
                person_digest=person_digest(salt, person),
                at=at,
                action=action,
                actor_kind=by.kind,
                actor_id=by.id,
                subject_kind=kind,
                subject_id=str(subject_id),
                before=change.before,
                after=change.after,
                request_id=by.request_id,
            )
        )
        people.append(HistoryPerson(tenant_id=tenant_id, salt=salt, **person))
    own = {str(tenant_id) for tenant_id, _ in changes} == {current_tenant()}
    with nullcontext() if own else cross_tenant():  # the other side of a contract has its row too
        _write(events, people)


def _write(events: list[HistoryEvent], people: list[HistoryPerson]) -> None:
    HistoryEvent.objects.bulk_create(events, batch_size=1000)
    for event, beside in zip(events, people, strict=True):
        beside.event_id = event.id
    HistoryPerson.objects.bulk_create(people, batch_size=1000)


def _person(tenant_id: UUID, by: Actor, subject_name: str) -> dict[str, str]:
    """Names as they are now. The address is the actor's own tenant's to know."""
    return {
        "actor_name": by.name[:200],
        "subject_name": subject_name[:200],
        "source_address": by.source_address[:64] if by.tenant_id in (tenant_id, None) else "",
    }


def record_refusal(refusal: Exception) -> None:
    """Write what a refusal wants recorded of itself, once: it carries the arguments of :func:`record`.

    The doors call it when the refused act has been rolled back, in a transaction of its own.
    """
    wanted = refusal.record if isinstance(refusal, DomainError) else None
    if wanted is not None:
        assert isinstance(refusal, DomainError)
        refusal.record = None
        with transaction.atomic():
            record(**wanted)


def person_digest(salt: str, person: Mapping[str, str]) -> str:
    """SHA-256 over salt and personal fields: what the chain keeps of them."""
    canonical = json.dumps([salt, sorted(person.items())], separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
