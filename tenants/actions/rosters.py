"""Many people into a group and out of it by one act: as many statements as for one of them."""

from collections.abc import Collection
from contextlib import nullcontext
from datetime import datetime
from uuid import UUID

from django.db import transaction

from iam_portal.errors import DomainError, Kind
from iam_portal.gate import Actor
from iam_portal.sentences import said
from tenants import policies
from tenants.actions.groups import locked
from tenants.actions.memberships import AlreadyMember
from tenants.history import Change, record_each
from tenants.models import Group, Membership, Tenant, User, since
from tenants.signals import membership_changing, roster_changed


class UnknownMember(DomainError):
    """Some of them are not here: deleted, foreign or made up, never told apart. ``data`` has their ids."""

    code = "unknown_member"
    kind = Kind.INVALID


def change(
    *,
    tenant: Tenant,
    group_id: UUID,
    into: Collection[UUID],
    out_of: Collection[UUID],
    by: Actor,
    at: datetime,
) -> bool:
    """Let these in and those out; whoever is in, or out, stays so. Whether anybody moved.

    Asks as each alone would: whoever may not give what the group holds, may not take it. Somebody inactive
    may come in: he holds nothing, and who makes him active again is asked for all that he holds then.
    """
    # As with one: two removals at once would each leave the other's administrator.
    guard = policies.guarded(tenant=tenant, at=at) if out_of else nullcontext()
    with transaction.atomic(), guard:
        group = locked(tenant=tenant, group_ids=[group_id], at=at)[group_id]
        people = _locked(tenant, {*into, *out_of})
        rows = Membership.objects.not_over(at).filter(group=group, user__in=people)
        here = {row.user_id for row in rows if row.during.lower <= at}
        coming = {row.user_id for row in rows} - here
        entering = [people[user_id] for user_id in sorted(set(into) - here, key=str)]
        leaving = [people[user_id] for user_id in sorted(set(out_of) & (here | coming), key=str)]
        if not entering and not leaving:
            return False
        _require_free(group, entering, coming)
        _ask(group, [*entering, *leaving], by=by, at=at)
        during = since(at)
        Membership.objects.bulk_create(
            Membership(tenant=tenant, group=group, user=user, during=during) for user in entering
        )
        rows.filter(user__in=leaving).close(at)
        _record(group, entering, leaving, by=by, at=at)
        moved = [*entering, *leaving]
        roster_changed.send(sender=Membership, tenant=tenant, group=group, users=moved, by=by, at=at)
    return True


def _locked(tenant: Tenant, user_ids: Collection[UUID]) -> dict[UUID, User]:
    """By id, locked in order of id."""
    rows = tenant.users.filter(id__in=user_ids)
    found = {user.pk: user for user in rows.select_for_update(no_key=True).order_by("id")}
    if unknown := sorted(str(user_id) for user_id in set(user_ids) - found.keys()):
        raise UnknownMember("Some of them are nobody here.", data={"users": unknown})
    return found


def _require_free(group: Group, entering: Collection[User], coming: Collection[UUID]) -> None:
    for user in entering:
        if user.pk in coming:
            raise AlreadyMember(
                said("%(user)s is in %(group)s already, now or in that time.", {"user": user, "group": group})
            )


def _ask(group: Group, users: list[User], *, by: Actor, at: datetime) -> None:
    membership_changing.send(
        sender=Membership, actor=by, tenant=group.tenant, users=users, group=group, parent=None, at=at
    )


def _record(
    group: Group, entering: Collection[User], leaving: Collection[User], *, by: Actor, at: datetime
) -> None:
    where = {"group": str(group.id), "groupName": group.name}
    came = [Change(("user", user.pk, str(user)), None, where) for user in entering]
    went = [Change(("user", user.pk, str(user)), where, None) for user in leaving]
    for action, changes in (("group.member_added", came), ("group.member_removed", went)):
        if changes:
            record_each(action=action, tenant=group.tenant, by=by, at=at, changes=changes)
