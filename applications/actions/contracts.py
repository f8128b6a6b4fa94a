"""The life of a contract: propose, accept, decline, withdraw, end."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from django.db import transaction

from applications.actions.availability import moving
from applications.actions.drafts import CannotDraft, check_roles, draft, edit, state_of
from applications.actions.open_amendments import cancel_open
from applications.actions.record import finish, snapshot
from applications.actions.requirements import Tick, hold_sides, require_declared
from applications.actions.terms import cut
from applications.models import Contract, ContractState, ContractTerm
from applications.policies import lock_applications, lock_contract, touched_tenants
from applications.signals import contract_accepted
from iam_portal.errors import DomainError, Invalid
from iam_portal.gate import Actor
from iam_portal.sentences import Said, said
from tenants.actions.partners import accepts_automatically, are_partners
from tenants.models import Tenant
from tenants.models.spanned import since

__all__ = ["accept", "decline", "draft", "edit", "end", "propose", "withdraw"]

_STANDS: dict[str, Said] = {
    ContractState.DRAFT: said("The contract is a draft."),
    ContractState.PROPOSED: said("The contract is proposed."),
    ContractState.ACCEPTED: said("The contract is accepted."),
    ContractState.DECLINED: said("The contract is declined."),
    ContractState.WITHDRAWN: said("The contract is withdrawn."),
    ContractState.LAPSED: said("The contract has lapsed."),
}


class WrongState(DomainError):
    """The contract is not in a state in which this can be done; ``data`` carries the state."""

    code = "contract_wrong_state"


class NotYours(DomainError):
    """This act belongs to the other side of the contract."""

    code = "contract_other_side"


class Lapsed(DomainError):
    """The proposal was not answered in time, or its end has passed."""

    code = "contract_lapsed"


def propose(
    *, tenant: Tenant, contract_id: UUID, by: Actor, at: datetime, note: str = "", revision: int | None = None
) -> Contract:
    """Provider: send the draft to the consumer, whose standing yes to this partner accepts it at once."""
    with transaction.atomic():
        contract = lock_contract(tenant=tenant, contract_id=contract_id, revision=revision)
        require_side(contract, tenant, "provider")
        _require_state(contract, ContractState.DRAFT)
        _refuse_past_end(contract, at)
        lock_applications(applications_in([contract]))  # what the roles hold now is what is offered
        _require_shareable(contract, at)
        before = snapshot(contract, at)
        contract.state, contract.proposed_at = ContractState.PROPOSED, at
        finish(contract, "proposed", by=by, at=at, before=before, note=note)
        consumer = contract.consumer
        if accepts_automatically(tenant=consumer, partner=tenant, contract_type=contract.type):
            automatic = Actor("system", "auto-accept", "Automatic acceptance", consumer.id, by.request_id)
            contract = accept(tenant=consumer, contract_id=contract.id, by=automatic, at=at)
    return contract


def withdraw(
    *, tenant: Tenant, contract_id: UUID, by: Actor, at: datetime, note: str = "", revision: int | None = None
) -> Contract:
    """Provider: take back a draft or a proposal that was not answered."""
    with transaction.atomic():
        contract = lock_contract(tenant=tenant, contract_id=contract_id, revision=revision)
        require_side(contract, tenant, "provider")
        _require_state(contract, ContractState.DRAFT, ContractState.PROPOSED)
        before = snapshot(contract, at)
        contract.state, contract.answered_at = ContractState.WITHDRAWN, at
        finish(contract, "withdrawn", by=by, at=at, before=before, note=note)
    return contract


def decline(
    *, tenant: Tenant, contract_id: UUID, by: Actor, at: datetime, note: str = "", revision: int | None = None
) -> Contract:
    """Consumer: refuse the proposal."""
    with transaction.atomic():
        contract = lock_contract(tenant=tenant, contract_id=contract_id, revision=revision)
        require_side(contract, tenant, "consumer")
        _require_state(contract, ContractState.PROPOSED)
        before = snapshot(contract, at)
        contract.state, contract.answered_at = ContractState.DECLINED, at
        finish(contract, "declined", by=by, at=at, before=before, note=note)
    return contract


def accept(
    *,
    tenant: Tenant,
    contract_id: UUID,
    by: Actor,
    at: datetime,
    note: str = "",
    revision: int | None = None,
    required: Sequence[Tick] = (),
) -> Contract:
    """Consumer: agree. From its start (now, when that has passed) the roles are granted.

    ``required``: what its applications require of others, to be given at once; who may not gets none of it.
    """
    ticks = list(dict.fromkeys(required))
    with transaction.atomic():
        if ticks:
            hold_sides(tenant=tenant, contract_id=contract_id)
        contract = lock_contract(tenant=tenant, contract_id=contract_id, revision=revision)
        require_side(contract, tenant, "consumer")
        _require_state(contract, ContractState.PROPOSED)
        _refuse_past_end(contract, at)
        lock_applications(applications_in([contract]))  # or a role could be retired after it was looked at
        _require_shareable(contract, at)
        require_declared(contract, ticks, at=at)
        before = snapshot(contract, at)
        with changing(contract, at=at):
            contract.state, contract.answered_at = ContractState.ACCEPTED, at
            contract.starts_at = max(contract.starts_at or at, at)
            # The provider's word stands since the proposal: what a role gained after it was not offered.
            during = since(contract.starts_at, contract.ends_at)
            contract.terms.update(during=during, confirmed_at=contract.proposed_at)
            finish(contract, "accepted", by=by, at=at, before=before, note=note)
        contract_accepted.send(sender=Contract, contract=contract, by=by, at=at, required=ticks)
    return contract


def end(
    *,
    tenant: Tenant,
    contract_id: UUID,
    by: Actor,
    at: datetime,
    when: datetime | None = None,
    note: str = "",
    revision: int | None = None,
) -> Contract:
    """Either side: end it now, or at a later moment. Planned pauses after the end are cancelled."""
    moment = when or at
    if moment < at:
        raise Invalid("The end cannot lie in the past.")
    with transaction.atomic():
        contract = lock_contract(tenant=tenant, contract_id=contract_id, revision=revision)
        require_in_life(contract, at)
        if contract.ends_at is not None and contract.ends_at < moment:
            raise WrongState("The contract ends earlier already.", data=state_of(contract))
        _end(contract, by=by, at=at, moment=moment, tenant_id=tenant.id, note=note)
    return contract


def lapse(*, contract_id: UUID, by: Actor, at: datetime) -> bool:
    """Note that a proposal was not answered in time. Whether it was still a proposal then."""
    with transaction.atomic():
        rows = Contract.objects.select_for_update(of=("self",), no_key=True)
        contract = rows.select_related("provider", "consumer").get(id=contract_id)
        if contract.state != ContractState.PROPOSED or not _is_over(contract, at):
            return False
        before = snapshot(contract, at)
        contract.state, contract.answered_at = ContractState.LAPSED, at
        finish(contract, "lapsed", by=by, at=at, before=before, note="")
    return True


@contextmanager
def changing(contract: Contract, *, at: datetime, also: Collection[str] = ()) -> Iterator[None]:
    """The frame in which grants, availability and their events follow a change of this contract.

    ``also``: applications that the change brings into it.
    """
    applications = lock_applications([*applications_in([contract]), *also])
    tenants = touched_tenants(contracts=[contract], applications=applications)
    with moving(applications=applications, tenants=tenants, contracts=[contract.id], at=at):
        yield


def require_side(contract: Contract, tenant: Tenant, side: str) -> None:
    """Refuse an act that belongs to the other side."""
    if (contract.provider_id if side == "provider" else contract.consumer_id) != tenant.id:
        raise NotYours(said("Only the %(side)s can do this.", {"side": side}), data=state_of(contract))


def require_in_life(contract: Contract, at: datetime) -> None:
    """Refuse an act on a contract that is not accepted, or is over."""
    _require_state(contract, ContractState.ACCEPTED)
    if contract.ends_at is not None and contract.ends_at <= at:
        raise WrongState("The contract has ended.", data={**state_of(contract), "state": "ended"})


def applications_in(contracts: Collection[Contract]) -> list[str]:
    """What these contracts are or were about."""
    terms = ContractTerm.objects.filter(contract__in=contracts)
    return list(terms.values_list("role__application_id", flat=True).distinct())


def _end(
    contract: Contract, *, by: Actor, at: datetime, moment: datetime, tenant_id: UUID | None, note: str
) -> None:
    before = snapshot(contract, at)
    with changing(contract, at=at):
        contract.ends_at = moment
        contract.starts_at = min(contract.starts_at or moment, moment)
        contract.ended_by, contract.ended_by_tenant_id = by.name[:200], tenant_id
        cut([contract], moment)
        verb = "ended" if moment == at else "end_planned"
        finish(contract, verb, by=by, at=at, before=before, note=note)
        cancel_open(contract, by=by, at=at)


def _require_state(contract: Contract, *states: str) -> None:
    if contract.state not in states:
        raise WrongState(_STANDS[contract.state], data=state_of(contract))


def _is_over(contract: Contract, at: datetime) -> bool:
    dates = (contract.answer_by, contract.ends_at)
    return any(date is not None and date <= at for date in dates)


def _refuse_past_end(contract: Contract, at: datetime) -> None:
    if _is_over(contract, at):
        raise Lapsed("The offer has lapsed: its date has passed.", data=state_of(contract))


def _require_shareable(contract: Contract, at: datetime) -> None:
    """Asked under the locks of both tenants, which the end of a partnership and a suspension take too."""
    if not are_partners(contract.provider, contract.consumer):
        raise CannotDraft("These organizations are not partners any more.", data=state_of(contract))
    roles = [term.role for term in contract.terms.select_related("role__application")]
    if objections := check_roles(provider=contract.provider, type=contract.type, roles=roles, at=at):
        raise CannotDraft(
            "The provider cannot share this any more.", errors=objections, data=state_of(contract)
        )
