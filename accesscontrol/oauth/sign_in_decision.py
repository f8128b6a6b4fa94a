"""What a person may get at a client: one decision for the page, for each token and for introspection."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from accesscontrol import facts as load
from accesscontrol.decide import HeldRole, RoleBook, SignIn, SignInFacts, may_sign_in, sign_in_until
from accesscontrol.oauth.claims import seconds
from applications import facts as sharing_facts
from applications.reasons import no_contract
from iam_portal.decision import Decision, Reason

SHORTEST = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Standing:
    """The decision, and when it or a role of it falls by plan (``limit`` at the latest)."""

    decision: Decision
    roles: tuple[HeldRole, ...]
    until: datetime

    def __bool__(self) -> bool:
        return self.decision.allowed


def decide(*, user_id: UUID, application_id: str, tenant_id: UUID, at: datetime, limit: datetime) -> Standing:
    """May the person sign in to the application, with which roles, until when. In the tenant's scope."""
    facts = facts_of(user_id=user_id, application_id=application_id, tenant_id=tenant_id)
    if facts is None:
        return Standing(Decision.no(), (), limit)
    found = may_sign_in(facts, at=at)
    if not found:
        return Standing(Decision.no(*_reasons(facts, found)), (), limit)
    until = sign_in_until(facts, found, at=at, limit=limit)
    # At the edge the answer is the next one: a token of which nothing is left helps nobody.
    while seconds(until) - at.timestamp() < SHORTEST.total_seconds():
        later = may_sign_in(facts, at=until)
        if not later:
            return Standing(later.decision, (), limit)
        kept = tuple(role for role in found.roles if role.urn in later.urns())
        found = SignIn(found.decision, kept)
        until = sign_in_until(facts, found, at=until, limit=limit)
    return Standing(found.decision, found.roles, until)


def narrowed(roles: Sequence[HeldRole], keys: frozenset[str]) -> tuple[HeldRole, ...]:
    """Only the application's roles of these keys; all of them without a key."""
    if not keys:
        return tuple(roles)
    return tuple(role for role in roles if role.key in keys and role.relation != "tenant")


def facts_of(*, user_id: UUID, application_id: str, tenant_id: UUID) -> SignInFacts | None:
    """What the decision asks; None for an application that does not exist. A fixed number of queries."""
    sharing = sharing_facts.of_application(application_id, tenant_id=tenant_id)
    if sharing is None:
        return None
    who = load.Principal(tenant_id, user_id=user_id)
    person = load.principal(who, application_ids=[application_id])[application_id]
    # Permissions decide only where a role of the tenant's own making is held.
    made = any(assignment.tenant_role is not None for assignment in person.assignments)
    book = load.books([application_id], tenant_id=tenant_id)[application_id] if made else RoleBook()
    return SignInFacts(str(tenant_id), sharing, book, person)


def _reasons(facts: SignInFacts, found: SignIn) -> tuple[Reason, ...]:
    """The chain; for an application that nothing ever connected with the tenant, what an unknown one gets.

    Its client id and address are no secret: whoever knows them shall not read names and states with them.
    """
    application = facts.sharing.application
    shared = any(contract.consumer_id == facts.tenant_id for contract in facts.sharing.contracts)
    if shared or application.owner_id == facts.tenant_id or application.builtin:
        return found.decision.reasons
    return (
        no_contract(application.id, application.id, facts.sharing.name(facts.tenant_id), facts.tenant_id),
    )
