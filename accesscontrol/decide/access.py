"""``may do``: may a principal do something with a resource, over facts and a moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from accesscontrol import reasons as say
from accesscontrol.decide.confirmed import confirmed_permissions
from accesscontrol.decide.covering import Amount, Protected, giving
from accesscontrol.decide.ground import Ground, own_way
from accesscontrol.decide.held import HeldRole, PrincipalFacts, RoleBook, living
from applications.availability import SharingFacts, available
from iam_portal.decision import Decision, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A principal of ``tenant_id``, a privilege, and the resource in the data of ``owning_tenant_id``.

    ``lineage`` is the resource and then what contains it, outwards; empty when it is not there. ``caller``
    is set for a service: the facts of its own application.
    """

    tenant_id: str
    owning_tenant_id: str
    privilege: str
    lineage: tuple[Protected, ...]
    sharing: SharingFacts
    book: RoleBook
    principal: PrincipalFacts
    caller: SharingFacts | None = None

    @property
    def application_id(self) -> str:
        """The application that is asked about."""
        return self.sharing.application.id

    @property
    def is_own(self) -> bool:
        """Whether the data is that of the principal's own tenant."""
        return self.tenant_id == self.owning_tenant_id

    def gives(self, amount: Amount) -> Protected | None:
        """By which resource of the lineage a role that comes to this gives what is asked, if it does."""
        return giving(self.lineage, self.privilege, amount.held())

    def holds(self, key: str, at: datetime, contract_id: str | None = None) -> bool:
        """Whether a role of the application gives it; as an access contract has the role."""
        facts = self.book.application.get(key, ())
        contract = self.sharing.contract(contract_id)
        held = living(facts, at) if contract is None else confirmed_permissions(contract, key, facts, at=at)
        return self.gives(Amount(frozenset(held))) is not None

    def made(self, at: datetime) -> tuple[str, ...]:
        """The keys of the tenant's own roles that give it."""
        if not self.is_own:
            return ()
        ground = self.ground(self.tenant_id, at)
        keys = sorted({*self.book.tenant, *self.book.own})
        return tuple(key for key in keys if self.gives(ground.made(key)) is not None)

    def ground(self, tenant_id: str, at: datetime) -> Ground:
        """On which roles over a tenant's data stand."""
        return Ground(self.sharing, self.book, tenant_id=tenant_id, at=at)


def may_do(
    question: Question, held: Sequence[HeldRole], refusals: Sequence[Reason], *, at: datetime
) -> Decision:
    """May the principal, who holds these roles, do it? ``refusals`` say why others do not count.

    A yes names for each role that gives it the links in their order: available, granted, assigned, contained.
    """
    here = [role for role in held if role.scope_tenant_id == question.owning_tenant_id]
    refusals = (*refusals, *_broken(question, at))
    ground = question.ground(question.owning_tenant_id, at)
    chains = [chain for role in here for chain in _chains(question, role, ground)]
    if chains:
        return Decision.yes(*dict.fromkeys(chains))
    if not question.lineage:
        return Decision.no(*dict.fromkeys([*refusals, say.resource_unknown(question.application_id)]))
    asked = question.lineage[0]
    lacking = [
        say.permission_lacking(role.key, question.application_id, asked.name, question.privilege)
        for role in here
    ]
    if not lacking:
        lacking = [say.nothing_held(question.application_id)]
    return Decision.no(*dict.fromkeys([*refusals, *lacking]))


def _chains(question: Question, role: HeldRole, ground: Ground) -> list[Reason]:
    by = question.gives(ground.comes_to(role))
    if by is None:
        return []
    asked = question.lineage[0]
    over = by.name if by is not asked else ""
    contained = say.permission_contained(
        role.key, question.application_id, asked.name, question.privilege, over
    )
    assigned, *granted = role.reasons
    return [*(granted or _available(question, ground.at)), assigned, contained]


def _available(question: Question, at: datetime) -> tuple[Reason, ...]:
    """A role of the tenant's own making rests on all by which the application is there."""
    if not question.is_own:
        return ()
    answer = available(question.sharing, tenant_id=question.tenant_id, at=at)
    return tuple(
        reason for way in answer.holding if way.relation != "access" for reason in way.decision.reasons
    )


def _broken(question: Question, at: datetime) -> tuple[Reason, ...]:
    """The first link: whether the application is there at all, for that tenant's data."""
    answer = available(question.sharing, tenant_id=question.tenant_id, at=at)
    if not question.is_own:
        ways = [way for way in answer.ways if way.scope_tenant_id == question.owning_tenant_id]
        return tuple(reason for way in ways if not way.decision for reason in way.decision.reasons)
    if own_way(answer):
        return ()
    application = question.sharing.application
    if not answer:
        return answer.decision.reasons
    tenant = question.sharing.name(question.tenant_id)
    return (say.only_by_access(application.name, application.id, tenant),)
