"""The latest sign-ins of a person, and those that were refused, as the record has them."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from tenants.acquainted import browser
from tenants.actions.entering import CODE, DEVICE_KEY, PASSWORD, SYNCED_KEY
from tenants.models import Tenant, User

SHOWN = 8
_ACTIONS = ["session.started", "session.confirmed", "session.refused"]
# The newest first, and then of each what stands beside it: rows of the record are found by their ids.
_RECENT = """
SELECT e.at, e.action, e.after::text,
    (SELECT source_address FROM tenants_historyperson WHERE event_id = e.id),
    (SELECT user_agent FROM tenants_usersession WHERE id = (e.after ->> 'session')::uuid)
FROM (
    SELECT id, at, action, after FROM tenants_historyevent
    WHERE tenant_id = %(tenant)s AND subject_kind = 'user' AND subject_id = %(user)s
        AND action = ANY(%(actions)s::text[])
    ORDER BY id DESC LIMIT %(shown)s
) e
ORDER BY e.id DESC
"""


def recent(*, tenant: Tenant, user: User) -> list[dict[str, Any]]:
    """Newest first, for the person himself; one query."""
    values: dict[str, Any] = {"tenant": tenant.pk, "user": str(user.pk), "actions": _ACTIONS, "shown": SHOWN}
    with connection.cursor() as cursor:
        cursor.execute(_RECENT, values)
        rows = cursor.fetchall()
    return [_shown(at, action, json.loads(after or "{}"), *beside) for at, action, after, *beside in rows]


def _way(action: str, after: Mapping[str, Any]) -> str:
    """How the person proved who he is (RFC 8176); rows from before it was recorded do not say."""
    methods = set(after.get("methods", ()))
    if action == "session.confirmed":
        again = methods & {DEVICE_KEY, SYNCED_KEY}
        return _("Passkey shown again") if again else _("Password given again")
    if methods & {DEVICE_KEY, SYNCED_KEY}:
        return _("Signed in with a passkey")
    if CODE in methods:
        return _("Signed in with password and code")
    if PASSWORD in methods:
        return _("Signed in with a password")
    return _("Signed in")


def _shown(
    at: datetime, action: str, after: Mapping[str, Any], source: str | None, agent: str | None
) -> dict[str, Any]:
    refused = action == "session.refused"
    if refused:
        closed = after.get("because") == "account_closed"
        said = _("The account was closed") if closed else _("Wrong password")
    else:
        said = _way(action, after)
    return {
        "at": at,
        "said": said,
        "refused": refused,
        "browser": browser(agent) if agent else "",
        "address": source or "",
        "more": bool(after.get("furtherNotRecorded")),
    }
