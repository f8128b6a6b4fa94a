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
from applications.models import Event, Webhook
from iam_portal.walls import tenant_scope

JUST_BEFORE = timedelta(microseconds=1)  # the grain of a moment

MOST_AT_ONCE = 1000  # events in memory

# Also who was in it until this moment: what ended with the act counts as what began with it.
_PEOPLE = """
WITH RECURSIVE given(group_id, application_id) AS (
    SELECT * FROM unnest(%(groups)s::uuid[], %(about)s::text[])
), below(group_id, application_id) AS (
    SELECT group_id, application_id FROM given
    UNION
    SELECT p.group_id, b.application_id FROM below b JOIN tenants_groupplacement p
        ON p.parent_id = b.group_id AND p.tenant_id = %(tenant)s AND p.during && %(moment)s::tstzrange
)
SELECT m.user_id, b.application_id FROM below b JOIN tenants_membership m
    ON m.group_id = b.group_id AND m.tenant_id = %(tenant)s AND m.during && %(moment)s::tstzrange
UNION
SELECT * FROM unnest(%(people)s::uuid[], %(theirs)s::text[])
ORDER BY application_id, user_id
"""

About = str | None  # an application; None: whichever


def of_assignments(rows: Sequence[Assignment], *, at: datetime) -> None:
    """These have just begun or ended; all of one tenant.

    A person is told of once for an application, by however many groups he is in: one act may end thousands
    of rows, and thousands of people may be below each.
    """
    listening = _listening(rows[0].tenant_id) if rows else frozenset()
    people: set[tuple[UUID, About]] = set()
    groups: set[tuple[UUID, About]] = set()
    for row in rows:
        about = row.application_role.application_id if row.application_role else None
        if about is not None and about not in listening:
            continue
        if row.user_id:
            people.add((row.user_id, about))
        elif row.group_id:
            groups.add((row.group_id, about))
    if listening:
        _tell(rows[0].tenant_id, groups=groups, people=people, at=at)


def of_group(*, tenant_id: UUID, group_id: UUID, at: datetime) -> None:
    """It stands elsewhere, or is gone."""
    if _listening(tenant_id):
        _tell(tenant_id, groups={(group_id, None)}, people=(), at=at)


def of_people(*, tenant_id: UUID, user_ids: Collection[UUID], at: datetime) -> None:
    """They came into a group, or went out of it."""
    if _listening(tenant_id):
        _tell(tenant_id, groups=(), people={(user_id, None) for user_id in user_ids}, at=at)


def _listening(tenant_id: UUID) -> frozenset[str]:
    """Applications that have it told."""
    with tenant_scope(tenant_id):  # the job comes from no tenant
        streams = Webhook.objects.filter(tenant_id=tenant_id, form=Webhook.Form.SIGNALS, ended_at=None)
        found = streams.values_list("application_id", flat=True)
        return frozenset(id for id in found if id is not None)


def _tell(
    tenant_id: UUID,
    *,
    groups: Collection[tuple[UUID, About]],
    people: Collection[tuple[UUID, About]],
    at: datetime,
) -> None:
    """One event for each person and application: of all who are in these groups or below, and of these."""
    if not groups and not people:
        return
    asked: dict[str, Any] = {"tenant": tenant_id}
    asked["groups"], asked["about"] = [id for id, _ in groups], [about for _, about in groups]
    asked["people"], asked["theirs"] = [id for id, _ in people], [about for _, about in people]
    asked["moment"] = f"[{(at - JUST_BEFORE).isoformat()},{at.isoformat()}]"
    with tenant_scope(tenant_id), connection.cursor() as cursor:
        cursor.execute(_PEOPLE, asked)
        found = cursor.fetchall()
    for start in range(0, len(found), MOST_AT_ONCE):
        some = found[start : start + MOST_AT_ONCE]
        write([_event(tenant_id, user_id, about, at) for user_id, about in some])


def _event(tenant_id: UUID, user_id: UUID, about: About, at: datetime) -> Event:
    return event(
        type="person.access_changed",
        tenant_id=tenant_id,
        application_id=about,
        subject=str(user_id),
        at=at,
        data={"userId": str(user_id), "applicationId": about},
    )
