"""Required roles that an acceptance gives along: what may be ticked. The giving is ``accesscontrol``'s."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from applications import facts as load
from applications.models import Contract, ContractTerm, ContractType, RequiredRole
from applications.policies import contracts_of, keys_now
from iam_portal.errors import Invalid
from tenants.models import Tenant
from tenants.policies import hold


class Tick(NamedTuple):
    """``application_id`` shall hold the role of another application that it requires."""

    application_id: str
    wanted_application: str
    wanted_role: str


def hold_sides(*, tenant: Tenant, contract_id: UUID) -> None:
    """Lock both tenants at once, as giving roles needs it.

    An acceptance holds them shared; to want one exclusively later would block two that both did so.
    """
    known = contracts_of(tenant).filter(id=contract_id).first()
    if known is not None:
        hold(known.provider_id, known.consumer_id)


def require_declared(contract: Contract, ticks: Sequence[Tick], *, at: datetime) -> None:
    """Only what applications of this contract require at this moment. The caller holds their locks."""
    shared: set[str] = set()
    if contract.type == ContractType.PROVISION:
        terms = ContractTerm.objects.filter(contract=contract)
        shared = set(terms.values_list("role__application_id", flat=True))
    rows = RequiredRole.objects.at(at).filter(application_id__in=shared)
    known = {Tick(*row) for row in rows.values_list("application_id", "wanted_application", "wanted_role")}
    if not known.issuperset(ticks):
        known |= _by_new_keys(known, shared, contract.consumer_id, at)
    errors = [
        {
            "pointer": f"/requiredRoles/{index}",
            "code": "not_required",
            "detail": "No application of this contract requires this role.",
        }
        for index, tick in enumerate(ticks)
        if tick not in known
    ]
    if errors:
        raise Invalid("Tick only roles that the shared applications require.", errors=errors)


def _by_new_keys(known: Collection[Tick], shared: set[str], consumer_id: UUID, at: datetime) -> set[Tick]:
    """The same of roles that have a new key since, as far as the consumer may know of them."""
    facts = load.sharing({tick.wanted_application for tick in known}, tenant_ids=[consumer_id])
    concerning = {key for key, found in facts.items() if load.concerns(found, tenant_id=str(consumer_id))}
    pairs = {
        (tick.wanted_application, tick.wanted_role)
        for tick in known
        if tick.wanted_application in concerning | shared
    }
    now = keys_now(pairs, at=at)
    return {
        tick._replace(wanted_role=now[tick.wanted_application, tick.wanted_role])
        for tick in known
        if (tick.wanted_application, tick.wanted_role) in now
    }
