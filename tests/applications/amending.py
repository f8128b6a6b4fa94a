"""Shared contracts to amend, and what they grant afterwards."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from applications import readmodel
from applications.actions import amendment_answers, amendments, contracts, weighing
from applications.actions.changes import Change
from applications.actions.drafts import Offer
from applications.models import Amendment, Contract, ContractGrant, Event
from applications.policies import contracts_of
from iam_portal.gate import Actor
from iam_portal.walls import tenant_scope
from tenants.impact import Impact, foresee
from tenants.models import Tenant
from tests.applications.sharing import T0
from tests.support.factories import SYSTEM

METER = "acme.meter"
VIEWER, EDITOR = (METER, "viewer"), (METER, "editor")
LATER, MUCH_LATER = T0 + timedelta(days=30), T0 + timedelta(days=90)


def after(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


def share(
    provider: Tenant, consumer: Tenant, *roles: tuple[str, str], at: datetime = T0, **more: Any
) -> Contract:
    """An accepted contract for these roles."""
    offer = Offer(type=more.pop("type", "provision"), roles=roles or (VIEWER, EDITOR), **more)
    row = contracts.draft(provider=provider, consumer_id=consumer.id, offer=offer, by=SYSTEM, at=at)
    contracts.propose(tenant=provider, contract_id=row.id, by=SYSTEM, at=at)
    return contracts.accept(tenant=consumer, contract_id=row.id, by=SYSTEM, at=at)


def foreseen(*, tenant: Tenant, contract_id: UUID, change: Change, by: Actor, at: datetime) -> Impact:
    """What the amendment would take away; nothing has happened afterwards."""
    contract = contracts_of(tenant).get(id=contract_id)
    act = weighing.amending(tenant=tenant, contract=contract, change=change, at=at)
    given: dict[str, Any] = {"tenant": tenant, "contract_id": contract_id, "change": change}
    return foresee(act, lambda: amendments.amend(**given, by=by, at=at))


def amend(tenant: Tenant, contract: Contract, at: datetime, note: str = "", **change: Any) -> Amendment:
    return amendments.amend(
        tenant=tenant, contract_id=contract.id, change=Change(**change), by=SYSTEM, at=at, note=note
    )


def answer(how: str, tenant: Tenant, amendment: Amendment, at: datetime, **more: Any) -> Amendment:
    act = getattr(amendment_answers, how)
    ids = {"contract_id": amendment.contract_id, "amendment_id": amendment.id}
    found: Amendment = act(tenant=tenant, by=SYSTEM, at=at, **ids, **more)
    return found


def granted(contract: Contract, at: datetime) -> set[str]:
    """Keys of the roles that the contract grants at the moment; and everything else still agrees."""
    assert readmodel.differences() == {"grants": [], "availability": []}
    rows = ContractGrant.objects.at(at).filter(contract=contract)
    return set(rows.values_list("role__key", flat=True))


def said(tenant: Tenant, contract: Contract) -> list[str]:
    """The verbs of the contract's events in the tenant's stream, since it was accepted."""
    rows = Event.objects.filter(tenant=tenant, subject=str(contract.id)).order_by("id")
    with tenant_scope(tenant.id):
        kinds = list(rows.values_list("type", flat=True))
    return [kind.removeprefix("iam.contract.").removesuffix(".v1") for kind in kinds][2:]
