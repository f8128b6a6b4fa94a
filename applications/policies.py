"""Which rows may a tenant touch, and what may it share: questions that several actions ask."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from applications import facts as load
from applications import reasons as say
from applications.availability import SharingFacts, granted
from applications.models import (
    Amendment,
    Application,
    ApplicationRole,
    Contract,
    ContractState,
    ContractTerm,
    ContractType,
)
from applications.models.applications import PORTAL_ID
from iam_portal.decision import Decision
from iam_portal.errors import DomainError, Kind, NotFound
from iam_portal.gate import Privilege
from iam_portal.spans import Span
from tenants.models import Tenant, still_open

# The portal's resource whose permissions govern contracts of a type.
RESOURCES: Mapping[str, str] = {
    ContractType.PROVISION.value: "ProvisionContracts",
    ContractType.ACCESS.value: "AccessContracts",
}


def either(privilege: Privilege) -> str:
    """A door opens to whoever may do this with contracts of one type; the contract's own is asked then."""
    return "|".join(f"{resource}:{privilege}" for resource in RESOURCES.values())


class Stale(DomainError):
    """Somebody else changed the row after the caller looked at it."""

    code = "revision_mismatch"
    kind = Kind.STALE


def contracts_of(tenant: Tenant | UUID) -> QuerySet[Contract]:
    """Contracts that the tenant may know of: its own as provider; as consumer once they were proposed."""
    tenant_id = tenant.id if isinstance(tenant, Tenant) else tenant
    received = Q(consumer_id=tenant_id, proposed_at__isnull=False)
    return Contract.objects.filter(Q(provider_id=tenant_id) | received).select_related("provider", "consumer")


def sides_of(tenant_id: UUID) -> tuple[QuerySet[Contract], QuerySet[Contract]]:
    """The same by side, provided and received: of each an index knows the newest, of both together none."""
    received = Contract.objects.filter(consumer_id=tenant_id, proposed_at__isnull=False)
    return Contract.objects.filter(provider_id=tenant_id), received


def with_parts(rows: QuerySet[Contract]) -> QuerySet[Contract]:
    """With what the shape of a contract reads."""
    return rows.prefetch_related("terms__role", "pauses", "amendments")


def amendments_of(contract: Contract) -> QuerySet[Amendment]:
    """The amendments of a contract with what their shape reads, newest first."""
    rows = Amendment.objects.filter(contract=contract).select_related("contract", "proposed_by_tenant")
    return rows.prefetch_related("roles__role__application").order_by("-proposed_at", "-id")


def ever_agreed(terms: Iterable[ContractTerm]) -> list[ContractTerm]:
    """The terms without those whose role was taken away before they began."""
    return [term for term in terms if term.removed_at is None or not term.during.isempty]


def agreed_at(terms: Iterable[ContractTerm], at: datetime) -> list[ContractTerm]:
    """The terms whose role is in the contract at the moment, or to come: it is not taken away by then."""
    return [term for term in ever_agreed(terms) if term.removed_at is None or term.removed_at > at]


def lock_contract(*, tenant: Tenant, contract_id: UUID, revision: int | None) -> Contract:
    """The contract, locked, or NotFound; Stale when ``revision`` is given and no longer current.

    Both tenants are locked first (shared), so that a suspension and an act on a contract take turns.
    """
    known = contracts_of(tenant).filter(id=contract_id).first()
    if known is None:
        raise NotFound
    lock_tenants(known.provider_id, known.consumer_id)
    contract = (
        Contract.objects.select_for_update(of=("self",), no_key=True)
        .select_related("provider", "consumer")
        .get(id=contract_id)
    )
    if revision is not None and revision != contract.revision:
        raise Stale(
            "The contract was changed meanwhile. Nothing was changed by you.",
            data={"revision": f"r-{contract.revision}"},
        )
    return contract


def lock_tenants(*tenant_ids: UUID) -> None:
    """Shared locks in one order; a suspension or the end of a partnership takes the same rows exclusively.

    FOR SHARE against their FOR NO KEY UPDATE: rows that merely refer to a tenant (FOR KEY SHARE) pass both,
    so that whoever holds an application and writes its events never waits for a suspension.
    """
    ids = sorted(set(tenant_ids), key=str)
    list(Tenant.objects.raw("SELECT id FROM tenants_tenant WHERE id = ANY(%s) ORDER BY id FOR SHARE", [ids]))


def lock_around(application: Application) -> None:
    """Shared, and before the application itself: everybody in whose rows an id of it can stand.

    Who assigns its roles or makes roles of them holds his tenant exclusively, and waits.
    """
    parties = Contract.objects.filter(terms__role__application=application).order_by()
    pairs = parties.values_list("provider_id", "consumer_id").distinct()
    lock_tenants(application.owner_id, *(side for pair in pairs for side in pair))


def lock_applications(applications: Iterable[str]) -> list[str]:
    """Lock the rows in order. What can be touched is to be asked after this, not before."""
    ids = sorted(set(applications))
    list(
        Application.objects.filter(id__in=ids).order_by("id").select_for_update(no_key=True).values_list("id")
    )
    return ids


class IsPortal(DomainError):
    """The portal itself is nobody's to change: its roles open the doors of every tenant."""

    code = "application_is_portal"


