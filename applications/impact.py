"""What an act would take away, found out by asking the rule about today's facts and about changed ones."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from applications import facts as load
from applications.availability import ContractFact, SharingFacts, Stop, available
from applications.models import Application, Availability, Contract
from applications.policies import touched_tenants
from iam_portal.spans import Span

Change = Callable[[SharingFacts], SharingFacts]


@dataclass(frozen=True, slots=True)
class Loss:
    """An application that becomes unavailable in an organization, and when."""

    application_id: str
    application: str
    tenant_id: str
    tenant: str
    at: datetime


def of_pause(contract: Contract, *, when: datetime, until: datetime | None = None) -> list[Loss]:
    """Pairs that become unavailable by pausing the contract."""
    return _of_contract(contract, lambda fact: paused(fact, when, until), when)


def of_end(contract: Contract, *, when: datetime) -> list[Loss]:
    """Pairs that become unavailable by ending the contract at the moment."""
    return _of_contract(contract, lambda fact: ended(fact, when), when)


def of_suspension(application: Application, *, at: datetime) -> list[Loss]:
    """Organizations that lose the application when it is suspended or retired now."""
    rows = Availability.objects.not_over(at).filter(application=application)
    tenants = set(rows.values_list("tenant_id", flat=True))

    def suspended(facts: SharingFacts) -> SharingFacts:
        stops = (*facts.application.suspensions, Stop(Span(at, None)))
        return replace(facts, application=replace(facts.application, suspensions=stops))

    return losses([application.id], tenants, suspended, at)


def paused(fact: ContractFact, when: datetime, until: datetime | None) -> ContractFact:
    """The contract with one more pause."""
    return replace(fact, pauses=(*fact.pauses, Stop(Span(when, until))))


def ended(fact: ContractFact, when: datetime) -> ContractFact:
    """The contract with an end."""
    return replace(fact, ends_at=when)


def losses(
    application_ids: Collection[str], tenant_ids: Collection[UUID], change: Change, when: datetime
) -> list[Loss]:
    """Pairs that are available at some moment from ``when`` on, and would not be after the change."""
    found = []
    for facts in load.sharing(application_ids, tenant_ids=tenant_ids).values():
        changed = change(facts)
        for tenant_id in sorted(map(str, tenant_ids)):
            moment = _first_loss(facts, changed, tenant_id, when)
            if moment is not None:
                application = facts.application
                name = facts.name(tenant_id)
                found.append(Loss(application.id, application.name, tenant_id, name, moment))
    return sorted(found, key=lambda loss: (loss.application, loss.tenant, loss.tenant_id))


def _of_contract(
    contract: Contract, change: Callable[[ContractFact], ContractFact], when: datetime
) -> list[Loss]:
    changed_id = str(contract.id)

    def apply(facts: SharingFacts) -> SharingFacts:
        contracts = (change(fact) if fact.id == changed_id else fact for fact in facts.contracts)
        return replace(facts, contracts=tuple(contracts))

    applications = set(contract.terms.values_list("role__application_id", flat=True))
    return losses(applications, touched_tenants(contract=contract, applications=applications), apply, when)


def _first_loss(
    facts: SharingFacts, changed: SharingFacts, tenant_id: str, when: datetime
) -> datetime | None:
    moments = {when, *(moment for moment in [*facts.moments(), *changed.moments()] if moment > when)}
    for moment in sorted(moments):
        held = available(facts, tenant_id=tenant_id, at=moment)
        if held and not available(changed, tenant_id=tenant_id, at=moment):
            return moment
    return None
