"""``granted`` and ``available``: pure functions over facts and a moment. No ORM, no clock.

A *way* is one relation by which a tenant may hold a role: it owns the application, a provision contract,
or an access contract. Each way answers for itself; the decision is a yes when one of them holds.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from applications import reasons as say
from iam_portal.decision import Decision, Reason
from iam_portal.spans import Span, boundaries

STRENGTH = {"builtin": 0, "owned": 0, "provision": 1, "access": 2}
# Which broken link to name first when every way is broken.
PRIORITY = (
    "contract_paused",
    "contract_not_started",
    "provider_lost_role",
    "role_not_granted",
    "contract_ended",
    "no_contract",
)


@dataclass(frozen=True, slots=True)
class Stop:
    """A suspension or a pause, with who made it."""

    span: Span
    by: str = ""


@dataclass(frozen=True, slots=True)
class TenantFact:
    """A tenant and when it was, is or will be suspended."""

    id: str
    name: str
    suspensions: tuple[Stop, ...] = ()


@dataclass(frozen=True, slots=True)
class ApplicationFact:
    """An application, its life, and its roles' lives."""

    id: str
    name: str
    owner_id: str
    during: Span
    suspensions: tuple[Stop, ...] = ()
    builtin: bool = False
    roles: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Term(Span):
    """An agreed span of a role. ``confirmed_at``: of an access contract, what the role held then counts.

    ``widened`` is when, in this span, the role holds more than that.
    """

    confirmed_at: datetime | None = None
    widened: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class ContractFact:
    """An accepted contract as far as it concerns one application."""

    id: str
    type: str
    provider_id: str
    consumer_id: str
    onward_access: bool
    starts_at: datetime | None
    ends_at: datetime | None
    ended_by: str = ""
    terms: Mapping[str, tuple[Term, ...]] = field(default_factory=dict)
    pauses: tuple[Stop, ...] = ()

    def term(self, role: str, at: datetime) -> Term | None:
        """What is agreed of the role at the moment."""
        return next((term for term in self.terms.get(role, ()) if term.covers(at)), None)

    def widened(self, role: str, at: datetime) -> Term | None:
        """The term, while the role holds more than its provider confirmed."""
        term = self.term(role, at)
        return term if term is not None and any(span.covers(at) for span in term.widened) else None


@dataclass(frozen=True, slots=True)
class SharingFacts:
    """Everything that decides where one application is available."""

    application: ApplicationFact
    tenants: Mapping[str, TenantFact]
    contracts: tuple[ContractFact, ...] = ()

    def contract(self, contract_id: str | None) -> ContractFact | None:
        """The contract, if it is among the facts."""
        return next((contract for contract in self.contracts if contract.id == contract_id), None)

    def name(self, tenant_id: str) -> str:
        """The tenant's name, for sentences."""
        tenant = self.tenants.get(tenant_id)
        return tenant.name if tenant else "another organization"

    def about(self, tenant_id: str) -> "SharingFacts":
        """Only what decides for this tenant: its contracts, and those of the providers of its access."""
        found = self.apart([tenant_id])[tenant_id]
        parties = {tenant_id, self.application.owner_id, *(each.provider_id for each in found.contracts)}
        return replace(found, tenants={key: self.tenants[key] for key in parties if key in self.tenants})

    def apart(self, tenant_ids: Iterable[str]) -> "dict[str, SharingFacts]":
        """What decides for each of these tenants, as :meth:`about` has it: of thousands, in one pass.

        Asked of all the facts, each would look through the contracts of all the others.
        """
        received: dict[str, list[ContractFact]] = defaultdict(list)
        for contract in self.contracts:
            received[contract.consumer_id].append(contract)
        found = {}
        for tenant_id in tenant_ids:
            own = received.get(tenant_id, [])
            providers = dict.fromkeys(each.provider_id for each in own if each.type == "access")
            upstream = [each for one in providers if one != tenant_id for each in received.get(one, ())]
            found[tenant_id] = replace(self, contracts=(*own, *upstream))
        return found

    def moments(self) -> list[datetime]:
        """Every moment at which an answer over these facts may change, in order."""
        spans = [self.application.during, *(stop.span for stop in self.application.suspensions)]
        spans += [span for lives in self.application.roles.values() for span in lives]
        for tenant in self.tenants.values():
            spans += [stop.span for stop in tenant.suspensions]
        for contract in self.contracts:
            for term in (term for terms in contract.terms.values() for term in terms):
                spans += [term, *term.widened]
            spans += [stop.span for stop in contract.pauses]
        return boundaries(spans)


