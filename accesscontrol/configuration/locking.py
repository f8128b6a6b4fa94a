"""The locks of a whole document, in one order: tenants by id, providers with their mappings, groups, people;
applications follow.
"""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from accesscontrol.configuration import comparing_shares
from accesscontrol.configuration.comparing import Comparison
from accesscontrol.configuration.shape import Configuration, Names
from accesscontrol.configuration.state import read
from accesscontrol.configuration.superseded import supersedes
from applications.models import Contract
from applications.policies import RESOURCES, lock_tenants
from tenants.models import Group, IdentityMapper, Membership, Tenant
from tenants.policies import hold


def lock(tenant: Tenant, wanted: Configuration, *, at: datetime) -> None:
    """Taken before anything is read: steps would take them one by one, in the order of the document.

    Acts on the contracts take both sides shared, in order of id; two organizations that apply documents about
    each other would otherwise wait for each other. A partner about whom nothing changes is not held up.
    """
    partners = sorted({*_with_contracts(tenant, wanted, at), *_around(tenant, wanted)} - {tenant.id}, key=str)
    lock_tenants(*(one for one in partners if str(one) < str(tenant.id)))
    hold(tenant)
    lock_tenants(*(one for one in partners if str(one) > str(tenant.id)))
    if wanted.mappings is not None:
        _providers(tenant)
    if wanted.groups is not None or wanted.mappings is not None:
        ids = list(Group.objects.at(at).filter(tenant=tenant).values_list("id", flat=True))
        # One that ends meanwhile is not there when the document is compared.
        list(tenant.groups.filter(id__in=ids).select_for_update(no_key=True).order_by("id").values_list("id"))
    if wanted.groups is not None:
        _people(tenant, wanted, at)


def _with_contracts(tenant: Tenant, wanted: Configuration, at: datetime) -> Iterator[UUID]:
    """Whose contracts come, change or go, as it looks without a lock.

    What moves until the locks are there is met by the steps themselves: at worst they meet somebody who
    waits for the tenant, and one of the two is told to come again.
    """
    if wanted.contracts is None:
        return
    types = list(RESOURCES)
    state = read(tenant=tenant, sections=["contracts"], types=types, at=at)
    only = Configuration(contracts=wanted.contracts)
    of = Comparison(state, only, Names(tenant.slug), types, ("", ""), at)
    for steps in comparing_shares.contracts(of):
        for step in steps:
            named = step.wanted.consumer if step.wanted is not None else step.was.contract.consumer
            if named in state.partners:
                yield state.partners[named].id


def _around(tenant: Tenant, wanted: Configuration) -> Iterator[UUID]:
    """In whose rows an id can stand that a manifest supersedes."""
    ids = [one.id for one in wanted.applications or () if supersedes(one.manifest)]
    if not ids:
        return
    roles = {"terms__role__application__in": ids, "terms__role__application__owner": tenant}
    parties = Contract.objects.filter(**roles).order_by().values_list("provider_id", "consumer_id")
    for pair in parties.distinct():
        yield from pair


def _providers(tenant: Tenant) -> None:
    """Their own doors lock one of them, then its group; a sign-in the group, and then it names the mapper."""
    for rows in (tenant.identity_providers, IdentityMapper.objects.filter(tenant=tenant)):
        list(rows.select_for_update(no_key=True).order_by("id").values_list("id"))


def _people(tenant: Tenant, wanted: Configuration, at: datetime) -> None:
    """Everybody who is or shall be in a group: each membership locks its group, then its user."""
    named = {one.user for group in wanted.groups or () for one in group.members}
    inside = Membership.objects.not_over(at).filter(tenant=tenant).values_list("user__username", flat=True)
    rows = tenant.users.filter(username__in=named | set(inside)).select_for_update(no_key=True)
    list(rows.order_by("id").values_list("id"))
