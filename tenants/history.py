"""The one function that writes history. It runs in the transaction of the change, or nothing happens."""

import hashlib
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from iam_portal.errors import DomainError, Forbidden
from iam_portal.gate import Actor
from iam_portal.walls import cross_tenant, current_tenant
from tenants.models import HistoryEvent, HistoryPerson, Tenant

NOTED, NOTED_WITHIN = 20, timedelta(hours=1)  # refusals of one kind and actor that are recorded
RECENT = 1000  # rows of the actor among which they are counted: nobody else can push them out
_RECENT_REFUSALS = """
SELECT count(*) FROM (
    SELECT action, at FROM tenants_historyevent WHERE tenant_id = %s AND actor_id = %s
    ORDER BY id DESC LIMIT %s
) AS recent
WHERE action = %s AND at > %s
"""
_NTH_LATEST = """
SELECT at FROM tenants_historyevent WHERE tenant_id = %s AND actor_id = %s AND at > %s
ORDER BY id DESC OFFSET %s LIMIT 1
"""

_recorded: ContextVar[bool] = ContextVar("recorded", default=True)


@contextmanager
def unrecorded() -> Iterator[None]:
    """For what is taken back in any case, and its record with it: neither row nor event is written."""
    token = _recorded.set(False)
    try:
        yield
    finally:
        _recorded.reset(token)


def is_recorded() -> bool:
    """Whether what is done now may stay."""
    return _recorded.get()


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one object: ``subject`` is (kind, id, name)."""

    subject: tuple[str, object, str]
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    @property
    def columns(self) -> dict[str, Any]:
        """Without the name, which stands beside the row."""
        kind, subject_id, _ = self.subject
        return {
            "subject_kind": kind,
            "subject_id": str(subject_id),
            "before": self.before,
            "after": self.after,
        }


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
    _require_transaction()
    change = {**_act(action, by, at), **Change(subject, before, after).columns}
    ids = {tenant.id if isinstance(tenant, Tenant) else tenant for tenant in tenants}
    own = {str(tenant_id) for tenant_id in ids} == {current_tenant()}
    with nullcontext() if own else cross_tenant():  # the other side of a contract has its row too
        _write([(tenant_id, change, subject[2]) for tenant_id in sorted(ids, key=str)], by)


def record_each(*, action: str, tenant: Tenant, by: Actor, at: datetime, changes: Sequence[Change]) -> None:
    """A row for each of many that one act changed in a tenant: as many statements as for one."""
    _require_transaction()
    act = _act(action, by, at)
    _write([(tenant.id, {**act, **each.columns}, each.subject[2]) for each in changes], by)


def record_sides(*, action: str, by: Actor, at: datetime, changes: Mapping[UUID, Sequence[Change]]) -> None:
    """A row for each of many that one act changed in many tenants: as many statements as for one of them."""
    _require_transaction()
    act = _act(action, by, at)
    rows = [
        (tenant_id, {**act, **each.columns}, each.subject[2])
        for tenant_id in sorted(changes, key=str)
        for each in changes[tenant_id]
    ]
    with cross_tenant():  # each side has its rows
        _write(rows, by)


def _require_transaction() -> None:
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("history is written in the transaction of the change")


def _act(action: str, by: Actor, at: datetime) -> dict[str, Any]:
    return {
        "at": at,
        "action": action,
        "actor_kind": by.kind,
        "actor_id": by.id,
        "request_id": by.request_id,
    }


def _write(rows: Sequence[tuple[UUID, Mapping[str, Any], str]], by: Actor) -> None:
    """The rows, and beside each what may be erased: two statements for any number of them."""
    if not is_recorded():
        return
    events, people = [], []
    for tenant_id, change, subject_name in rows:
        salt, person = secrets.token_hex(16), _person(tenant_id, by, subject_name)
        digest = person_digest(salt, person)
        events.append(HistoryEvent(tenant_id=tenant_id, person_digest=digest, **change))
        people.append(HistoryPerson(tenant_id=tenant_id, salt=salt, **person))
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

    The doors call it when the refused act has been rolled back, in a transaction of its own. Who is refused
    again and again fills nothing: of one actor :data:`NOTED` of a kind stand in an hour, the last says so.
    """
    wanted = refusal.record if isinstance(refusal, DomainError) else None
    if wanted is None:
        return
    assert isinstance(refusal, DomainError)
    refusal.record = None
    with transaction.atomic():
        [tenant_id] = wanted["tenants"]
        noted = _noted(tenant_id, wanted["action"], by=wanted["by"], at=wanted["at"])
        if noted == NOTED - 1:
            wanted = {**wanted, "after": {**wanted["after"], "furtherNotRecorded": True}}
        if noted < NOTED:
            record(**wanted)


def note_door(refusal: Exception, *, door: str, tenant_id: UUID, by: Actor, at: datetime) -> None:
    """Let a refusal say that somebody tried to change what he may not. It may say more by itself already."""
    if isinstance(refusal, Forbidden) and refusal.record is None:
        refusal.record = {
            "action": "door.refused",
            "tenants": [tenant_id],
            "by": by,
            "at": at,
            "subject": ("door", door, door),
            "after": {"reasons": sorted({reason.code for reason in refusal.reasons})},
        }


def _noted(tenant_id: UUID, action: str, *, by: Actor, at: datetime) -> int:
    """How many such refusals of the actor stand among his latest rows: a look of a fixed length."""
    values = [tenant_id, by.id, RECENT, action, at - NOTED_WITHIN]
    with cross_tenant(), transaction.get_connection().cursor() as cursor:
        cursor.execute(_RECENT_REFUSALS, values)
        return int(cursor.fetchone()[0])


def wait_for(most: int, *, tenant: Tenant, by: Actor, at: datetime, within: timedelta) -> timedelta | None:
    """How long until the actor has fewer than ``most`` rows of the last while there. None: he has now."""
    with transaction.get_connection().cursor() as cursor:
        cursor.execute(_NTH_LATEST, [tenant.id, by.id, at - within, most - 1])
        found = cursor.fetchone()
    return found[0] + within - at if found is not None else None


def person_digest(salt: str, person: Mapping[str, str]) -> str:
    """SHA-256 over salt and personal fields: what the chain keeps of them."""
    canonical = json.dumps([salt, sorted(person.items())], separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