@dataclass(frozen=True, slots=True)
class Way:
    """One relation, whether it holds, and why. ``scope_tenant_id`` is whose data it covers."""

    relation: str
    scope_tenant_id: str
    contract_id: str | None
    decision: Decision


@dataclass(frozen=True, slots=True)
class Answer:
    """A decision with the ways behind it; reads as a boolean."""

    decision: Decision
    ways: tuple[Way, ...] = ()

    def __bool__(self) -> bool:
        return self.decision.allowed

    @property
    def holding(self) -> tuple[Way, ...]:
        """The ways that hold, strongest first."""
        held = [way for way in self.ways if way.decision]
        return tuple(sorted(held, key=lambda way: STRENGTH[way.relation]))

    @property
    def relation(self) -> str | None:
        """The strongest relation held."""
        return self.holding[0].relation if self.holding else None


def granted(facts: SharingFacts, *, role: str | None, tenant_id: str, at: datetime) -> Answer:
    """Whether the tenant holds the role at the moment (any role of the application when ``None``).

    The reasons name every link that held, or for each way the first link that broke.
    """
    if reason := stopped(facts, tenant_id=tenant_id, at=at):
        return Answer(Decision.no(reason))
    application = facts.application
    if application.builtin:
        decision = Decision.yes(say.builtin(application.name, application.id))
        return Answer(decision, (Way("builtin", tenant_id, None, decision),))
    ways = _ways(facts, role, tenant_id, at)
    held = sorted((way for way in ways if way.decision), key=lambda way: STRENGTH[way.relation])
    if held:
        reasons = _without_repeats(reason for way in held for reason in way.decision.reasons)
        return Answer(Decision.yes(*reasons), tuple(ways))
    ways.sort(key=lambda way: PRIORITY.index(way.decision.code) if way.decision.code in PRIORITY else 9)
    broken = [reason for way in ways for reason in way.decision.reasons]
    if not broken:
        broken = [say.no_contract(application.name, application.id, facts.name(tenant_id), tenant_id)]
    return Answer(Decision.no(*_without_repeats(broken)), tuple(ways))


def available(facts: SharingFacts, *, tenant_id: str, at: datetime) -> Answer:
    """Whether the application is available in the tenant: some role is granted, or the tenant owns it."""
    return granted(facts, role=None, tenant_id=tenant_id, at=at)


def stopped(facts: SharingFacts, *, tenant_id: str, at: datetime) -> Reason | None:
    """What keeps the application from the tenant whatever their contracts say, if anything does."""
    application = facts.application
    if not application.during.covers(at):
        return say.application_retired(application.name, application.id, application.during.end)
    if stop := _covering(application.suspensions, at):
        return say.application_suspended(application.name, application.id, stop.by, stop.span.start)
    owner = facts.tenants.get(application.owner_id)
    if owner and owner.id != tenant_id and (stop := _covering(owner.suspensions, at)):
        return say.owner_suspended(application.name, application.id, owner.name, owner.id, stop.span.start)
    tenant = facts.tenants.get(tenant_id)
    if tenant and (stop := _covering(tenant.suspensions, at)):
        return say.tenant_suspended(tenant.name, tenant.id, stop.span.start)
    return None


def _ways(facts: SharingFacts, role: str | None, tenant_id: str, at: datetime) -> list[Way]:
    application = facts.application
    ways: list[Way] = []
    if application.owner_id == tenant_id:
        ways.append(Way("owned", tenant_id, None, _owned(facts, role, tenant_id, at)))
    for contract in facts.contracts:
        if contract.consumer_id != tenant_id:
            continue
        if contract.type == "provision":
            ways.append(Way("provision", tenant_id, contract.id, _in_force(facts, contract, role, at)))
        else:
            ways.append(Way("access", contract.provider_id, contract.id, _access(facts, contract, role, at)))
    return ways


