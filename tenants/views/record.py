"""History rows as pages show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from iam_portal.spelled import Spelled
from tenants.models import HistoryEvent, Tenant
from tenants.views import wording

RECENT, FURTHER = 8, 20
MOST = 50  # rows that are looked through for what others did meanwhile


@dataclass(frozen=True, slots=True)
class Line:
    """One row, in words."""

    event: HistoryEvent
    actor: str
    actor_url: str
    phrase: str
    subject: str
    subject_url: str
    tail: str
    icon: str
    source_address: str

    @property
    def text(self) -> str:
        """Everything behind the actor."""
        return " ".join(part for part in (self.phrase, self.subject, self.tail) if part)


class _Person(NamedTuple):
    """Names as they were, and the address."""

    actor: str = ""
    subject: str = ""
    source_address: str = ""


_NOBODY = _Person()
_PEOPLE = """
SELECT event_id, actor_name, subject_name, source_address FROM tenants_historyperson
WHERE event_id = ANY(%(ids)s::bigint[])
"""


def lines(events: Sequence[HistoryEvent], *, tenant: Tenant) -> list[Line]:
    """The rows in words; two queries for any number of them. Links only to what is there."""
    with connection.cursor() as cursor:
        cursor.execute(_PEOPLE, {"ids": [event.id for event in events]})
        people = {pk: _Person(*told) for pk, *told in cursor.fetchall()}
    known = _known(events, tenant)
    return [_line(event, people.get(event.id, _NOBODY), known, tenant.slug) for event in events]


def shown(line: Line) -> dict[str, Any]:
    """For ``_history.html``, where rows speak of many objects: only the object is a link."""
    return {
        "at": line.event.at,
        "actor": line.actor,
        "text": line.phrase,
        "subject": line.subject,
        "url": line.subject_url,
        "tail": line.tail,
        "icon": line.icon,
        "note": _comment(line.event),
    }


def recent(*, tenant: Tenant, kind: str, object_id: object, limit: int = RECENT) -> list[dict[str, Any]]:
    """The latest rows about one object, for ``_history.html`` on its own page."""
    asked = {"tenant": tenant.pk, "kind": kind, "object_id": str(object_id)}
    events = _LATEST[limit].instances(HistoryEvent, **asked)
    return [_plain(line) for line in lines(events, tenant=tenant)]


def since(*, tenant: Tenant, kind: str, object_id: object, revision: int) -> list[dict[str, Any]]:
    """What was done to an object after the revision that somebody saw."""
    events = [
        event for event in _about(tenant.pk, kind, str(object_id))[:MOST] if _revision(event) > revision
    ]
    return [_plain(line) for line in lines(events, tenant=tenant)]


def _about(tenant: UUID, kind: str, object_id: str) -> QuerySet[HistoryEvent]:
    rows = HistoryEvent.objects.filter(tenant=tenant, subject_kind=kind, subject_id=object_id)
    return rows.order_by("-id")


def _latest(*, tenant: UUID, kind: str, object_id: str, limit: int) -> QuerySet[HistoryEvent]:
    return _about(tenant, kind, object_id).exclude(action__startswith="session.")[:limit]


def _newest(*, tenant: UUID) -> QuerySet[HistoryEvent]:
    rows = HistoryEvent.objects.filter(tenant=tenant).exclude(action__startswith="session.")
    return rows.order_by("-id")[:RECENT]


_LATEST = {
    limit: Spelled(partial(_latest, limit=limit), tenant=UUID, kind=str, object_id=str)
    for limit in (RECENT, FURTHER)
}
_NEWEST = Spelled(_newest, tenant=UUID)


def newest(*, tenant: Tenant) -> list[dict[str, Any]]:
    """The newest rows of the record, without sign-ins."""
    events = _NEWEST.instances(HistoryEvent, tenant=tenant.pk)
    return [shown(line) for line in lines(events, tenant=tenant)]


def _plain(line: Line) -> dict[str, Any]:
    return {
        "at": line.event.at,
        "actor": line.actor,
        "text": wording.alone(line.event.action) or line.text,
        "icon": line.icon,
        "note": _comment(line.event),
        "action": line.event.action,
        "actor_id": line.event.actor_id,
    }


def _comment(event: HistoryEvent) -> str:
    """What was said with the act."""
    comment = (event.after or {}).get("comment", "")
    return f"“{comment}”" if comment else ""


def _revision(event: HistoryEvent) -> int:
    text = str((event.after or {}).get("revision", "")).removeprefix("r-")
    return int(text) if text.isdigit() else 0


def _line(event: HistoryEvent, person: _Person, known: set[tuple[str, str]], slug: str) -> Line:
    themselves = (event.actor_kind, event.actor_id) == (event.subject_kind, event.subject_id)
    silent = themselves and wording.says_itself(event.action)
    return Line(
        event=event,
        actor=_actor(event, person),
        actor_url=_link(slug, event.actor_kind, event.actor_id, known),
        phrase=wording.phrase(event.action, reflexive=themselves),
        subject="" if silent else person.subject or event.subject_id,
        subject_url="" if silent else _link(slug, event.subject_kind, event.subject_id, known),
        tail=wording.tail(event.action, event.before, event.after),
        icon=wording.icon_of(event.action),
        source_address=person.source_address,
    )


def _actor(event: HistoryEvent, person: _Person) -> str:
    """A job of the portal is named as it begins a sentence."""
    name = person.actor or event.actor_kind
    return name[:1].upper() + name[1:] if event.actor_kind == "system" else name


def _link(slug: str, kind: str, object_id: str, known: set[tuple[str, str]]) -> str:
    if kind in ("user", "group") and (kind, object_id) not in known:
        return ""
    return wording.address(slug, kind, object_id)


_THERE = """
SELECT 'user', id::text FROM tenants_user
WHERE id = ANY(%(users)s::uuid[]) AND tenant_id = %(tenant)s AND deleted_at IS NULL
UNION ALL
SELECT 'group', id::text FROM tenants_group
WHERE id = ANY(%(groups)s::uuid[]) AND tenant_id = %(tenant)s AND upper(during) IS NULL
"""


def _known(events: Sequence[HistoryEvent], tenant: Tenant) -> set[tuple[str, str]]:
    """Users and groups of this organization: a partner's person has no page here, nor a deleted group."""
    named = {(event.actor_kind, event.actor_id) for event in events}
    named |= {(event.subject_kind, event.subject_id) for event in events}
    users = [object_id for kind, object_id in named if kind == "user"]
    groups = [object_id for kind, object_id in named if kind == "group"]
    if not users and not groups:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_THERE, {"tenant": tenant.id, "users": users, "groups": groups})
        return set(cursor.fetchall())
