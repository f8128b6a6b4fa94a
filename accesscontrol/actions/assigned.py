"""What is told when an assignment begins or ends: history for an act, an event for both act and boundary."""

from datetime import datetime

from accesscontrol.models import Assignment
from applications.events import emit
from iam_portal.gate import Actor
from tenants import history


def told(row: Assignment, action: str, *, by: Actor, at: datetime) -> None:
    """Record an act: ``role.assigned``, ``role.planned`` (begins later) or ``role.withdrawn``."""
    ended = action == "role.withdrawn"
    history.record(
        action=action,
        tenants=[row.tenant_id],
        by=by,
        at=at,
        subject=subject_of(row),
        before=_data(row) if ended else None,
        after=None if ended else _data(row),
    )
    if action != "role.planned":  # its event comes when it begins
        announce(row, action, at=at)


def subject_of(row: Assignment) -> tuple[str, object, str]:
    """The principal, as history names it."""
    principal = row.user or row.group or row.application
    return _kind(row), principal.pk if principal else "", str(principal)


def announce(row: Assignment, action: str, *, at: datetime) -> None:
    """The event alone: a planned beginning or end was reached."""
    emit(
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