def _owned(facts: SharingFacts, role: str | None, tenant_id: str, at: datetime) -> Decision:
    application = facts.application
    if role is not None and not _role_lives(facts, role, at):
        return Decision.no(say.role_unknown(application.name, application.id, role))
    return Decision.yes(say.owned(application.name, application.id, facts.name(tenant_id), tenant_id))


def _in_force(facts: SharingFacts, contract: ContractFact, role: str | None, at: datetime) -> Decision:
    partner = facts.name(contract.provider_id)
    if contract.starts_at is not None and at < contract.starts_at:
        return Decision.no(say.contract_not_started(contract.id, partner, contract.starts_at))
    if contract.ends_at is not None and contract.ends_at <= at:
        return Decision.no(say.contract_ended(contract.id, partner, contract.ends_at, contract.ended_by))
    if stop := _covering(contract.pauses, at):
        return Decision.no(say.contract_paused(contract.id, partner, stop.by, stop.span.start, stop.span.end))
    if not any(True for _ in _roles_in_force(facts, contract, role, at)):
        return Decision.no(say.role_not_granted(contract.id, partner, role, facts.application.id))
    spoken = say.provision_granted if contract.type == "provision" else say.access_granted
    return Decision.yes(
        spoken(contract.id, partner, contract.provider_id, contract.starts_at, contract.ends_at)
    )


def _access(facts: SharingFacts, contract: ContractFact, role: str | None, at: datetime) -> Decision:
    """The contract's own links first, then whether its provider still holds the role itself."""
    own = _in_force(facts, contract, role, at)
    if not own:
        return own
    lost: Decision | None = None
    for key in _roles_in_force(facts, contract, role, at):
        upstream = _provider_holds(facts, contract.provider_id, key, at)
        if upstream:
            return Decision.yes(*own.reasons, *map(say.seen_from_outside, upstream.reasons))
        lost = upstream if lost is None else lost
    provider = facts.name(contract.provider_id)
    cause = [] if lost is None else [say.seen_from_outside(lost.reasons[0])]
    return Decision.no(
        say.provider_lost_role(contract.id, provider, contract.provider_id, facts.application.id), *cause
    )


def _provider_holds(facts: SharingFacts, provider_id: str, role: str, at: datetime) -> Decision:
    """granted(role, provider) as owner, or by a provision contract that allows onward access."""
    if reason := stopped(facts, tenant_id=provider_id, at=at):
        return Decision.no(reason)
    if facts.application.owner_id == provider_id:
        return _owned(facts, role, provider_id, at)
    broken: list[Reason] = []
    for contract in facts.contracts:
        if contract.consumer_id == provider_id and contract.type == "provision" and contract.onward_access:
            decision = _in_force(facts, contract, role, at)
            if decision:
                return decision
            broken += decision.reasons
    application = facts.application
    nothing = say.no_contract(application.name, application.id, facts.name(provider_id), provider_id)
    return Decision.no(*broken or [nothing])


def _roles_in_force(
    facts: SharingFacts, contract: ContractFact, role: str | None, at: datetime
) -> Iterable[str]:
    keys = [role] if role is not None else list(contract.terms)
    for key in keys:
        agreed = any(span.covers(at) for span in contract.terms.get(key, ()))
        if agreed and _role_lives(facts, key, at):
            yield key


def _role_lives(facts: SharingFacts, role: str, at: datetime) -> bool:
    return any(span.covers(at) for span in facts.application.roles.get(role, ()))


def _covering(stops: tuple[Stop, ...], at: datetime) -> Stop | None:
    return next((stop for stop in stops if stop.span.covers(at)), None)


def _without_repeats(reasons: Iterable[Reason]) -> list[Reason]:
    return list(dict.fromkeys(reasons))
