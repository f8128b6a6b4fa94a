"""A tenant keeps somebody who can hand out roles."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q

from accesscontrol.gate import RESOURCE_TYPE
from accesscontrol.models import Assignment
from accesscontrol.portal_roles import ROLE_KEYS, permissions_of
from applications.models.applications import PORTAL_ID
from iam_portal.errors import DomainError
from tenants.models import GroupPlacement, Membership, Tenant, UserActivity
from tenants.models.spanned import Spanned

# What ends so soon counts as over. Of two acts the one with the earlier moment can get the lock last: it must
# see what the other ended, at a moment that lies ahead of its own.
SOON = timedelta(minutes=1)


class LastAdministrator(DomainError):
    """Somebody has to be able to hand out roles."""

    code = "last_administrator"


def require_administrator(*, tenant: Tenant, at: datetime) -> None:
    """Refuse when, after the change just made, nobody active could hand out roles here any more.

    Two changes at once would each see the other's administrator: whoever asks has locked the tenant's row
    before his change (``tenants.policies.hold``). A tenant that never had an administrator is left alone:
    its first one is made by the installation.
    """
    keys = [key for key in ROLE_KEYS if (RESOURCE_TYPE, "Roles", "modify") in permissions_of(key)]
    rows = Assignment.objects.filter(
        tenant=tenant, application_role__application_id=PORTAL_ID, application_role__key__in=keys
    )
    if not rows.exists():
        return
    living = _lasting(rows, at)
    groups = _with_those_below(living.exclude(group=None).values_list("group_id", flat=True), tenant, at)
    members = _lasting(Membership.objects.filter(tenant=tenant, group_id__in=groups), at)
    held_by = Q(user__in=living.exclude(user=None).values("user")) | Q(user__in=members.values("user"))
    if not _lasting(UserActivity.objects.filter(tenant=tenant), at).filter(held_by).exists():
        raise LastAdministrator("Nobody here could hand out roles any more.")


def _lasting(rows: Spanned, at: datetime) -> Spanned:
    return rows.at(at).at(at + SOON)


def _with_those_below(group_ids: Iterable[UUID], tenant: Tenant, at: datetime) -> set[UUID]:
    """These groups and all to which their roles flow down."""
    places = _lasting(GroupPlacement.objects.filter(tenant=tenant), at)
    reached: set[UUID] = set()
    found = set(group_ids)
    while found:
        reached |= found
        found = set(places.filter(parent_id__in=found).values_list("group_id", flat=True)) - reached
    return reached
