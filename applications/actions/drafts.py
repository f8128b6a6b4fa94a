"""Drafting a contract: what the provider writes before the other side sees anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from applications.actions.record import NOT_SHAREABLE, contract_changed, refused_offer, snapshot
from applications.models import (
    ApplicationRole,
    Contract,
    ContractState,
    ContractTerm,
    ContractType,
)
from applications.policies import lock_contract, may_share, roles_by_name
from iam_portal.errors import DomainError, Invalid, Kind
from iam_portal.gate import Actor
from iam_portal.sentences import said, term
from tenants.actions.partners import are_partners
from tenants.models import Tenant, since

Objections = list[dict[str, str]]


class CannotDraft(DomainError):
    """The offer could not be made; every objection is listed."""

    code = "contract_not_possible"
    kind = Kind.CONFLICT


class NotADraft(DomainError):
    """Only a draft can be edited."""

    code = "contract_not_draft"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a contract offers. ``roles`` are (application id, role key); dates in UTC, ``None`` is open."""

    type: str
    roles: Sequence[tuple[str, str]]
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    answer_by: datetime | None = None
    onward_access: bool = False
    note: str = ""


def draft(*, provider: Tenant, consumer_id: UUID, offer: Offer, by: Actor, at: datetime) -> Contract:
    """Write a draft. Raises :class:`CannotDraft` with all objections; an unknown consumer is one of them."""
    with transaction.atomic():
        consumer = Tenant.objects.filter(id=consumer_id).first()
        objections = _partner(provider, consumer)
        partner = "" if objections or consumer is None else consumer.name  # a stranger's name is not told
        roles = _roles(provider, offer, at, objections)
        _dates(offer, at, objections)
        subject = ("tenant", consumer_id, partner)
        _refuse(objections, offer, provider=provider, subject=subject, by=by, at=at)
        assert consumer is not None
        contract = Contract(
            provider=provider, consumer=consumer, type=offer.type, created_at=at, **_columns(offer)
        )
        contract.full_clean()
        contract.save()
        _write_terms(contract, roles, at)
        contract_changed(contract, "drafted", by=by, at=at, before=None)
    return contract


def edit(
    *, tenant: Tenant, contract_id: UUID, offer: Offer, by: Actor, at: datetime, revision: int | None = None
) -> Contract:
    """Replace what a draft offers; type and consumer stay."""
    with transaction.atomic():
        contract = lock_contract(tenant=tenant, contract_id=contract_id, revision=revision)
        if contract.state != ContractState.DRAFT or contract.provider_id != tenant.id:
            raise NotADraft(
                "Only a draft can be changed. Propose an amendment instead.", data=state_of(contract)
            )
        objections: Objections = []
        roles = _roles(tenant, offer, at, objections)
        _dates(offer, at, objections)
        subject = ("contract", contract_id, f"{contract.provider} → {contract.consumer}")
        _refuse(objections, offer, provider=tenant, subject=subject, by=by, at=at)
        before = snapshot(contract, at)
        for name, value in _columns(offer).items():
            setattr(contract, name, value)
        contract.revision += 1
        contract.full_clean()
        contract.save()
        contract.terms.all().delete()  # no decision ever used the terms of a draft
        _write_terms(contract, roles, at)
        contract_changed(contract, "edited", by=by, at=at, before=before)
    return contract


def state_of(contract: Contract) -> dict[str, Any]:
    """What a refusal says of the contract's present state."""
    return {"state": contract.state, "revision": f"r-{contract.revision}"}


def check_roles(*, provider: Tenant, type: str, roles: Sequence[ApplicationRole], at: datetime) -> Objections:
    """Objections against sharing these roles at the moment."""
    objections: Objections = []
    decisions = may_share(provider=provider, roles=roles, type=type, at=at)
    for index, (role, decision) in enumerate(zip(roles, decisions, strict=True)):
        if not decision:
            detail = said(
                "%(provider)s cannot share the role %(role)s of %(application)s by %(type)s.",
                {
                    "provider": provider.name,
                    "role": role.key,
                    "application": role.application_id,
                    "type": term(type),
                },
            )
            objections.append({"pointer": f"/roles/{index}", "code": decision.code, "detail": detail})
    return objections


def _columns(offer: Offer) -> dict[str, Any]:
    return {
        "starts_at": offer.starts_at,
        "ends_at": offer.ends_at,
        "answer_by": offer.answer_by,
        "onward_access": offer.onward_access,
        "note": offer.note,
    }


def _partner(provider: Tenant, consumer: Tenant | None) -> Objections:
    if consumer is not None and consumer.id == provider.id:
        raise Invalid("A contract is between two organizations.")
    if consumer is None or not are_partners(provider, consumer):
        # Unknown and not a partner are one answer: ids of strangers are not confirmed.
        detail = "This organization is not a partner. Invite it first."
        return [{"pointer": "/consumerTenantId", "code": "not_a_partner", "detail": detail}]
    return []


def _roles(provider: Tenant, offer: Offer, at: datetime, objections: Objections) -> list[ApplicationRole]:
    if offer.type not in ContractType.values:
        raise Invalid(said("The type is one of %(values)s.", {"values": ", ".join(ContractType.values)}))
    wanted = _wanted(offer)
    if not wanted:
        objections.append({"pointer": "/roles", "code": "required", "detail": "Name at least one role."})
    known = roles_by_name(wanted, at=at)
    decisions = may_share(provider=provider, roles=known.values(), type=offer.type, at=at)
    shareable = dict(zip(known, decisions, strict=True))
    for index, pair in enumerate(wanted):
        # An application that the provider cannot share answers like one that is not there.
        if not shareable.get(pair):
            detail = said(
                "%(provider)s has no role %(role)s of %(application)s to share by %(type)s.",
                {
                    "provider": provider.name,
                    "role": pair[1],
                    "application": pair[0],
                    "type": term(offer.type),
                },
            )
            objections.append({"pointer": f"/roles/{index}", "code": NOT_SHAREABLE, "detail": detail})
    return list(known.values())


def _dates(offer: Offer, at: datetime, objections: Objections) -> None:
    start = max(offer.starts_at or at, at)
    if offer.ends_at is not None and offer.ends_at <= start:
        detail = "The end must lie after the start and in the future."
        objections.append({"pointer": "/endsAt", "code": "ends_too_early", "detail": detail})
    if offer.answer_by is not None and offer.answer_by <= at:
        detail = "The date for an answer must lie in the future."
        objections.append({"pointer": "/answerBy", "code": "answer_too_early", "detail": detail})


def _wanted(offer: Offer) -> list[tuple[str, str]]:
    """Each role once, in the order given: what the objections' pointers count through."""
    return list(dict.fromkeys(offer.roles))


def _refuse(
    objections: Objections,
    offer: Offer,
    *,
    provider: Tenant,
    subject: tuple[str, object, str],
    by: Actor,
    at: datetime,
) -> None:
    if objections:
        tried = refused_offer(objections, _wanted(offer), tenant=provider, by=by, at=at, subject=subject)
        detail = "This contract cannot be offered. Nothing was saved."
        raise CannotDraft(detail, errors=objections, record=tried)


def _write_terms(contract: Contract, roles: Sequence[ApplicationRole], at: datetime) -> None:
    start = contract.starts_at or at
    for role in roles:
        term = ContractTerm(
            contract=contract, role=role, during=since(start, contract.ends_at), confirmed_at=at
        )
        term.full_clean(validate_constraints=False)
        term.save()
