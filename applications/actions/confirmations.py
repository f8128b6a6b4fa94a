"""Roles grow; what they gained counts through an access contract once its provider confirms it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from applications import rolechanges
from applications.actions.contracts import changing, require_in_life, require_side
from applications.actions.drafts import state_of
from applications.actions.record import finish, snapshot
from applications.events import emit
from applications.models import (
    AmendmentRole,
    AmendmentState,
    Contract,
    ContractState,
    ContractTerm,
    ContractType,
)
from applications.policies import lock_contract
from applications.rolechanges import Gain
from iam_portal.errors import DomainError, Kind
from iam_portal.gate import Actor
from tenants import history, impact
from tenants.models import Tenant


class NotAccess(DomainError):
    """Under a provision contract a role counts as its owner declares it: there is nothing to confirm."""

    code = "contract_not_access"


class NothingToConfirm(DomainError):
    """No role of the contract gained anything since it was confirmed."""

    code = "nothing_to_confirm"


class NotShown(DomainError):
    """Nobody confirms what he has not seen: the act takes the revision of the changes that were shown."""

    code = "role_changes_required"
    kind = Kind.PRECONDITION


class ChangedSince(DomainError):
    """The roles changed again after they were shown. ``data`` carries the revision as it is now."""

    code = "role_changes_changed"
    kind = Kind.STALE


class Overtaken(DomainError):
    """The declaration took so long that somebody confirmed roles meanwhile. Sent again, it goes through."""

    code = "manifest_overtaken"


def waiting(contract: Contract, *, tenant: Tenant, at: datetime) -> list[Gain]:
    """What the provider would confirm now. Refused for others and for contracts in which it has no say."""
    require_side(contract, tenant, "provider")
    if contract.type != ContractType.ACCESS:
        raise NotAccess("Roles are confirmed in access contracts only.", data=state_of(contract))
    require_in_life(contract, at)
    return rolechanges.gained([contract.id], at=at)


def revision_of(gains: Sequence[Gain]) -> str:
    """Stands for what is shown: each permission, by role, and since when the role holds it."""
    return impact.revision_of(
        [[g.application_id, g.role, g.resource_type, g.resource_id, g.privilege, str(g.since)] for g in gains]
    )


def confirm(
    *,
    tenant: Tenant,
    contract_id: UUID,
    by: Actor,
    at: datetime,
    expected: str | None,
    note: str = "",
    revision: int | None = None,
) -> Contract:
    """Provider: from now on the roles count as they are. ``expected``: :func:`revision_of` what was shown."""
    with transaction.atomic():
        contract = lock_contract(tenant=tenant, contract_id=contract_id, revision=revision)
        waiting(contract, tenant=tenant, at=at)  # refuses early, before the applications are locked
        before = snapshot(contract, at)
        with changing(contract, at=at):  # no manifest is declared between the look and the act
            gains = waiting(contract, tenant=tenant, at=at)
            _require_shown(contract, gains, expected)
            _begin_anew(contract, gains, at)
            extra = {"confirmed": _told(gains)}
            finish(contract, "confirmed", by=by, at=at, before=before, note=note, extra=extra)
    return contract


def tell_widened(contracts: Sequence[Contract], *, by: Actor, at: datetime) -> None:
    """To the provider of each: an owner's act at this moment gave its roles more than it has confirmed."""
    gains = [gain for gain in rolechanges.gained([row.id for row in contracts], at=at) if gain.since == at]
    for contract in contracts:
        told = _told([gain for gain in gains if gain.contract_id == contract.id])
        if not told:
            continue
        data = {"contractId": str(contract.id), "gained": told}
        history.record(
            action="contract.role_widened",
            tenants=[contract.provider_id],
            by=by,
            at=at,
            subject=("contract", contract.id, f"{contract.provider} → {contract.consumer}"),
            after=data,
        )
        emit(
            type="contract.role_widened",
            tenant_id=contract.provider_id,
            subject=str(contract.id),
            at=at,
            data=data,
        )


def refuse_overtaken(role_ids: Collection[UUID], *, at: datetime) -> None:
    """Nothing is added to a role as of a moment that its providers' words have passed meanwhile.

    A declaration that was sent slowly would otherwise count as confirmed by who never saw it. The caller
    holds the application's lock, which proposals, acceptances and confirmations take too.
    """
    terms = ContractTerm.objects.filter(role__in=role_ids, contract__type=ContractType.ACCESS)
    agreed = Q(contract__state=ContractState.ACCEPTED, confirmed_at__gt=at)
    offered = Q(contract__state=ContractState.PROPOSED, contract__proposed_at__gt=at)
    added = AmendmentRole.objects.filter(
        role__in=role_ids, verb=AmendmentRole.Verb.ADD, amendment__contract__type=ContractType.ACCESS
    )
    waiting = added.filter(amendment__state=AmendmentState.PROPOSED, amendment__proposed_at__gt=at)
    if terms.filter(agreed | offered).exists() or waiting.exists():
        raise Overtaken("A contract about these roles was answered meanwhile. Nothing was changed.")


def _require_shown(contract: Contract, gains: Sequence[Gain], expected: str | None) -> None:
    if not gains:
        raise NothingToConfirm("No role holds more than what was confirmed.", data=state_of(contract))
    now = revision_of(gains)
    if expected is None:
        text = "Look at the role changes first, then send their revision in If-Match. Nothing was changed."
        raise NotShown(text, data={"revision": now})
    if expected != now:
        raise ChangedSince(
            "The roles changed since they were shown. Nothing was confirmed.", data={"revision": now}
        )


def _begin_anew(contract: Contract, gains: Sequence[Gain], at: datetime) -> None:
    """Close what runs or is planned of the grown roles, and open the rest of each span as confirmed now."""
    grown = {(gain.application_id, gain.role) for gain in gains}
    terms = ContractTerm.objects.not_over(at).filter(contract=contract).select_related("role")
    rest = [term for term in terms if (term.role.application_id, term.role.key) in grown]
    fresh = []
    for term in rest:
        start = max(term.during.lower, at)
        during = type(term.during)(start, term.during.upper, "[)")
        kept = {"contract": contract, "role": term.role, "removed_at": term.removed_at}
        fresh.append(ContractTerm(**kept, during=during, confirmed_at=at))
    ContractTerm.objects.filter(id__in=[term.id for term in rest]).close(at)
    ContractTerm.objects.bulk_create(fresh)


def _told(gains: Sequence[Gain]) -> list[dict[str, Any]]:
    """Roles with what they gained, as events and history say it."""
    return [
        {
            "applicationId": application_id,
            "role": role,
            "permissions": [
                {"resourceType": g.resource_type, "resourceId": g.resource_id, "privilege": g.privilege}
                for g in found
            ],
        }
        for (application_id, role), found in rolechanges.by_role(gains).items()
    ]
