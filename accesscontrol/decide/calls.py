"""``may call``: may one application call another in a tenant, over facts and a moment."""

from dataclasses import dataclass
from datetime import datetime

from accesscontrol import reasons as say
from accesscontrol.decide.ground import own_way
from accesscontrol.decide.held import HeldRole, PrincipalFacts, RoleBook, Roles, principal_moments
from accesscontrol.decide.roles import effective_roles
from applications.availability import Answer, SharingFacts, available
from iam_portal.decision import Decision, Reason


@dataclass(frozen=True, slots=True)
class CallFacts:
    """Everything ``may_call`` asks: caller X, target A, tenant T; ``home`` is the tenant that owns X.

    ``local`` are X's assignments in T for A; ``at_home`` those in its home for A (access contracts).
    """

    tenant_id: str
    home_id: str
    caller: SharingFacts
    target: SharingFacts
    book: RoleBook
    local: PrincipalFacts
    at_home: PrincipalFacts


@dataclass(frozen=True, slots=True)
class Call:
    """The answer of ``may_call``: reads as a boolean; with the roles that the call may carry."""

    decision: Decision
    roles: tuple[HeldRole, ...] = ()

    def __bool__(self) -> bool:
        return self.decision.allowed

    def urns(self) -> frozenset[str]:
        """The role URNs of the call."""
        return frozenset(role.urn for role in self.roles)


def may_call(facts: CallFacts, *, at: datetime) -> Call:
    """May application X call application A in tenant T at the moment?

    A must be available in T as owned or by provision. Then either X is available in T the same way and
    holds a role of A there, or X's owner holds A's role through an access contract of T.
    """
    caller, target = facts.caller.application, facts.target.application
    if caller.id == target.id:
        return Call(Decision.no(say.self_audience(caller.id)))
    here = available(facts.target, tenant_id=facts.tenant_id, at=at)
    if not own_way(here):
        return Call(_not_here(here, target.name, target.id, facts.target.name(facts.tenant_id)))
    chain = tuple(reason for way in here.holding[:1] for reason in way.decision.reasons)
    x_here = available(facts.caller, tenant_id=facts.tenant_id, at=at)
    local = effective_roles(facts.local, facts.target, facts.book, at=at)
    own = tuple(role for role in local.held if role.contract_id is None)
    if own_way(x_here) and own:
        reasons = (*chain, *(reason for role in own for reason in role.reasons[:1]))
        return Call(Decision.yes(*dict.fromkeys(reasons)), own)
    through = _through_access(facts, at)
    if through:
        reasons = (*chain, *(reason for role in through for reason in role.reasons))
        return Call(Decision.yes(*dict.fromkeys(reasons)), through)
    return Call(_why_not(facts, x_here, local))


def call_until(facts: CallFacts, call: Call, *, at: datetime, limit: datetime) -> datetime:
    """The earliest moment before ``limit`` at which the call, or one of its roles, falls by plan."""
    for moment in call_moments(facts):
        if at < moment < limit:
            later = may_call(facts, at=moment)
            if not later or not later.urns() >= call.urns():
                return moment
    return limit


def _not_here(answer: Answer, name: str, application_id: str, tenant: str) -> Decision:
    if answer:
        return Decision.no(say.only_by_access(name, application_id, tenant))
    return answer.decision


def _through_access(facts: CallFacts, at: datetime) -> tuple[HeldRole, ...]:
    """Roles that X holds at home through an access contract whose provider is T, where X itself runs."""
    if facts.home_id == facts.tenant_id or not available(facts.caller, tenant_id=facts.home_id, at=at):
        return ()
    at_home = effective_roles(facts.at_home, facts.target, facts.book, at=at)
    return tuple(
        role
        for role in at_home.held
        if role.contract_id is not None and role.scope_tenant_id == facts.tenant_id
    )


def _why_not(facts: CallFacts, x_here: Answer, local: Roles) -> Decision:
    caller, target = facts.caller.application, facts.target.application
    tenant = facts.target.name(facts.tenant_id)
    reasons: list[Reason] = []
    if not own_way(x_here):
        reasons.append(say.caller_not_available(caller.name, caller.id, tenant, facts.tenant_id))
        reasons += x_here.decision.reasons[:1] if not x_here else ()
    # A role held through an access contract works on the provider's data: here it is none.
    if all(role.contract_id is not None for role in local.held):
        reasons.append(say.no_role_held(caller.name, caller.id, target.name, target.id, tenant))
        reasons += local.refusals
    return Decision.no(*reasons)


def call_moments(facts: CallFacts) -> list[datetime]:
    """Every moment at which an answer over these facts may change, in order."""
    found = {*facts.caller.moments(), *facts.target.moments()}
    found |= {*principal_moments(facts.local), *principal_moments(facts.at_home)}
    return sorted(found | facts.book.moments())
