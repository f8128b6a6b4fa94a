"""What a directory calls people and groups (``externalId``, RFC 7643 §3.1)."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F

from iam_portal.errors import DomainError
from iam_portal.gate import Actor
from tenants import policies
from tenants.actions.groups import locked
from tenants.history import record
from tenants.models import ExternalId, Group, Tenant, User


class ExternalIdTaken(DomainError):
    """A directory's name for somebody names nobody else."""

    code = "external_id_taken"


def name_user(*, tenant: Tenant, user_id: UUID, external_id: str, by: Actor, at: datetime) -> None:
    """What the directory calls a person from now on; empty: nothing."""
    with transaction.atomic():
        policies.hold(tenant)
        user = policies.locked_user(tenant=tenant, user_id=user_id)
        others = ExternalId.objects.filter(tenant=tenant, value=external_id, user__isnull=False)
        if not _name(others.exclude(user=user).exists(), ExternalId(tenant=tenant, user=user), external_id):
            return
        User.objects.filter(pk=user.pk).update(revision=F("revision") + 1)
        record(
            action="user.external_id_changed",
            tenants=[tenant],
            by=by,
            at=at,
            subject=("user", user.pk, str(user)),
            after={"fields": ["external_id"], "revision": f"r-{user.revision + 1}"},
        )


def name_group(*, tenant: Tenant, group_id: UUID, external_id: str, by: Actor, at: datetime) -> None:
    """The same for a group. What a group was called that is gone is free again."""
    with transaction.atomic():
        policies.hold(tenant)
        group = locked(tenant=tenant, group_ids=[group_id], at=at)[group_id]
        others = ExternalId.objects.filter(tenant=tenant, value=external_id, group__isnull=False)
        living = Group.objects.at(at).filter(tenant=tenant)
        others.exclude(group__in=living).delete()
        if not _name(
            others.exclude(group=group).exists(), ExternalId(tenant=tenant, group=group), external_id
        ):
            return
        Group.objects.filter(pk=group.pk).update(revision=F("revision") + 1)
        record(
            action="group.external_id_changed",
            tenants=[tenant],
            by=by,
            at=at,
            subject=("group", group.pk, group.name),
            after={"fields": ["external_id"], "revision": f"r-{group.revision + 1}"},
        )


def _name(taken: bool, row: ExternalId, value: str) -> bool:
    """Whether it was called otherwise before."""
    known = ExternalId.objects.filter(tenant=row.tenant, user=row.user, group=row.group)
    former = known.values_list("value", flat=True).first() or ""
    if former == value:
        return False
    if value and taken:
        raise ExternalIdTaken("This externalId is somebody else's.")
    known.delete()
    if value:
        row.value = value
        row.full_clean()
        row.save(force_insert=True)
    return True
