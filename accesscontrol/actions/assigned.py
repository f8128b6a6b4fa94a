"""What is told when an assignment begins or ends: history for an act, an event for both act and boundary."""

from collections.abc import Sequence
from datetime import datetime

from accesscontrol.actions import access_told
from accesscontrol.models import Assignment
from applications.events import event, write
from applications.models import Event
from iam_portal.gate import Actor
from tenants import history
from tenants.models.spanned import clipped

INSTALLATION = "installation"  # its name as an actor


def told(row: Assignment, action: str, *, by: Actor, at: datetime) -> None:
    """Record what was given: ``role.assigned``, or ``role.planned`` (begins later)."""
    history.record(
        action=action,
        tenants=[row.tenant_id],
        by=by,
        at=at,
        subject=subject_of(row),
        after=_named(row),
    )
    if action != "role.planned":  # its event comes when it begins
        announce(row, action, at=at)


def end(rows: Sequence[Assignment], *, by: Actor, at: datetime) -> None:
    """End rows of one tenant now, each with its history and its event: as many statements as for one.

    Whether they may be taken has been asked. The principals of the rows, their roles and the applications of
    these are at hand.
    """
    if not rows:
        return
    ids, action = [row.id for row in rows], "role.withdrawn"
    Assignment.objects.filter(id__in=ids).update(during=clipped(at), ended_by=name_of(by))
    changes = [history.Change(subject_of(row), _named(row), None) for row in rows]
    history.record_each(action=action, tenant=rows[0].tenant, by=by, at=at, changes=changes)
    write([_event(row, action, at=at) for row in rows])
    access_told.of_assignments(rows, at=at)


def name_of(by: Actor) -> str:
    """Who gave or took a role, as the role tells it. No person and no service passes for the installation."""
    alike = by.kind != "system" and INSTALLATION in by.name.casefold()
    return f"{by.name[:180]} ({by.kind})" if alike else by.name[:200]


def subject_of(row: Assignment) -> tuple[str, object, str]:
    """The principal, as history names it."""
    principal = row.user or row.group or row.application
    return _kind(row), principal.pk if principal else "", str(principal)


def announce(row: Assignment, action: str, *, at: datetime) -> None:
    """The event alone: a planned beginning or end was reached."""
    write([_event(row, action, at=at)])
    access_told.of_assignments([row], at=at)


def _event(row: Assignment, action: str, *, at: datetime) -> Event:
    return event(
        type=action,
        tenant_id=row.tenant_id,
        application_id=row.application_role.application_id if row.application_role else None,
        subject=str(row.id),
        at=at,
        data=_data(row),
    )


def _kind(row: Assignment) -> str:
    return "user" if row.user_id else "group" if row.group_id else "application"


def _data(row: Assignment) -> dict[str, object]:
    role = row.application_role or row.tenant_role
    return {
        "assignmentId": str(row.id),
        "principal": {_kind(row): str(row.user_id or row.group_id or row.application_id)},
        "applicationId": row.application_role.application_id if row.application_role else None,
        "role": role.key if role else "",
        "contractId": str(row.contract_id) if row.contract_id else None,
    }


def _named(row: Assignment) -> dict[str, object]:
    """The same as it is kept: with the names of that moment, for who reads the record later."""
    role = row.application_role or row.tenant_role
    named = {"roleName": role.name} if role else {}
    if row.application_role:
        named["applicationName"] = str(row.application_role.application)
    return {**_data(row), **named}
