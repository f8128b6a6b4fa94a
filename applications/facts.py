"""The only bridge from rows to the facts of a decision: a fixed number of queries."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from uuid import UUID

from django.db.models import Q

from applications.availability import ApplicationFact, ContractFact, SharingFacts, Stop, TenantFact
from applications.models import (
    Application,
    ApplicationRole,
    ApplicationSuspension,
    Contract,
    ContractPause,
    ContractState,
    ContractTerm,
    ContractType,
)
from applications.models.applications import PORTAL_ID
from iam_portal.spans import Span
from tenants.models import Tenant, TenantSuspension

Stops = dict[str, list[Stop]]


def sharing(
    application_ids: Collection[str], *, tenant_ids: Collection[UUID | str]
) -> dict[str, SharingFacts]:
    """Facts of each known application as far as they concern these tenants. Seven queries at most.

    The providers' own contracts are included, so that an access contract can be followed to its source.
    Unknown ids are left out of the answer.
    """
    applications = list(Application.objects.filter(id__in=application_ids).order_by("id"))
    if not applications:
        return {}
    known = [application.id for application in applications]
    contracts = _contracts(known, tenant_ids)
    mentioned = {str(tenant_id) for tenant_id in tenant_ids}
    mentioned |= {str(application.owner_id) for application in applications}
    for facts in contracts.values():
        mentioned |= {contract.provider_id for contract in facts}
    tenants = _tenants(mentioned)
    suspended = _stops(ApplicationSuspension, "application_id", known)
    roles = _role_lives(known)
    return {
        application.id: SharingFacts(
            ApplicationFact(
                id=application.id,
                name=application.display_name,
                owner_id=str(application.owner_id),
                during=Span.of(application.during),
                suspensions=tuple(suspended.get(application.id, ())),
                builtin=application.id == PORTAL_ID,
                roles=roles.get(application.id, {}),
            ),
            tenants,
            tuple(contracts.get(application.id, ())),
        )
        for application in applications
    }


def of_application(application_id: str, *, tenant_id: UUID | str) -> SharingFacts | None:
    """Facts of one application for one tenant; ``None`` when the application is unknown."""
    return sharing([application_id], tenant_ids=[tenant_id]).get(application_id)


def _contracts(
    application_ids: Collection[str], tenant_ids: Collection[UUID | str]
) -> dict[str, list[ContractFact]]:
    tenants = [UUID(str(tenant_id)) for tenant_id in tenant_ids]
    upstream = Contract.objects.filter(
        consumer_id__in=tenants, type=ContractType.ACCESS, state=ContractState.ACCEPTED
    ).values("provider_id")
    terms = (
        ContractTerm.objects.filter(
            Q(contract__consumer_id__in=tenants)
            | Q(contract__consumer_id__in=upstream, contract__type=ContractType.PROVISION),
            contract__state=ContractState.ACCEPTED,
            role__application_id__in=application_ids,
            during__isempty=False,
        )
        .select_related("contract", "role")
        .order_by("contract_id", "role_id", "during")
    )
    spans: dict[tuple[str, UUID], dict[str, list[Span]]] = defaultdict(lambda: defaultdict(list))
    contracts: dict[UUID, Contract] = {}
    for term in terms:
        contracts[term.contract_id] = term.contract
        spans[term.role.application_id, term.contract_id][term.role.key].append(Span.of(term.during))
    pauses = _stops(ContractPause, "contract_id", list(contracts))
    found: dict[str, list[ContractFact]] = defaultdict(list)
    for (application_id, contract_id), roles in spans.items():
        fact = _contract(contracts[contract_id], roles, pauses.get(str(contract_id), ()))
        found[application_id].append(fact)
    return found


def _contract(row: Contract, roles: dict[str, list[Span]], pauses: Iterable[Stop]) -> ContractFact:
    return ContractFact(
        id=str(row.id),
        type=row.type,
        provider_id=str(row.provider_id),
        consumer_id=str(row.consumer_id),
        onward_access=row.onward_access,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        ended_by=row.ended_by,
        terms={key: tuple(lives) for key, lives in roles.items()},
        pauses=tuple(pauses),
    )


def _tenants(tenant_ids: Collection[str]) -> dict[str, TenantFact]:
    stops = _stops(TenantSuspension, "tenant_id", list(tenant_ids))
    rows = Tenant.objects.filter(id__in=tenant_ids).values_list("id", "name")
    return {str(pk): TenantFact(str(pk), name, tuple(stops.get(str(pk), ()))) for pk, name in rows}


def _stops(
    model: type[ApplicationSuspension] | type[TenantSuspension] | type[ContractPause],
    column: str,
    ids: Collection[UUID | str],
) -> Stops:
    """Suspensions or pauses by the id in ``column``. No query for no ids."""
    found: Stops = defaultdict(list)
    if not ids:
        return found
    rows = model.objects.filter(**{f"{column}__in": ids}, during__isempty=False).order_by("during")
    for key, during, by in rows.values_list(column, "during", "by_name"):
        found[str(key)].append(Stop(Span.of(during), by))
    return found


def _role_lives(application_ids: Collection[str]) -> dict[str, dict[str, tuple[Span, ...]]]:
    lives: dict[str, dict[str, tuple[Span, ...]]] = defaultdict(dict)
    rows = ApplicationRole.objects.filter(application_id__in=application_ids, during__isempty=False)
    for application_id, key, during in rows.order_by("during").values_list("application_id", "key", "during"):
        roles = lives[application_id]
        roles[key] = (*roles.get(key, ()), Span.of(during))
    return lives


def concerns(facts: SharingFacts, *, tenant_id: str) -> bool:
    """Whether the tenant has, or had, anything to do with the application: owner, or by a contract."""
    if facts.application.builtin or facts.application.owner_id == tenant_id:
        return True
    return any(contract.consumer_id == tenant_id for contract in facts.contracts)
