"""What a deleted person leaves behind of roles: they end, and what he gave loses his name."""

from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, UUIDField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from accesscontrol.actions import assigned
from accesscontrol.models import Assignment
from iam_portal.gate import Actor
from tenants.models import HistoryEvent, User


def withdraw_all(*, user: User, by: Actor, at: datetime) -> None:
    """Each with its history and its event; the caller has asked whether they may be taken."""
    rows = Assignment.objects.not_over(at).filter(tenant_id=user.tenant_id, user=user)
    rows = rows.select_related("application_role__application", "tenant_role", "user")
    assigned.end(list(rows.select_for_update(of=("self",)).order_by("created_at", "id")), by=by, at=at)


def erase(*, user: User, pseudonym: str) -> None:
    """In what he gave and took: history says which, so that nobody of the same name loses his."""
    rows = Assignment.objects.filter(tenant_id=user.tenant_id)
    given = _moved_by(user, "after", "role.assigned", "role.planned")
    taken = _moved_by(user, "before", "role.withdrawn")
    rows.filter(_given_in(rows.filter(id__in=given))).update(by_name=pseudonym)
    rows.filter(id__in=taken).exclude(ended_by="").update(ended_by=pseudonym)


def _given_in(told: QuerySet[Assignment]) -> Exists:
    """With those that history tells of: what took their place when a role got an heir, by the same act."""
    return Exists(told.filter(created_at=OuterRef("created_at"), by_name=OuterRef("by_name")))


def _moved_by(user: User, told: str, *actions: str) -> QuerySet[HistoryEvent, Any]:
    """Ids of assignments, from what history says was there before or after."""
    acts = HistoryEvent.objects.filter(tenant_id=user.tenant_id, actor_kind="user", actor_id=str(user.id))
    assignment = Cast(KeyTextTransform("assignmentId", told), UUIDField())
    return acts.filter(action__in=actions).order_by().values_list(assignment)
