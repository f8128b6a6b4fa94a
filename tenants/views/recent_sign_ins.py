"""The latest sign-ins of a person, and those that were refused, as the record has them."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from tenants.acquainted import browser
from tenants.actions.entering import CODE, DEVICE_KEY, PASSWORD, SYNCED_KEY
from tenants.models import HistoryEvent, HistoryPerson, Tenant, User, UserSession

SHOWN = 8
_ACTIONS = ("session.started", "session.confirmed", "session.refused")


def recent(*, tenant: Tenant, user: User) -> list[dict[str, Any]]:
    """Newest first, for the person himself; three queries."""
    rows = HistoryEvent.objects.filter(tenant=tenant, subject_kind="user", subject_id=str(user.id))
    events = list(rows.filter(action__in=_ACTIONS).order_by("-id")[:SHOWN])
    people = HistoryPerson.objects.filter(event_id__in=[event.id for event in events])
    sources = dict(people.values_list("event_id", "source_address"))
    sessions = UserSession.objects.in_bulk([key for event in events if (key := _session(event))])
    return [_shown(event, sources.get(event.id, ""), sessions) for event in events]


def _session(event: HistoryEvent) -> UUID | None:
    told = (event.after or {}).get("session")
    return UUID(told) if told else None


def _way(event: HistoryEvent) -> str:
    """How the person proved who he is (RFC 8176); rows from before it was recorded do not say."""
    methods = set((event.after or {}).get("methods", ()))
    if event.action == "session.confirmed":
        again = methods & {DEVICE_KEY, SYNCED_KEY}
        return _("Passkey shown again") if again else _("Password given again")
    if methods & {DEVICE_KEY, SYNCED_KEY}:
        return _("Signed in with a passkey")
    if CODE in methods:
        return _("Signed in with password and code")
    if PASSWORD in methods:
        return _("Signed in with a password")
    return _("Signed in")


def _shown(event: HistoryEvent, source: str, sessions: dict[UUID, UserSession]) -> dict[str, Any]:
    refused = event.action == "session.refused"
    session = sessions.get(_session(event) or UUID(int=0))
    if refused:
        closed = (event.after or {}).get("because") == "account_closed"
        said = _("The account was closed") if closed else _("Wrong password")
    else:
        said = _way(event)
    return {
        "at": event.at,
        "said": said,
        "refused": refused,
        "browser": browser(session.user_agent) if session is not None and session.user_agent else "",
        "address": source,
        "more": bool((event.after or {}).get("furtherNotRecorded")),
    }
