"""What an amendment would change, held against the contract: everything that speaks against it, at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from applications.actions.drafts import Objections, check_roles, state_of
from applications.actions.record import NOT_SHAREABLE, refused_offer
from applications.models import Amendment, AmendmentRole, ApplicationRole, Contract, ContractTerm
from applications.policies import roles_by_name
from iam_portal.errors import DomainError
from iam_portal.gate import Actor
from iam_portal.sentences import said, term
from tenants.models import Tenant


class CannotAmend(DomainError):
    """The contract cannot be changed so; every objection is listed."""

    code = "amendment_not_possible"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a side asks for. Roles are (application id, role key).

    ``moves_end`` with ``ends_at`` None: no end. ``when``: the planned moment of the roles' change; an end
    is a date by itself and moves with the agreement.
    """

    add: Sequence[tuple[str, str]] = ()
    remove: Sequence[tuple[str, str]] = ()
    moves_end: bool = False
    ends_at: datetime | None = None
    when: datetime | None = None
    answer_by: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A change whose roles were found, by their place in it; from ``moment`` on the roles are others."""

    add: Mapping[int, ApplicationRole]
    remove: Mapping[int, ApplicationRole]
    moves_end: bool
    ends_at: datetime | None
    moment: datetime

    def widens(self, contract: Contract) -> bool:
        """Whether something in it needs the other side's yes; then all of it waits."""
        return bool(self.add) or (self.moves_end and not self.shortens(contract))

    def shortens(self, contract: Contract) -> bool:
        """Whether the end moves, and to an earlier date."""
        if not self.moves_end or self.ends_at is None:
            return False
        return contract.ends_at is None or self.ends_at < contract.ends_at


def plan_of(*, contract: Contract, tenant: Tenant, change: Change, by: Actor, at: datetime) -> Plan:
    """The change as a plan; :class:`CannotAmend` with all objections."""
    objections: Objections = []
    removed = list(dict.fromkeys(change.remove))
    known = _named(contract, removed, objections)
    wanted = list(dict.fromkeys(change.add))
    offered = _offered(contract, tenant, wanted, at, objections)
    for index, pair in enumerate(wanted):
        if pair in removed:
            _object(objections, f"/addRoles/{index}", "named_twice", "A role is added or removed, not both.")
    plan = Plan(
        add=offered,
        remove=known,
        moves_end=change.moves_end and change.ends_at != contract.ends_at,
        ends_at=change.ends_at if change.moves_end else None,
        moment=max(change.when or at, at),
    )
    if change.when is not None and change.when < at:
        _object(objections, "/at", "too_early", "The planned moment cannot lie in the past.")
    _answer(change, plan, contract, at, objections)
    objections += judge(contract, plan)
    if not objections and not (plan.add or plan.remove or plan.moves_end):
        _object(objections, "", "no_change", "It names no role to add or remove, and no other end.")
    subject = ("contract", contract.id, f"{contract.provider} → {contract.consumer}")
    tried = refused_offer(objections, wanted, tenant=tenant, by=by, at=at, subject=subject)
    refuse(contract, objections, tried)
    return plan


def plan_again(contract: Contract, amendment: Amendment, *, at: datetime) -> Plan:
    """The plan of a stored proposal, as of now: a planned moment that has passed is now."""
    rows = list(amendment.roles.select_related("role__application").order_by("id"))
    return Plan(
        add=dict(enumerate(row.role for row in rows if row.verb == AmendmentRole.Verb.ADD)),
        remove=dict(enumerate(row.role for row in rows if row.verb == AmendmentRole.Verb.REMOVE)),
        moves_end=amendment.moves_end and amendment.ends_at != contract.ends_at,
        ends_at=amendment.ends_at,
        moment=max(amendment.takes_effect_at or at, at),
    )


def shareable_still(contract: Contract, plan: Plan, at: datetime) -> Objections:
    """Objections against the added roles: what the provider may share can have changed since the proposal."""
    found = check_roles(provider=contract.provider, type=contract.type, roles=list(plan.add.values()), at=at)
    return [
        {**objection, "pointer": objection["pointer"].replace("/roles", "/addRoles")} for objection in found
    ]


