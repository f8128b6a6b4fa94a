"""A second opinion: the sharing rules once more, in plain loops over lists of facts.

Written from the agreement's text (docs: domain), sharing no code with the portal: no spans, no queries, no
imports of it. Slow and dull on purpose. A *life* is ``[start, end]``; it contains its start and not its end.
"""

from dataclasses import dataclass, field
from datetime import datetime

from tests.support.naive_facts import Application, Assignment, Contract, Life, Role, Term, cut, lives
from tests.support.naive_own import Given, Kept, Made, Own
from tests.support.naive_words import Words

__all__ = [
    "Application",
    "Assignment",
    "Contract",
    "Given",
    "Kept",
    "Made",
    "Naive",
    "Role",
    "Term",
    "cut",
    "lives",
]


@dataclass
class Naive(Words, Own):
    """Everything that happened, and the answers that follow."""

    tenants: dict[str, list[Life]] = field(default_factory=dict)  # when each is suspended
    applications: dict[str, Application] = field(default_factory=dict)
    roles: list[Role] = field(default_factory=list)
    contracts: dict[str, Contract] = field(default_factory=dict)
    partners: set[frozenset[str]] = field(default_factory=set)
    auto: set[tuple[str, str, str]] = field(default_factory=set)  # (who says yes, to whose, contract type)
    assignments: dict[str, Assignment] = field(default_factory=dict)
    users: dict[str, tuple[str, list[Life]]] = field(default_factory=dict)  # (tenant, when active)
    places: list[tuple[str, str, Life]] = field(default_factory=list)  # (group, the one above it, life)
    members: list[tuple[str, str, Life]] = field(default_factory=list)  # (user, group, life)
    required: dict[str, set[tuple[str, str]]] = field(default_factory=dict)  # application → (other, key)
    kept: list[Kept] = field(default_factory=list)
    made: dict[str, Made] = field(default_factory=dict)
    given: dict[str, Given] = field(default_factory=dict)

    # --- granted and available ---

    def living_role(self, application: str, key: str, at: datetime) -> Role | None:
        for role in self.roles:
            if role.application == application and role.key == key and lives([role.life], at):
                return role
        return None

    def stopped(self, application: str, tenant: str, at: datetime) -> bool:
        """The application is not in operation, or somebody without whom it does not run is suspended."""
        known = self.applications[application]
        if not lives([known.life], at) or lives(known.suspended, at):
            return True
        return lives(self.tenants[known.owner], at) or lives(self.tenants[tenant], at)

    def counts(self, contract: Contract, role: Role, at: datetime) -> bool:
        """The contract grants the role at the moment, as far as the contract itself is concerned."""
        if contract.state != "accepted" or lives(contract.pauses, at) or not lives([role.life], at):
            return False
        return any(term.role is role and lives([term.life], at) for term in contract.terms)

    def granted(self, application: str, key: str, tenant: str, at: datetime) -> set[tuple]:
        """The ways by which the tenant holds the role: (relation, contract, whose data)."""
        role = self.living_role(application, key, at)
        if role is None or self.stopped(application, tenant, at):
            return set()
        ways: set[tuple] = set()
        if self.applications[application].owner == tenant:
            ways.add(("owned", None, tenant))
        for contract_id, contract in self.contracts.items():
            if contract.consumer != tenant or not self.counts(contract, role, at):
                continue
            if contract.type == "provision":
                ways.add(("provision", contract_id, tenant))
            elif self.may_pass_on(role, contract.provider, at):
                ways.add(("access", contract_id, contract.provider))
        return ways

    def may_pass_on(self, role: Role, provider: str, at: datetime) -> bool:
        """The provider holds the role itself: as owner, or by a provision contract with onward access."""
        if self.stopped(role.application, provider, at) or not lives([role.life], at):
            return False
        if self.applications[role.application].owner == provider:
            return True
        for contract in self.contracts.values():
            source = contract.consumer == provider and contract.type == "provision" and contract.onward
            if source and self.counts(contract, role, at):
                return True
        return False

    def available(self, application: str, tenant: str, at: datetime) -> set[tuple]:
        """The ways by which it is available: owned, or some role is granted."""
        ways: set[tuple] = set()
        if self.applications[application].owner == tenant and not self.stopped(application, tenant, at):
            ways.add(("owned", None, tenant))
        for key in self.keys(application):
            ways |= self.granted(application, key, tenant, at)
        return ways

    def own_way(self, application: str, tenant: str, at: datetime) -> bool:
        """Available as owned or by provision."""
        return any(relation != "access" for relation, _, _ in self.available(application, tenant, at))

    def keys(self, application: str) -> list[str]:
        found = []
        for role in self.roles:
            if role.application == application and role.key not in found:
                found.append(role.key)
        return found

    def turns(self, application: str, tenant: str, until: datetime | None = None) -> list[tuple]:
        """Every moment at which the availability changes, and to what."""
        found = []
        state = False
        for moment in self.moments():
            if until is not None and moment > until:
                break
            now = bool(self.available(application, tenant, moment))
            if now != state:
                found.append((moment, now))
                state = now
        return found

    def moments(self) -> list[datetime]:
        """Every moment at which anything begins or ends."""
        found = set()
        periods: list[Life] = []
        for suspended in self.tenants.values():
            periods += suspended
        for application in self.applications.values():
            periods += [application.life, *application.suspended]
        for role in self.roles:
            periods.append(role.life)
            periods += [life for _, life in role.held]
        for contract in self.contracts.values():
            periods += contract.pauses
            for term in contract.terms:
                periods.append(term.life)
        for start, end in periods:
            found.add(start)
            if end is not None:
                found.add(end)
        return sorted(found)

    # --- may ---

    def held(self, tenant: str, kind: str, principal: str, application: str, at: datetime) -> set[tuple]:
        """Roles that count for a principal in a tenant: (key, contract, whose data)."""
        found: set[tuple] = set()
        if kind == "user" and not lives(self.users[principal][1], at):
            return found
        for assignment in self.assignments.values():
            if assignment.tenant != tenant or assignment.application != application:
                continue
            if not lives([assignment.life], at) or not self.reaches(assignment, kind, principal, at):
                continue
            for relation, contract, scope in self.granted(application, assignment.key, tenant, at):
                if assignment.contract is None and relation != "access":
                    found.add((assignment.key, None, scope))
                if assignment.contract is not None and contract == assignment.contract:
                    found.add((assignment.key, contract, scope))
        own = self.given_held(tenant, kind, principal, application, at)
        return found | {(key, None, tenant) for key in own}

    def reaches(self, assignment: Assignment | Given, kind: str, principal: str, at: datetime) -> bool:
        """Directly, or through a group that the user is in, or one above that."""
        if assignment.kind == kind and assignment.principal == principal:
            return True
        if kind != "user" or assignment.kind != "group":
            return False
        for user, group, life in self.members:
            if user == principal and lives([life], at):
                above: str | None = group
                while above is not None:
                    if above == assignment.principal:
                        return True
                    above = self.group_above(above, at)
        return False

    def may_call(self, caller: str, target: str, tenant: str, at: datetime) -> set[tuple]:
        """The roles that a call may carry: (key, whose data, mark). Empty is a no."""
        if caller == target or not self.own_way(target, tenant, at):
            return set()
        here = set()
        if self.own_way(caller, tenant, at):
            for key, contract, scope in self.held(tenant, "application", caller, target, at):
                if contract is None:
                    here.add((key, scope, None))
        if here:
            return here
        home = self.applications[caller].owner
        through = set()
        if home != tenant and self.available(caller, home, at):
            for key, contract, scope in self.held(home, "application", caller, target, at):
                if contract is not None and self.contracts[contract].provider == tenant:
                    through.add((key, scope, self.mark(target, key, contract, at)))
        return through

    # --- what may be offered ---

    def shareable(self, contract: Contract, at: datetime) -> bool:
        """Partners, roles that are still there, and held by the provider in the way that the type needs."""
        if frozenset((contract.provider, contract.consumer)) not in self.partners:
            return False
        for term in contract.terms:
            role = term.role
            if not lives([role.life], at) or self.stopped(role.application, contract.provider, at):
                return False
            owner = self.applications[role.application].owner
            if contract.type == "provision" and owner != contract.provider:
                return False
            if contract.type == "access" and not self.may_pass_on(role, contract.provider, at):
                return False
        return True

    def lapsed(self, contract: Contract, at: datetime) -> bool:
        if contract.answer_by is not None and contract.answer_by <= at:
            return True
        return contract.ends is not None and contract.ends <= at

    def running(self, contract: Contract, at: datetime) -> bool:
        """Accepted and not over."""
        return contract.state == "accepted" and (contract.ends is None or contract.ends > at)

    # --- what happens ---

    def accept(self, contract: Contract, at: datetime) -> None:
        contract.state = "accepted"
        if contract.starts is None or contract.starts < at:
            contract.starts = at
        for term in contract.terms:
            term.life = [contract.starts, contract.ends]
            term.confirmed = contract.proposed

    def end(self, contract: Contract, when: datetime) -> None:
        contract.ends = when
        contract.starts = min(contract.starts or when, when)
        for term in contract.terms:
            cut([term.life], when)
        contract.pauses = [pause for pause in contract.pauses if pause[0] < when]
        cut(contract.pauses, when)
        contract.waiting = None

    def take_role_away(self, application: str, key: str, at: datetime) -> None:
        role = self.living_role(application, key, at)
        if role is None:
            return
        cut([role.life], at)
        cut([life for _, life in role.held], at)
        for contract in self.contracts.values():
            for term in contract.terms:
                if term.role is role:
                    cut([term.life], at)
        for assignment in self.assignments.values():
            if assignment.role is role:
                cut([assignment.life], at)

    def retire(self, application: str, at: datetime) -> None:
        self.end_all_of(application, at)
        for key in self.keys(application):
            self.take_role_away(application, key, at)
        cut([(known := self.applications[application]).life, *known.suspended], at)

    def part(self, a: str, b: str, at: datetime) -> None:
        """The partnership ends, and what rests on it."""
        self.partners.discard(frozenset((a, b)))
        self.auto = {yes for yes in self.auto if {*yes[:2]} != {a, b}}
        for contract in self.contracts.values():
            if {contract.provider, contract.consumer} == {a, b}:
                if contract.state == "proposed":
                    contract.state = "withdrawn"
                elif self.running(contract, at):
                    self.end(contract, at)
