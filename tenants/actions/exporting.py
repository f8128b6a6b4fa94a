"""A copy of all that a tenant keeps about one of its people, for him (GDPR, Art. 15 and 20).

Who takes it is recorded: it is more than any page shows at once. Secrets are not in it, nor their digests.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from iam_portal.decision import rfc3339
from iam_portal.errors import NotFound
from iam_portal.gate import Actor
from iam_portal.walls import tenant_scope
from tenants.history import record
from tenants.models import (
    ExternalId,
    HistoryEvent,
    HistoryPerson,
    IdentityLink,
    Tenant,
    User,
    UserLink,
    UserSession,
)
from tenants.models.spanned import told_span
from tenants.signals import person_exported

MOST = 10_000  # rows of history in a copy that somebody waits for


class Record(Enum):
    """How much of history is in a copy: a request has no time for the life of a busy administrator."""

    WHOLE = None
    NEWEST = MOST
    NOTHING = 0


def export(
    *, tenant: Tenant, user_id: UUID, by: Actor, at: datetime, record_of_acts: Record = Record.WHOLE
) -> dict[str, Any]:
    """Everything, and the row that says who took it. ``NotFound`` for anybody else's people.

    ``historyComplete`` tells whether all of history is there: what he did is the record's, which not
    everybody may read who may read of people.
    """
    with tenant_scope(tenant.id), transaction.atomic():
        user = User.everyone.filter(tenant=tenant, pk=user_id).first()
        if user is None:
            raise NotFound
        told: dict[str, Any] = {"organization": tenant.name, "takenAt": rfc3339(at), **_person(user)}
        answers: list[Any] = person_exported.send(sender=User, tenant=tenant, user=user)
        for _receiver, members in answers:
            told |= members
        told |= _history(user, record_of_acts.value)
        subject = ("user", user.id, str(user))
        record(action="user.exported", tenants=[tenant], by=by, at=at, subject=subject)
    return told


def _person(user: User) -> Mapping[str, Any]:
    return {
        "userId": str(user.id),
        "username": user.username,
        "email": user.email,
        "emailProvenAt": rfc3339(user.email_proven_at),
        "displayName": user.display_name,
        "externalIds": list(ExternalId.objects.filter(user=user).values_list("value", flat=True)),
        "language": user.language,
        "timeZone": user.time_zone,
        "createdAt": rfc3339(user.created_at),
        "deletedAt": rfc3339(user.deleted_at),
        "active": [told_span(row.during) for row in user.activity.order_by("during")],
        "groups": [
            {"name": row.group.name, **told_span(row.during)}
            for row in user.memberships.select_related("group").order_by("during")
        ],
        "factors": [
            {"kind": kind, "name": row.name, "addedAt": rfc3339(row.created_at)}
            for kind, rows in (("app", user.apps.all()), ("passkey", user.passkeys.all()))
            for row in rows
        ],
        "recoveryCodes": user.recovery_codes.count(),
        "links": [_link(row) for row in user.links.order_by("created_at")],
        "identities": [_identity(row) for row in user.identity_links.select_related("provider")],
        "sessions": [_session(row) for row in user.sessions.order_by("created_at")],
    }


def _link(row: UserLink) -> Mapping[str, Any]:
    return {
        "purpose": row.purpose,
        "email": row.email or None,
        "sentAt": rfc3339(row.created_at),
        "usedAt": rfc3339(row.used_at),
    }


def _identity(row: IdentityLink) -> Mapping[str, Any]:
    return {
        "provider": row.provider.name,
        "issuer": row.provider.issuer,
        "subject": row.subject,
        "linkedAt": rfc3339(row.created_at),
        "usedAt": rfc3339(row.last_used_at),
    }


def _session(row: UserSession) -> Mapping[str, Any]:
    return {
        "begunAt": rfc3339(row.created_at),
        "seenAt": rfc3339(row.seen_at),
        "endedAt": rfc3339(row.ended_at),
        "methods": row.methods,
        "sourceAddress": row.source_address,
        "browser": row.user_agent,
    }


def _history(user: User, most: int | None) -> dict[str, Any]:
    """What he did, and what was done to him, the newest; of others only the names that stand beside it."""
    his = Q(actor_kind="user", actor_id=str(user.id)) | Q(subject_kind="user", subject_id=str(user.id))
    found = HistoryEvent.objects.filter(his, tenant_id=user.tenant_id).order_by("-id")
    newest = list(found if most is None else found[: most + 1])
    rows = newest[:most][::-1]
    beside = _beside(user, [row.id for row in rows])
    acts = [_act(row, user, beside.get(row.id)) for row in rows]
    return {"history": acts, "historyComplete": len(rows) == len(newest)}


def _act(row: HistoryEvent, user: User, beside: HistoryPerson | None) -> dict[str, Any]:
    return {
        "at": rfc3339(row.at),
        "action": row.action,
        "by": beside.actor_name if beside else None,
        "subject": beside.subject_name if beside else None,
        "sourceAddress": beside.source_address if beside and _own(row, user) else None,
        "before": row.before,
        "after": row.after,
    }


def _own(row: HistoryEvent, user: User) -> bool:
    """Where others acted from is theirs."""
    return row.actor_kind == "user" and row.actor_id == str(user.id)


def _beside(user: User, ids: Iterable[int]) -> dict[int, HistoryPerson]:
    found = HistoryPerson.objects.filter(tenant_id=user.tenant_id, event_id__in=ids)
    return {row.event_id: row for row in found}
