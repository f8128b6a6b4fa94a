"""The locks of a whole document, in one order: tenants by id, groups, people; applications follow."""

from datetime import datetime

from accesscontrol.configuration.shape import Configuration
from applications.policies import lock_tenants
from tenants.actions.groups import locked
from tenants.actions.partners import partners_of
from tenants.models import Group, Membership, Tenant
from tenants.policies import hold


def lock(tenant: Tenant, wanted: Configuration, *, at: datetime) -> None:
    """Taken before anything is read: steps would take them one by one, in the order of the document.

    Acts on the contracts take both sides shared, in order of id; two organizations that apply documents about
    each other would otherwise wait for each other.
    """
    partners = [row.id for row in partners_of(tenant)] if wanted.contracts is not None else []
    lock_tenants(*(one for one in partners if str(one) < str(tenant.id)))
    hold(tenant)
    lock_tenants(*(one for one in partners if str(one) > str(tenant.id)))
    if wanted.groups is not None:
        ids = list(Group.objects.at(at).filter(tenant=tenant).values_list("id", flat=True))
        locked(tenant=tenant, group_ids=ids, at=at)
        _people(tenant, wanted, at)


def _people(tenant: Tenant, wanted: Configuration, at: datetime) -> None:
    """Everybody who is or shall be in a group: each membership locks its group, then its user."""
    named = {one.user for group in wanted.groups or () for one in group.members}
    inside = Membership.objects.not_over(at).filter(tenant=tenant).values_list("user__username", flat=True)
    rows = tenant.users.filter(username__in=named | set(inside)).select_for_update(no_key=True)
    list(rows.order_by("id").values_list("id"))