def own_application(*, tenant: Tenant, application_id: str, lock: bool = False) -> Application:
    """An application of the tenant, or NotFound, alike for a foreign one. Never the portal itself."""
    rows = Application.objects.filter(still_open(), owner=tenant)
    if lock:
        rows = rows.select_for_update(no_key=True)
    application = rows.filter(id=application_id).first()
    if application is None:
        raise NotFound
    if application.is_portal:
        raise IsPortal("The portal itself cannot be changed, contracted, suspended or retired.")
    return application


def roles_by_name(
    wanted: Collection[tuple[str, str]], *, at: datetime
) -> dict[tuple[str, str], ApplicationRole]:
    """Living roles by (application id, role key)."""
    ids = {application_id for application_id, _ in wanted}
    rows = ApplicationRole.objects.at(at).filter(application_id__in=ids).select_related("application")
    found = {(role.application_id, role.key): role for role in rows}
    return {pair: found[pair] for pair in wanted if pair in found}


def keys_now(wanted: Collection[tuple[str, str]], *, at: datetime) -> dict[tuple[str, str], str]:
    """Of roles (application id, key) that are named by a former key: the key that they have now."""
    roles = ApplicationRole.objects.filter(
        application_id__in={application_id for application_id, _ in wanted}
    )
    living = set(roles.at(at).values_list("application_id", "key"))
    named_anew = roles.filter(supersedes__isnull=False, during__startswith__lte=at).order_by("during")
    heirs = {
        (application_id, former): key
        for application_id, former, key in named_anew.values_list("application_id", "supersedes__key", "key")
    }
    found = {}
    for pair in wanted:
        now, seen = pair, set()
        while now not in living and now in heirs and now not in seen:
            seen.add(now)
            now = (pair[0], heirs[now])
        if now != pair and now in living:
            found[pair] = now[1]
    return found


def may_share(
    *, provider: Tenant, roles: Collection[ApplicationRole], type: str, at: datetime
) -> list[Decision]:
    """For each role, whether the provider may put it into a contract of the type. Three queries.

    Provision: it owns the application. Access: it holds the role itself as owner, or by a provision
    contract with onward access. A role that was taken away and declared again is another one.
    """
    sharing = load.sharing({role.application_id for role in roles}, tenant_ids=[provider.id])
    answers = []
    for role in roles:
        application = role.application
        if not Span.of(role.during).covers(at):
            answers.append(Decision.no(say.role_unknown(application.display_name, application.id, role.key)))
        else:
            facts = sharing[application.id]
            answers.append(shareable(facts, provider_id=provider.id, role=role.key, type=type, at=at))
    return answers


def shareable(sharing: SharingFacts, *, provider_id: UUID, role: str, type: str, at: datetime) -> Decision:
    """The same over facts that are loaded already, for lists."""
    if sharing.application.id == PORTAL_ID:
        return Decision.no()
    answer = granted(sharing, role=role, tenant_id=str(provider_id), at=at)
    if not answer:
        return answer.decision
    owned = [way for way in answer.holding if way.relation == "owned"]
    if type == "provision":
        return Decision(bool(owned), "owned" if owned else "not_owned", answer.decision.reasons)
    onward = {contract.id for contract in sharing.contracts if contract.onward_access}
    sources = [way for way in answer.holding if way.relation == "owned" or way.contract_id in onward]
    return Decision(bool(sources), "shareable" if sources else "no_onward_access", answer.decision.reasons)


def touched_tenants(*, contracts: Iterable[Contract], applications: Collection[str]) -> set[UUID]:
    """The consumers, and whoever has access to the same applications through one of them. One query."""
    rows = list(contracts)
    providers = {row.consumer_id for row in rows if row.type == ContractType.PROVISION}
    onward = load.onward_consumers(providers, applications=applications) if providers else set()
    return {row.consumer_id for row in rows} | onward


def in_force_between(a: Tenant, b: Tenant) -> QuerySet[Contract]:
    """Accepted or proposed contracts of the two tenants, either way."""
    pair = Q(provider=a, consumer=b) | Q(provider=b, consumer=a)
    return Contract.objects.filter(pair, state__in=[ContractState.ACCEPTED, ContractState.PROPOSED])


@dataclass(frozen=True, slots=True)
class Reach:
    """What can move with a tenant: ``own`` applications everywhere, ``received`` ones in itself.

    And ``onward`` ones in those ``around`` it, who use its data. Not more: an organization with 300 contracts
    shares its applications with all the others' customers.
    """

    own: frozenset[str]
    received: frozenset[str]
    onward: frozenset[str]
    around: frozenset[UUID]

    @property
    def applications(self) -> frozenset[str]:
        """All of them."""
        return self.own | self.received | self.onward


def reach_of(tenant: Tenant) -> Reach:
    """The tenant's reach: what it owns, what it has by contract, and who works on its data."""
    own = Application.objects.filter(owner=tenant).exclude(id=PORTAL_ID).values_list("id", flat=True)
    terms = ContractTerm.objects.filter(contract__state=ContractState.ACCEPTED)
    onward = terms.filter(contract__provider=tenant, contract__type=ContractType.ACCESS)
    users = onward.values_list("role__application_id", "contract__consumer_id").distinct()
    received = terms.filter(contract__consumer=tenant).values_list("role__application_id", flat=True)
    mine, pairs = frozenset(own), list(users)
    return Reach(
        own=mine,
        received=frozenset(received.distinct()) - mine,
        onward=frozenset(application_id for application_id, _ in pairs) - mine,
        around=frozenset(consumer_id for _, consumer_id in pairs),
    )
