"""Users in groups."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from iam_portal.errors import DomainError
from iam_portal.gate import Actor
from tenants import policies
from tenants.actions.groups import locked
from tenants.actions.users import UserInactive
from tenants.history import record
from tenants.models import Group, Membership, Tenant, User, since
from tenants.signals import membership_changing, membership_removed


class AlreadyMember(DomainError):
    """He is in the group."""

    code = "member_already"


class NotMember(DomainError):
    """He is not in the group."""

    code = "not_a_member"


def add(*, tenant: Tenant, group_id: UUID, user_id: UUID, by: Actor, at: datetime) -> Membership:
    """From now on he holds what the group holds, and the groups above it."""
    with transaction.atomic():
        group, user = _pair(tenant, group_id, user_id, at)
        if not policies.is_active(user=user, at=at):
            raise UserInactive(f"{user} is inactive.")
        if Membership.objects.not_over(at).filter(group=group, user=user).exists():
            raise AlreadyMember(f"{user} is in {group} already.")
        membership_changing.send(
            sender=Membership, actor=by, tenant=tenant, users=[user], group=group, parent=None, at=at
        )
        membership = Membership(tenant=tenant, group=group, user=user, during=since(at))
        membership.full_clean()
        membership.save(force_insert=True)
        _record("group.member_added", group, user, by, at)
    return membership


def remove(*, tenant: Tenant, group_id: UUID, user_id: UUID, by: Actor, at: datetime) -> None:
    """From now on he holds nothing through the group. Whoever may not give what it holds may not take it."""
    with transaction.atomic():
        policies.hold(tenant)  # two removals at once would each leave the other's administrator
        group, user = _pair(tenant, group_id, user_id, at)
        membership = Membership.objects.filter(group=group, user=user)
        if not membership.not_over(at).exists():
            raise NotMember(f"{user} is not in {group}.")
        membership_changing.send(
            sender=Membership, actor=by, tenant=tenant, users=[user], group=group, parent=None, at=at
        )
        membership.close(at)
        _record("group.member_removed", group, user, by, at)
        membership_removed.send(sender=Membership, tenant=tenant, group=group, user=user, by=by, at=at)


def _pair(tenant: Tenant, group_id: UUID, user_id: UUID, at: datetime) -> tuple[Group, User]:
    """Both locked; the group first, here and everywhere."""
    group = locked(tenant=tenant, group_ids=[group_id], at=at)[group_id]
    return group, policies.locked_user(tenant=tenant, user_id=user_id)


def _record(action: str, group: Group, user: User, by: Actor, at: datetime) -> None:
    where = {"group": str(group.id), "groupName": group.name}
    ended = action == "group.member_removed"
    record(
        action=action,
        tenants=[group.tenant_id],
        by=by,
        at=at,
        subject=("user", user.id, str(user)),
        before=where if ended else None,
        after=None if ended else where,
    )
