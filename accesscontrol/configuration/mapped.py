"""The mappings of a tenant's identity providers, by names: as many statements for any number of them."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db.models import Count

from accesscontrol.configuration.shape import ProviderMapping
from tenants.models import IdentityMapper, MappedMembership, Membership, Tenant


def mappings_of(tenant: Tenant, *, at: datetime) -> tuple[tuple[ProviderMapping, UUID], ...]:
    """In the order in which they were made. What leads into a group that is gone moves nobody any more."""
    rows = IdentityMapper.objects.filter(tenant=tenant).select_related("provider", "group")
    return tuple(
        (_mapping(row), row.id)
        for row in rows.order_by("created_at", "id")
        if row.group is None or at in row.group.during
    )


def leading(tenant: Tenant) -> Mapping[UUID, int]:
    """How many lead into each group: they end with it."""
    rows = IdentityMapper.objects.filter(tenant=tenant, group__isnull=False).order_by()
    return dict(rows.values_list("group_id").annotate(Count("id")))


def moving(tenant: Tenant, *, at: datetime) -> frozenset[UUID]:
    """The ids of those by which somebody is in a group now, or will be: without their claim he leaves it."""
    inside = Membership.objects.not_over(at).filter(tenant=tenant)
    rows = MappedMembership.objects.filter(tenant=tenant, membership__in=inside).order_by()
    return frozenset(rows.values_list("mapper_id", flat=True).distinct())


def _mapping(row: IdentityMapper) -> ProviderMapping:
    return ProviderMapping(
        provider=row.provider.key,
        kind=row.kind,
        when=row.when,
        claim=row.claim,
        value=row.value,
        group=row.group.name if row.group is not None else None,
        template=row.template,
    )
