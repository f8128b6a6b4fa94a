"""Amendments on record: what each says of itself, and how an unanswered one comes to its end."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from applications.actions.record import contract_changed, finish, snapshot
from applications.models import Amendment, AmendmentRole, AmendmentState, Contract
from iam_portal.decision import rfc3339
from iam_portal.gate import Actor

MOST = 1000


def diff(amendment: Amendment) -> dict[str, Any]:
    """What it changes, as both sides read it: roles added and removed, and the end before and after.

    Roles with their applications are to be prefetched where many are shown. While it is open, the end
    before is the contract's present one.
    """
    rows = sorted(amendment.roles.all(), key=lambda row: (row.role.application_id, row.role.key))
    verb = AmendmentRole.Verb
    return {
        "added": [_role(row) for row in rows if row.verb == verb.ADD],
        "removed": [_role(row) for row in rows if row.verb == verb.REMOVE],
        "endsAt": {"before": rfc3339(former_end(amendment)), "after": rfc3339(amendment.ends_at)}
        if amendment.moves_end
        else None,
    }


def former_end(amendment: Amendment) -> datetime | None:
    """The end that it moves: while it is open the contract's present one."""
    waits = amendment.state == AmendmentState.PROPOSED
    return amendment.contract.ends_at if waits else amendment.former_ends_at


def state(amendment: Amendment, at: datetime) -> str:
    """The state people speak of: ``lapsed`` is computed from dates, before the job has noted it."""
    if amendment.state != AmendmentState.PROPOSED:
        return str(amendment.state)
    contract = amendment.contract
    over = contract.ends_at is not None and contract.ends_at <= at
    return AmendmentState.LAPSED if over or too_late(amendment, at) else AmendmentState.PROPOSED


def too_late(amendment: Amendment, at: datetime) -> bool:
    """Whether its own dates have passed: that of the answer, or the end that it would agree."""
    dates = (amendment.answer_by, amendment.ends_at)
    return any(date is not None and date <= at for date in dates)


def recorded(amendment: Amendment) -> Mapping[str, Any]:
    """What history and events of the contract say of it."""
    return {
        "amendment": {
            "amendmentId": str(amendment.id),
            "kind": "widening" if amendment.widens else "narrowing",
            "state": amendment.state,
            "proposedByTenantId": str(amendment.proposed_by_tenant_id),
            "takesEffectAt": rfc3339(amendment.takes_effect_at),
            "answerBy": rfc3339(amendment.answer_by),
            "diff": diff(amendment),
        }
    }


def answer(amendment: Amendment, state: str, *, by: Actor, at: datetime) -> None:
    """Give it its last state, under its next revision."""
    if amendment.moves_end and state == AmendmentState.ACCEPTED:
        amendment.former_ends_at = amendment.contract.ends_at
    amendment.state, amendment.answered_at, amendment.answered_by = state, at, by.name[:200]
    amendment.revision += 1
    amendment.full_clean()
    amendment.save()


def cancel_open(contract: Contract, *, by: Actor, at: datetime) -> None:
    """With the contract's end its open amendment is cancelled, in the caller's transaction."""
    for amendment in contract.amendments.filter(state=AmendmentState.PROPOSED):
        amendment.contract = contract
        before = {"amendment": {"amendmentId": str(amendment.id), "state": str(amendment.state)}}
        lapsed = too_late(amendment, at)
        answer(amendment, AmendmentState.LAPSED if lapsed else AmendmentState.CANCELLED, by=by, at=at)
        verb = "amendment_lapsed" if lapsed else "amendment_cancelled"
        contract_changed(contract, verb, by=by, at=at, before=before, extra=recorded(amendment))


def lapse(*, contract_id: UUID, by: Actor, at: datetime) -> bool:
    """Note that the open amendment of the contract was not answered in time. Whether there was one."""
    with transaction.atomic():
        rows = Contract.objects.select_for_update(of=("self",), no_key=True)
        contract = rows.select_related("provider", "consumer").get(id=contract_id)
        amendment = contract.amendments.filter(state=AmendmentState.PROPOSED).first()
        if amendment is None or state(amendment, at) != AmendmentState.LAPSED:
            return False
        close_lapsed(contract, amendment, by=by, at=at)
    return True


def close_lapsed(contract: Contract, amendment: Amendment, *, by: Actor, at: datetime) -> None:
    """Write down what its dates say already; the contract is locked."""
    before = snapshot(contract, at)
    amendment.contract = contract
    answer(amendment, AmendmentState.LAPSED, by=by, at=at)
    finish(contract, "amendment_lapsed", by=by, at=at, before=before, note="", extra=recorded(amendment))


def lapse_due(*, at: datetime) -> int:
    """The job: note each amendment whose date has passed, one transaction each. How many there were."""
    over = Q(answer_by__lte=at) | Q(ends_at__lte=at) | Q(contract__ends_at__lte=at)
    due = Amendment.objects.filter(over, state=AmendmentState.PROPOSED).order_by("id")
    by = Actor.system("availability job")
    return sum(
        lapse(contract_id=contract_id, by=by, at=at)
        for contract_id in due.values_list("contract_id", flat=True)[:MOST]
    )


def _role(row: AmendmentRole) -> dict[str, str]:
    return {"applicationId": row.role.application_id, "role": row.role.key, "name": row.role.name}
