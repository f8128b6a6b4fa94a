"""``may sign in``: may a person use a client's application in his tenant, over facts and a moment."""

from dataclasses import dataclass
from datetime import datetime

from accesscontrol import reasons as say
from accesscontrol.decide.held import HeldRole, PrincipalFacts, RoleBook, principal_moments
from accesscontrol.decide.roles import effective_roles
from applications.availability import SharingFacts, available
from iam_portal.decision import Decision


@dataclass(frozen=True, slots=True)
class SignInFacts:
    """Everything ``may_sign_in`` asks: the person in his tenant, and the application as it is shared."""

    tenant_id: str
    sharing: SharingFacts
    book: RoleBook
    person: PrincipalFacts


@dataclass(frozen=True, slots=True)
class SignIn:
    """The answer: reads as a boolean; with the roles that the person holds there, maybe none."""

    decision: Decision
    roles: tuple[HeldRole, ...] = ()

    def __bool__(self) -> bool:
        return self.decision.allowed

    def urns(self) -> frozenset[str]:
        """The role URNs of the person."""
        return frozenset(role.urn for role in self.roles)


def may_sign_in(facts: SignInFacts, *, at: datetime) -> SignIn:
    """Where the application is available, by whichever relation, each active person may sign in.

    What he may do there is for his roles to say; a person without any is told so by the application.
    """
    if not any(span.covers(at) for span in facts.person.active):
        return SignIn(Decision.no(say.principal_inactive()))
    here = available(facts.sharing, tenant_id=facts.tenant_id, at=at)
    if not here:
        return SignIn(here.decision)
    roles = effective_roles(facts.person, facts.sharing, facts.book, at=at).held
    chain = tuple(reason for way in here.holding[:1] for reason in way.decision.reasons)
    return SignIn(Decision.yes(*chain), roles)


def sign_in_until(facts: SignInFacts, found: SignIn, *, at: datetime, limit: datetime) -> datetime:
    """The earliest moment before ``limit`` at which the sign-in, or one of its roles, falls by plan."""
    for moment in _moments(facts):
        if at < moment < limit:
            later = may_sign_in(facts, at=moment)
            if not later or not later.urns() >= found.urns():
                return moment
    return limit


def _moments(facts: SignInFacts) -> list[datetime]:
    found = {*facts.sharing.moments(), *principal_moments(facts.person)}
    return sorted(found | facts.book.moments())
