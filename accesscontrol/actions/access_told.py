"""Whose roles may have changed, for applications that have it told: one event for each person.

Only where an organization has such a stream: of a role that a group of thousands is given there would
otherwise be thousands of events that nobody reads. Whether anything changed for an application is decided
when it is told: here more people may be named than are concerned.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from accesscontrol.models import Assignment
from applications.events import event, write
from applications.models import Webhook
from iam_portal.walls import tenant_scope

JUST_BEFORE = timedelta(microseconds=1)  # the grain of a moment

# Also who was in it until this moment: what ended with the act counts as what began with it.
_PEOPLE = """
WITH RECURSIVE below(group_id) AS (
    SELECT unnest(%(groups)s::uuid[])
    UNION
    SELECT p.group_id FROM below b JOIN tenants_groupplacement p
        ON p.parent_id = b.group_id AND p.tenant_id = %(tenant)s AND p.during && %(moment)s::tstzrange
)
SELECT DISTINCT m.user_id FROM below b JOIN tenants_membership m
    ON m.group_id = b.group_id AND m.tenant_id = %(tenant)s AND m.during && %(moment)s::tstzrange
ORDER BY m.user_id
"""


def of_assignments(rows: Sequence[Assignment], *, at: datetime) -> None:
    """These have just begun or ended; all of one tenant."""
    if not rows or not _wanted(rows[0].tenant_id):
        return
    for row in rows:
        about = row.application_role.application_id if row.application_role else None
        if row.user_id:
            _tell(row.tenant_id, [row.user_id], application_id=about, at=at)
        elif row.group_id:
            people = _people(row.tenant_id, [row.group_id], at)
            _tell(row.tenant_id, people, application_id=about, at=at)


def of_group(*, tenant_id: UUID, group_id: UUID, at: datetime) -> None:
    """It stands elsewhere, or is gone."""
    if _wanted(tenant_id):
        _tell(tenant_id, _people(tenant_id, [group_id], at), application_id=None, at=at)


def of_people(*, tenant_id: UUID, user_ids: Collection[UUID], at: datetime) -> None:
    """They came into a group, or went out of it."""
    if _wanted(tenant_id):
        _tell(tenant_id, user_ids, application_id=None, at=at)


def _wanted(tenant_id: UUID) -> bool:
    with tenant_scope(tenant_id):  # the job comes from no tenant
        streams = Webhook.objects.filter(tenant_id=tenant_id, form=Webhook.Form.SIGNALS, ended_at=None)
        return streams.exists()


def _people(tenant_id: UUID, group_ids: Collection[UUID], at: datetime) -> list[UUID]:
    asked: dict[str, Any] = {"tenant": tenant_id, "groups": list(group_ids)}
    asked["moment"] = f"[{(at - JUST_BEFORE).isoformat()},{at.isoformat()}]"
    with tenant_scope(tenant_id), connection.cursor() as cursor:
        cursor.execute(_PEOPLE, asked)
        return [user_id for (user_id,) in cursor]


def _tell(tenant_id: UUID, user_ids: Collection[UUID], *, application_id: str | None, at: datetime) -> None:
    write(
        [
            event(
                type="person.access_changed",
                tenant_id=tenant_id,
                application_id=application_id,
                subject=str(user_id),
                at=at,
                data={"userId": str(user_id), "applicationId": application_id},
            )
            for user_id in user_ids
        ]
    )
