"""Users in groups."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction

from iam_portal.decision import rfc3339
from iam_portal.errors import DomainError, Invalid
from iam_portal.gate import Actor
from iam_portal.sentences import said
from tenants import policies
from tenants.actions.groups import locked
from tenants.actions.users import UserInactive
from tenants.history import record
from tenants.models import Group, Membership, Tenant, User, since
from tenants.signals import membership_added, membership_changing, membership_removed


class AlreadyMember(DomainError):
    """He is in the group."""

    code = "member_already"


class NotMember(DomainError):
    """He is not in the group."""

    code = "not_a_member"


def add(
    *,
    tenant: Tenant,
    group_id: UUID,
    user_id: UUID,
    by: Actor,
    at: datetime,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
) -> Membership:
    """From now or a later moment on he holds what the group holds, and the groups above it."""
    start = starts_at or at
    if start < at or (ends_at is not None and ends_at <= start):
        raise Invalid("A membership begins now or later, and ends after it began.")
    with transaction.atomic():
        group, user = _pair(tenant, group_id, user_id, at)
        if not policies.is_active(user=user, at=at):
            raise UserInactive(said("%(user)s is inactive.", {"user": user}))
        membership = Membership(tenant=tenant, group=group, user=user, during=since(start, ends_at))
        _require_alone(membership)
        _ask(group, user, by=by, at=at)
        membership.full_clean()
        membership.save(force_insert=True)
        action = "group.member_added" if start == at else "group.member_planned"
        _record(action, group, user, by, at, span={} if start == at and not ends_at else _span(membership))
        membership_added.send(sender=Membership, tenant=tenant, group=group, user=user, by=by, at=at)
    return membership


def set_end(
    *,
    tenant: Tenant,
    group_id: UUID,
    user_id: UUID,
    ends_at: datetime | None,
    by: Actor,
    at: datetime,
    starts_at: datetime | None = None,
) -> Membership:
    """Another end, or none, of the running membership, or of the planned one that begins then."""
    with transaction.atomic(), policies.guarded(tenant=tenant, at=at):
        group, user = _pair(tenant, group_id, user_id, at)
        rows = Membership.objects.not_over(at).filter(group=group, user=user)
        running = rows.at(at) if starts_at is None else rows.filter(during__startswith=starts_at)
        row: Membership | None = running.first()
        if row is None:
            raise NotMember(said("%(user)s is not in %(group)s.", {"user": user, "group": group}))
        former, first = row.during.upper, row.during.lower
        if ends_at == former:
            return row
        if ends_at is not None and ends_at <= max(first, at):
            raise Invalid("A membership ends later than it began, and later than now.")
        row.during = since(first, ends_at)
        _require_alone(row)
        if not policies.is_active(user=user, at=at):
            raise UserInactive(said("%(user)s is inactive.", {"user": user}))
        _ask(group, user, by=by, at=at)
        row.full_clean()
        row.save(update_fields=["during"])
        _record("group.member_changed", group, user, by, at, span=_span(row), before=rfc3339(former))
    return row


def remove(
    *,
    tenant: Tenant,
    group_id: UUID,
    user_id: UUID,
    by: Actor,
    at: datetime,
    starts_at: datetime | None = None,
) -> None:
    """From now on he holds nothing through the group, and nothing planned; or one membership only.

    Whoever may not give what it holds may not take it.
    """
    # Two removals at once would each leave the other's administrator.
    with transaction.atomic(), policies.guarded(tenant=tenant, at=at):
        group, user = _pair(tenant, group_id, user_id, at)
        membership = Membership.objects.not_over(at).filter(group=group, user=user)
        if starts_at is not None:
            membership = membership.filter(during__startswith=starts_at)
        if not membership.exists():
            raise NotMember(said("%(user)s is not in %(group)s.", {"user": user, "group": group}))
        _ask(group, user, by=by, at=at)
        membership.close(at)
        _record("group.member_removed", group, user, by, at)
        membership_removed.send(sender=Membership, tenant=tenant, group=group, user=user, by=by, at=at)


def end_all(*, user: User, by: Actor, at: datetime) -> None:
    """Out of every group, now and by plan, as a consequence of what the caller records."""
    rows = Membership.objects.of_user(user).not_over(at).prefetch_related("group").order_by("id")
    for row in list(rows):
        Membership.objects.filter(pk=row.pk).close(at)
        _record("group.member_removed", row.group, user, by, at)


def _pair(tenant: Tenant, group_id: UUID, user_id: UUID, at: datetime) -> tuple[Group, User]:
    """Both locked; the group first, here and everywhere."""
    group = locked(tenant=tenant, group_ids=[group_id], at=at)[group_id]
    return group, policies.locked_user(tenant=tenant, user_id=user_id)


def _require_alone(membership: Membership) -> None:
    """One membership at a time, also among the planned ones."""
    others = Membership.objects.filter(group=membership.group, user=membership.user)
    if others.exclude(pk=membership.pk).filter(during__overlap=membership.during).exists():
        raise AlreadyMember(
            said(
                "%(user)s is in %(group)s already, now or in that time.",
                {"user": membership.user, "group": membership.group},
            )
        )


def _ask(group: Group, user: User, *, by: Actor, at: datetime) -> None:
    membership_changing.send(
        sender=Membership, actor=by, tenant=group.tenant, users=[user], group=group, parent=None, at=at
    )


def _span(membership: Membership) -> dict[str, str | None]:
    return {"from": rfc3339(membership.during.lower), "until": rfc3339(membership.during.upper)}


def _record(
    action: str,
    group: Group,
    user: User,
    by: Actor,
    at: datetime,
    *,
    span: Mapping[str, str | None] | None = None,
    before: str | None = None,
) -> None:
    where = {"group": str(group.id), "groupName": group.name}
    ended = action == "group.member_removed"
    record(
        action=action,
        tenants=[group.tenant_id],
        by=by,
        at=at,
        subject=("user", user.id, str(user)),
        before=where if ended else ({"until": before} if action == "group.member_changed" else None),
        after=None if ended else {**where, **(span or {})},
    )
