"""The tree of groups of a tenant.

Locks: the tenant (names), then groups in order of id, then the tree's advisory lock, which the trigger takes.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from iam_portal.errors import DomainError, NotFound
from iam_portal.gate import Actor
from iam_portal.sentences import said
from tenants import policies
from tenants.actions import mapper_rows
from tenants.history import record
from tenants.models import Group, GroupPlacement, Membership, Tenant, since
from tenants.signals import group_deleted, group_moved, membership_changing


class GroupLoop(DomainError):
    """A group would come to stand below itself."""

    code = "group_loop"


class HasSubgroups(DomainError):
    """Deleting would silently move the groups below; ``data`` names them."""

    code = "group_has_subgroups"


def create(
    *,
    tenant: Tenant,
    name: str,
    by: Actor,
    at: datetime,
    description: str = "",
    parent_id: UUID | None = None,
) -> Group:
    """A group without members, a root unless a parent is named."""
    with transaction.atomic():
        policies.hold(tenant)
        parent = locked(tenant=tenant, group_ids=[parent_id], at=at)[parent_id] if parent_id else None
        group = Group(tenant=tenant, name=name.strip(), description=description.strip(), during=since(at))
        group.full_clean()
        group.save(force_insert=True)
        if parent is not None:
            _place(group, parent, by=by, at=at)
        _record("group.created", group, by, at, after={"name": group.name, "parent": _id(parent)})
    return group


def rename(
    *,
    tenant: Tenant,
    group_id: UUID,
    by: Actor,
    at: datetime,
    name: str | None = None,
    description: str | None = None,
    revision: int | None = None,
) -> Group:
    """Another name or description; what is left out stays."""
    with transaction.atomic():
        policies.hold(tenant)
        group = locked(tenant=tenant, group_ids=[group_id], at=at)[group_id]
        policies.require_revision(group, revision)
        before = {"name": group.name, "description": group.description}
        group.name = group.name if name is None else name.strip()
        group.description = group.description if description is None else description.strip()
        after = {"name": group.name, "description": group.description}
        if before != after:
            _save(group)
            _record("group.renamed", group, by, at, before=before, after=after)
    return group


def move(
    *,
    tenant: Tenant,
    group_id: UUID,
    parent_id: UUID | None,
    by: Actor,
    at: datetime,
    revision: int | None = None,
) -> Group:
    """Hang the group below another, or make it a root. Roles from above follow the new place.

    Asks for both places: whoever may not give what stands above the old one may not take it from the group.
    """
    with transaction.atomic(), policies.guarded(tenant=tenant, at=at):
        found = locked(tenant=tenant, group_ids=[group_id, *([parent_id] if parent_id else [])], at=at)
        group, parent = found[group_id], found[parent_id] if parent_id else None
        policies.require_revision(group, revision)
        place = GroupPlacement.objects.not_over(at).filter(group=group)
        former = Group.objects.filter(id__in=place.values("parent")).first()
        if former == parent:
            return group
        if former is not None:
            _ask(group, former, by=by, at=at)
        place.close(at)
        if parent is not None:
            _place(group, parent, by=by, at=at)
        _save(group)
        _record("group.moved", group, by, at, before={"parent": _id(former)}, after={"parent": _id(parent)})
        group_moved.send(sender=Group, tenant=tenant, group=group, by=by, at=at)
    return group


def delete(*, tenant: Tenant, group_id: UUID, by: Actor, at: datetime, revision: int | None = None) -> None:
    """End the group, its place, its memberships and the mappers into it. Refused while groups stand below it.

    Takes from its members what it and those above hold, so it asks as the removal of each would.
    """
    with transaction.atomic(), policies.guarded(tenant=tenant, at=at):
        group = locked(tenant=tenant, group_ids=[group_id], at=at)[group_id]
        policies.require_revision(group, revision)
        below = GroupPlacement.objects.not_over(at).filter(parent=group).select_related("group")
        if names := sorted(placement.group.name for placement in below):
            raise HasSubgroups(
                said("Move or delete what stands below %(group)s first.", {"group": group}),
                data={"subgroups": names},
            )
        _ask(group, None, by=by, at=at)
        GroupPlacement.objects.filter(group=group).close(at)
        members = Membership.objects.filter(group=group).close(at)
        Group.objects.filter(pk=group.pk).close(at)
        mapper_rows.end_with(group, by=by, at=at)
        _record("group.deleted", group, by, at, before={"name": group.name, "members": members})
        group_deleted.send(sender=Group, tenant=tenant, group=group, by=by, at=at)


def locked(*, tenant: Tenant, group_ids: Collection[UUID], at: datetime) -> dict[UUID, Group]:
    """These groups by id, locked in order of id; NotFound when one is foreign, unknown or gone.

    None ends by plan: one whose end was committed while we waited for it may be later than our moment.
    """
    rows = tenant.groups.filter(id__in=group_ids, during__contains=at, during__upper_inf=True)
    found = {group.id: group for group in rows.select_for_update(no_key=True).order_by("id")}
    if set(group_ids) - found.keys():
        raise NotFound
    return found


def _place(group: Group, parent: Group, *, by: Actor, at: datetime) -> None:
    _ask(group, parent, by=by, at=at)
    if group.pk == parent.pk:
        raise GroupLoop("A group cannot contain itself.")
    placement = GroupPlacement(tenant=group.tenant, group=group, parent=parent, during=since(at))
    placement.full_clean()
    try:
        with transaction.atomic():
            placement.save(force_insert=True)
    except IntegrityError as exc:
        if _broken(exc) != "groupplacement_no_loop":
            raise
        raise GroupLoop(
            said("%(parent)s stands below %(group)s.", {"parent": parent, "group": group})
        ) from exc


def _ask(group: Group, parent: Group | None, *, by: Actor, at: datetime) -> None:
    """May the actor give and take what the parent and those above hold (without one: the group itself)?"""
    membership_changing.send(
        sender=GroupPlacement, actor=by, tenant=group.tenant, users=[], group=group, parent=parent, at=at
    )


def _broken(exc: IntegrityError) -> str | None:
    """The name of the constraint that refused, as the database gives it."""
    return getattr(getattr(exc.__cause__, "diag", None), "constraint_name", None)


def _save(group: Group) -> None:
    group.revision += 1
    group.full_clean()
    group.save()


def _id(group: Group | None) -> str | None:
    return None if group is None else str(group.id)


def _record(
    action: str,
    group: Group,
    by: Actor,
    at: datetime,
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    subject = ("group", group.id, group.name)
    tenants = [group.tenant_id]
    record(action=action, tenants=tenants, by=by, at=at, subject=subject, before=before, after=after)
