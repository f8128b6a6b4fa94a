"""Which applications are open to a tenant: their roles and resources may be read there."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast

from applications.models import Application, Contract, ContractState, ContractTerm, ContractType
from iam_portal.spelled import Spelled, Written
from tenants.models import Tenant
from tenants.models.lookups import is_true, of_outer


def open_to(
    tenant: Tenant | UUID, *, at: datetime, application_id: str | None = None
) -> QuerySet[Application]:
    """Whose roles and resources it may read: its own, and what a living contract names, now or to come.

    A pause or a suspension only interrupts. Once a contract is over, or names no role of it any more, nothing
    is read that the owner declares later. An access contract shows no more than its provider still has.
    ``application_id``: of this one alone, so that the terms of no other are looked at.
    """
    rows, tenant_id = Application.objects.all(), tenant.id if isinstance(tenant, Tenant) else tenant
    if application_id is None:
        held = _HELD(tenant=tenant_id, at=at)
    else:
        rows = rows.filter(pk=application_id)
        held = _HELD_OF_ONE(tenant=tenant_id, at=at, application=application_id)
    # As a list of ids, found by the consumer: asked of each application, terms of everybody would be read.
    return rows.filter(Q(owner=tenant_id) | Q(pk__in=held))


def held_by_contract(tenant: UUID, *, at: datetime) -> Written:
    """Ids of the others' applications among them, as a part of a longer statement."""
    return _HELD(tenant=tenant, at=at)


def _held(*, tenant: UUID, at: datetime) -> QuerySet[Any, Any]:
    """Ids of the applications that living contracts name for the tenant."""
    lasting = Q(ends_at=None) | Q(ends_at__gt=at)
    running = Q(contract__ends_at=None) | Q(contract__ends_at__gt=at)
    terms = ContractTerm.objects.not_over(at).filter(running, contract__state=ContractState.ACCEPTED)
    # From the provider's contracts, which are few, to their terms: a role of what everybody has stands in
    # thousands of terms, and the planner expects the average. As text no index serves for it.
    carried = ContractTerm.objects.not_over(at).filter(of_outer("contract"))
    carried = carried.annotate(named=Cast("role_id", TextField())).filter(
        named=Cast(OuterRef(OuterRef("role_id")), TextField())
    )
    source = Contract.objects.filter(
        lasting,
        consumer=OuterRef("contract__provider"),
        state=ContractState.ACCEPTED,
        type=ContractType.PROVISION,
        onward_access=True,
    ).filter(is_true(Exists(carried)))
    theirs = Q(role__application__owner=F("contract__provider")) | Q(Exists(source))
    return terms.filter(theirs, contract__consumer=tenant).order_by().values("role__application")


def _held_of_one(*, tenant: UUID, at: datetime, application: str) -> QuerySet[Any, Any]:
    return _held(tenant=tenant, at=at).filter(role__application=application)


_HELD = Spelled(_held, tenant=UUID, at=datetime)
_HELD_OF_ONE = Spelled(_held_of_one, tenant=UUID, at=datetime, application=str)
