"""What events are about, by name: contracts, partners, applications, webhooks."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Q

from applications import policies
from applications.delivery.record import name_of
from applications.models import Event, Webhook
from applications.views._application import visible
from applications.views._contract import title, with_terms
from tenants.models import Partnership, Tenant, User


def names(tenant: Tenant, rows: Sequence[Event]) -> dict[str, str]:
    """Id → name of what the tenant may know of; at most eight queries, however many events there are."""
    by_kind: dict[str, set[str]] = {}
    for row in rows:
        kind = "application" if row.application_id else row.type.split(".")[1]
        by_kind.setdefault(kind, set()).add(row.application_id or row.subject)
    found: dict[str, str] = {}
    for kind, ids in by_kind.items():
        if kind in _NAMED:
            found |= _NAMED[kind](tenant, ids)
    return found


def _applications(tenant: Tenant, ids: Iterable[str]) -> dict[str, str]:
    rows = visible(tenant).order_by().filter(pk__in=ids)
    return dict(rows.values_list("pk", "display_name"))


def _contracts(tenant: Tenant, ids: Iterable[str]) -> dict[str, str]:
    rows = with_terms(policies.contracts_of(tenant)).filter(pk__in=_uuids(ids))
    return {str(row.pk): title(row, tenant) for row in rows}


def _partners(tenant: Tenant, ids: Iterable[str]) -> dict[str, str]:
    own = Q(inviter=tenant) | Q(invitee=tenant)
    rows = Partnership.objects.filter(own, pk__in=_uuids(ids)).select_related("inviter", "invitee")
    both = ((row, row.invitee if row.inviter_id == tenant.id else row.inviter) for row in rows)
    return {str(row.pk): other.name for row, other in both if other is not None}


def _webhooks(tenant: Tenant, ids: Iterable[str]) -> dict[str, str]:
    rows = Webhook.objects.filter(tenant=tenant, pk__in=_uuids(ids))
    return {str(row.pk): name_of(row) for row in rows}


def _people(tenant: Tenant, ids: Iterable[str]) -> dict[str, str]:
    """Also who is gone, by what stands for him then."""
    return {str(row.pk): str(row) for row in User.objects.filter(tenant=tenant, pk__in=_uuids(ids))}


def _uuids(ids: Iterable[str]) -> list[UUID]:
    return [UUID(each) for each in ids]


_NAMED: dict[str, Any] = {
    "application": _applications,
    "contract": _contracts,
    "partnership": _partners,
    "webhook": _webhooks,
    "person": _people,
}
