"""History rows as pages show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tenants.models import Group, HistoryEvent, HistoryPerson, Tenant, User
from tenants.views import wording

RECENT = 8


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


def lines(events: Sequence[HistoryEvent], *, tenant: Tenant) -> list[Line]:
    """The rows in words; three queries for any number of them. Links only to what is there."""
    ids = [event.id for event in events]
    people = {person.event_id: person for person in HistoryPerson.objects.filter(event_id__in=ids)}
    known = _known(events, tenant)
    return [_line(event, people.get(event.id), known, tenant.slug) for event in events]


def recent(*, tenant: Tenant, kind: str, object_id: object) -> list[dict[str, Any]]:
    """The latest rows about one object, for ``_history.html``."""
    events = HistoryEvent.objects.filter(tenant=tenant, subject_kind=kind, subject_id=str(object_id))
    events = events.exclude(action__startswith="session.")  # they would push everything else out
    return [
        {"at": line.event.at, "actor": line.actor, "text": line.text, "icon": line.icon}
        for line in lines(list(events.order_by("-id")[:RECENT]), tenant=tenant)
    ]


def _line(event: HistoryEvent, person: HistoryPerson | None, known: set[tuple[str, str]], slug: str) -> Line:
    themselves = (event.actor_kind, event.actor_id) == (event.subject_kind, event.subject_id)
    silent = themselves and wording.says_itself(event.action)
    chapter = wording.chapter_of(event.action)
    name = person.subject_name if person else ""
    return Line(
        event=event,
        actor=(person.actor_name if person else "") or event.actor_kind,
        actor_url=_link(slug, event.actor_kind, event.actor_id, known),
        phrase=wording.phrase(event.action, reflexive=themselves),
        subject="" if silent else name or event.subject_id,
        subject_url="" if silent else _link(slug, event.subject_kind, event.subject_id, known),
        tail=wording.tail(event.action, event.after),
        icon=chapter.icon if chapter else "activity",
        source_address=person.source_address if person else "",
    )


def _link(slug: str, kind: str, object_id: str, known: set[tuple[str, str]]) -> str:
    if kind in ("user", "group") and (kind, object_id) not in known:
        return ""
    return wording.address(slug, kind, object_id)


def _known(events: Sequence[HistoryEvent], tenant: Tenant) -> set[tuple[str, str]]:
    """Users and groups of this organization: a partner's person has no page here, nor a deleted group."""
    named = {(event.actor_kind, event.actor_id) for event in events}
    named |= {(event.subject_kind, event.subject_id) for event in events}
    users = [object_id for kind, object_id in named if kind == "user"]
    groups = [object_id for kind, object_id in named if kind == "group"]
    found = {
        ("user", str(pk))
        for pk in User.objects.filter(tenant=tenant, pk__in=users).values_list("pk", flat=True)
    }
    living = Group.objects.filter(tenant=tenant, pk__in=groups, during__endswith__isnull=True)
    return found | {("group", str(pk)) for pk in living.values_list("pk", flat=True)}