def judge(contract: Contract, plan: Plan) -> Objections:
    """Objections that the contract itself raises, as it is now."""
    objections: Objections = []
    if contract.ends_at is not None and contract.ends_at <= plan.moment:
        _object(objections, "/at", "ended_by_then", "The contract will have ended by then.")
        return objections  # then there are no roles either
    held = {term.role_id for term in contract.terms.all() if _reaches(term, plan.moment)}
    if plan.moves_end and plan.ends_at is not None and plan.ends_at <= _start(contract, plan):
        detail = "The new end must lie in the future, after the start and the planned moment."
        _object(objections, "/endsAt", "ends_too_early", detail)
    for index, role in plan.remove.items():
        if role.id not in held:
            detail = said(
                "The role %(role)s of %(application)s is not in the contract then.",
                {"role": role.key, "application": role.application_id},
            )
            _object(objections, f"/removeRoles/{index}", "role_not_in_contract", detail)
    for index, role in plan.add.items():
        if role.id in held:
            detail = said(
                "The role %(role)s of %(application)s is in the contract already.",
                {"role": role.key, "application": role.application_id},
            )
            _object(objections, f"/addRoles/{index}", "role_in_contract", detail)
    if plan.remove and not plan.add and held <= {role.id for role in plan.remove.values()}:
        detail = "Nothing would be left in the contract. End it instead."
        _object(objections, "/removeRoles", "no_role_left", detail)
    return objections


def refuse(contract: Contract, objections: Objections, tried: dict[str, Any] | None = None) -> None:
    """Raise :class:`CannotAmend` when there are objections; ``tried`` is for the record."""
    if objections:
        detail = "The contract cannot be amended so. Nothing was changed."
        raise CannotAmend(detail, errors=objections, data=state_of(contract), record=tried)


def _named(
    contract: Contract, pairs: Sequence[tuple[str, str]], objections: Objections
) -> dict[int, ApplicationRole]:
    """Roles of the contract by name. Of two lives of a role, the one whose term reaches further."""
    terms = contract.terms.select_related("role__application").order_by("confirmed_at", "id")
    known = {(term.role.application_id, term.role.key): term.role for term in terms}
    for index, pair in enumerate(pairs):
        if pair not in known:
            detail = said(
                "The role %(role)s of %(application)s is not in the contract.",
                {"role": pair[1], "application": pair[0]},
            )
            _object(objections, f"/removeRoles/{index}", "role_not_in_contract", detail)
    return {index: known[pair] for index, pair in enumerate(pairs) if pair in known}


def _offered(
    contract: Contract, tenant: Tenant, wanted: list[tuple[str, str]], at: datetime, objections: Objections
) -> dict[int, ApplicationRole]:
    """Roles that the provider may share.

    The consumer asks for more of the applications in the contract: of the provider's others it may not even
    know, so that they answer like those that are not there.
    """
    askable = {application_id for application_id, _ in wanted}
    if tenant.id != contract.provider_id:
        askable &= applications_of(contract.id)
    known = roles_by_name([pair for pair in wanted if pair[0] in askable], at=at)
    found = {}
    for index, pair in enumerate(wanted):
        role = known.get(pair)
        if role is None or check_roles(provider=contract.provider, type=contract.type, roles=[role], at=at):
            what = said(
                "role %(role)s of %(application)s to share by %(type)s",
                {"role": pair[1], "application": pair[0], "type": term(contract.type)},
            )
            detail = said("%(provider)s has no %(what)s.", {"provider": contract.provider.name, "what": what})
            _object(objections, f"/addRoles/{index}", NOT_SHAREABLE, detail)
        else:
            found[index] = role
    return found


def applications_of(contract_id: UUID) -> set[str]:
    """Ids of the applications that the contract is or was about."""
    terms = ContractTerm.objects.filter(contract_id=contract_id)
    return set(terms.values_list("role__application_id", flat=True))


def _answer(change: Change, plan: Plan, contract: Contract, at: datetime, objections: Objections) -> None:
    if change.answer_by is None:
        return
    if not change.add and not plan.widens(contract):
        _object(objections, "/answerBy", "no_answer_needed", "Narrowing needs no answer: it takes no date.")
    elif change.answer_by <= at:
        _object(objections, "/answerBy", "answer_too_early", "The date for an answer must lie in the future.")


def _start(contract: Contract, plan: Plan) -> datetime:
    return max(plan.moment, contract.starts_at or plan.moment)


def _reaches(term: ContractTerm, moment: datetime) -> bool:
    """Whether the role is agreed at the moment or from a later one on."""
    during = term.during
    return not during.isempty and (during.upper is None or during.upper > moment)


def _object(objections: Objections, pointer: str, code: str, detail: str) -> None:
    objections.append({"pointer": pointer, "code": code, "detail": detail})
