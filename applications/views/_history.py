"""History as sentences: what the tenant's record says of applications and contracts."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from applications.models import Application
from tenants.models import HistoryEvent, HistoryPerson, Tenant
from tenants.views.wording import phrase

SHOWN = 20
MOMENT = timedelta(minutes=10)  # younger than this, an equal thing is the same click, sent twice
# action → (words after the name of who did it, icon)
WORDS: dict[str, tuple[str | Promise, str]] = {
    "application.registered": (_("registered the application"), "plus"),
    "application.changed": (_("changed the application"), "edit"),
    "application.suspended": (_("suspended the application"), "pause"),
    "application.resumed": (_("resumed the application"), "play"),
    "application.retired": (_("retired the application"), "stop"),
    "manifest.declared": (_("declared roles and resources"), "apps"),
    "client.added": (_("added the public client"), "key"),
    "secret.added": (_("added a secret"), "key"),
    "secret.revoked": (_("revoked a secret"), "trash"),
    "contract.drafted": (_("drafted the contract"), "contract"),
    "contract.edited": (_("changed the draft"), "edit"),
    "contract.proposed": (_("proposed the contract"), "mail"),
    "contract.withdrawn": (_("withdrew the contract"), "x"),
    "contract.declined": (_("declined the contract"), "x"),
    "contract.accepted": (_("accepted the contract"), "check"),
    "contract.paused": (_("paused the contract"), "pause"),
    "contract.pause_cancelled": (_("cancelled a planned pause"), "x"),
    "contract.resumed": (_("resumed the contract"), "play"),
    "contract.ended": (_("ended the contract"), "stop"),
}

FIELDS = {
    "name": _("the technical name"),
    "displayName": _("the name"),
    "description": _("the description"),
    "homeUrl": _("the address"),
}


def of_subject(tenant: Tenant, kind: str, subject_id: object, *, limit: int = SHOWN) -> list[dict[str, Any]]:
    """The tenant's rows about one object, newest first, ready for ``_history.html``. Two queries."""
    rows = HistoryEvent.objects.filter(tenant=tenant, subject_kind=kind, subject_id=str(subject_id))
    return [shape(row, person) for row, person in _with_people(tenant, rows[:limit])]


def since_revision(tenant: Tenant, contract_id: object, revision: int) -> list[dict[str, Any]]:
    """What was done to a contract after the revision that somebody saw."""
    rows = HistoryEvent.objects.filter(tenant=tenant, subject_kind="contract", subject_id=str(contract_id))
    found = _with_people(tenant, rows[:SHOWN])
    return [shape(row, person) for row, person in found if _revision(row) > revision]


def changed_fields(application: Application, tenant: Tenant, revision: int | None) -> list[str]:
    """What others made of an application's texts since the revision that somebody saw."""
    count = max(0, application.revision - (revision or application.revision))
    rows = HistoryEvent.objects.filter(
        tenant=tenant, subject_kind="application", subject_id=application.id, action="application.changed"
    )
    said = [gettext("Save once more to replace it by what stands here.")]
    for row, person in _with_people(tenant, rows[:count]):
        before, after = row.before or {}, row.after or {}
        for name, value in after.items():
            if before.get(name) != value:
                said.append(
                    gettext("%(who)s changed %(field)s to “%(value)s”.")
                    % {
                        "who": person.actor_name if person else "",
                        "field": FIELDS.get(name, name),
                        "value": value,
                    }
                )
    return said


def shape(row: HistoryEvent, person: HistoryPerson | None) -> dict[str, Any]:
    """One row: who, what, when, and the comment that was given with it."""
    words, icon = WORDS.get(row.action, (phrase(row.action), "activity"))
    comment = (row.after or {}).get("comment", "")
    return {
        "at": row.at,
        "actor": person.actor_name if person else _("Somebody"),
        "text": words,
        "icon": icon,
        "note": f"“{comment}”" if comment else "",
        "action": row.action,
        "actor_id": row.actor_id,
    }


def _with_people(
    tenant: Tenant, rows: Iterable[HistoryEvent]
) -> list[tuple[HistoryEvent, HistoryPerson | None]]:
    found = list(rows)
    people = HistoryPerson.objects.filter(tenant=tenant, event_id__in=[row.id for row in found])
    names = {person.event_id: person for person in people}
    return [(row, names.get(row.id)) for row in found]


def _revision(row: HistoryEvent) -> int:
    text = str((row.after or {}).get("revision", "")).removeprefix("r-")
    return int(text) if text.isdigit() else 0
