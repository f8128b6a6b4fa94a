"""What an act can move: the pairs whose availability rests on what it is done to."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from applications.models import Application, Availability, Contract, ContractTerm, ContractType
from applications.models.applications import PORTAL_ID
from applications.policies import in_force_between, lock_applications, lock_around, lock_contract, reach_of
from tenants.impact import Act
from tenants.models import Partnership, Tenant
from tenants.policies import hold


@dataclass(frozen=True, slots=True)
class Scope:
    """``pairs``: application id → tenant ids. ``contracts`` are those that the act itself is done to.

    ``revision`` is that of the subject, where it has one.
    """

    pairs: Mapping[str, frozenset[str]]
    contracts: frozenset[UUID] = field(default=frozenset())
    revision: str = ""
    subject_is_contract: bool = False
    portal_in: str = ""  # the tenant in which the portal itself is lost

    @property
    def with_portal(self) -> Mapping[str, frozenset[str]]:
        """The pairs, and the portal's own, which the read model does not hold: it is available everywhere."""
        return {**self.pairs, PORTAL_ID: frozenset({self.portal_in})} if self.portal_in else self.pairs


def scope_of(act: Act) -> Scope | None:
    """The scope of an act on a contract, a partnership, an application or a tenant; None for others.

    An act on many things brings its own (:func:`within`, :func:`around`), and has locked them.

    Taken from the read model: what is not held from now on, now or by plan, cannot be lost. What the act will
    lock is locked first, in the same order, and the subject read again: between the two looks only the act
    itself changes anything here.
    """
    subject = act.subject
    if isinstance(subject, Scope):
        return subject
    if isinstance(subject, Contract):
        row = lock_contract(tenant=act.tenant, contract_id=subject.id, revision=None)
        return _of_contracts([row], act, f"r-{row.revision}", subject_is_contract=True)
    if isinstance(subject, Partnership):
        return _of_partnership(subject, act)
    if isinstance(subject, Application):
        if act.renamed:
            lock_around(subject)
        lock_applications([subject.id])
        revision = Application.objects.values_list("revision", flat=True).get(id=subject.id)
        return Scope(_pairs(Q(application=subject), act.at), revision=f"r-{revision}")
    if isinstance(subject, Tenant):
        hold(subject)
        lock_applications(reach_of(subject).applications)
        mine = Q(tenant=subject) | Q(scope_tenant=subject) | Q(application__owner=subject)
        return Scope(_pairs(mine, act.at), portal_in=str(subject.id))
    return None


def within(tenant: Tenant, *, at: datetime) -> Scope:
    """What its own people and services hold there, or through contracts of others."""
    return Scope(_pairs(Q(tenant=tenant), at), portal_in=str(tenant.id))


def around(tenant: Tenant, *, at: datetime) -> Scope:
    """The same, and what others have of it: its applications, and whoever works on its data.

    Unlike the scope of a tenant it locks no application of others: they are not this tenant's to hold.
    """
    lock_applications(tenant.applications.exclude(id=PORTAL_ID).values_list("id", flat=True))
    mine = Q(tenant=tenant) | Q(scope_tenant=tenant) | Q(application__owner=tenant)
    return Scope(_pairs(mine, at), portal_in=str(tenant.id))


def _of_partnership(subject: Partnership, act: Act) -> Scope:
    if subject.invitee is None:
        return Scope({})
    hold(subject.inviter, subject.invitee)
    between = in_force_between(subject.inviter, subject.invitee).order_by("id")
    contracts = list(between.select_for_update(no_key=True))
    return _of_contracts(contracts, act, "")


def _of_contracts(
    contracts: list[Contract], act: Act, revision: str, *, subject_is_contract: bool = False
) -> Scope:
    """The consumers, and whoever has access through them."""
    shared = ContractTerm.objects.filter(contract__in=contracts).values_list(
        "role__application_id", flat=True
    )
    applications = lock_applications({*shared, *act.also})
    consumers = {row.consumer_id for row in contracts if row.type == ContractType.PROVISION}
    further = Q(relation="access", scope_tenant__in=consumers, application__in=applications)
    pairs = _pairs(Q(contract__in=contracts) | further, act.at)
    return Scope(pairs, frozenset(row.id for row in contracts), revision, subject_is_contract)


def _pairs(rows: Q, at: datetime) -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    living = Availability.objects.not_over(at).filter(rows)
    for application_id, tenant_id in living.values_list("application_id", "tenant_id").distinct():
        found[application_id].add(str(tenant_id))
    return {application_id: frozenset(tenants) for application_id, tenants in found.items()}
