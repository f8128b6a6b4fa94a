"""Many contracts that end at once, as a consequence: by so many statements for any number of them.

Two organizations may have a thousand; they must not hold everybody else's applications for a minute.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from applications.actions.availability import moving
from applications.actions.contracts import applications_in
from applications.actions.open_amendments import cancel_open
from applications.actions.record import events_of, mark_told, snapshot, subject_of
from applications.actions.terms import cut
from applications.events import write
from applications.models import Amendment, AmendmentState, Contract, ContractState, ContractTerm
from applications.policies import lock_applications, lock_tenants, touched_tenants
from iam_portal.gate import Actor
from tenants import history

_MOVED = ["state", "starts_at", "ends_at", "answered_at", "ended_by", "ended_by_tenant", "revision"]
Snapshots = Mapping[UUID, Mapping[str, Any]]


def end_all(
    *, contracts: Collection[Contract], by: Actor, at: datetime, note: str, tenant_id: UUID | None
) -> None:
    """End or withdraw them now (a partnership ended), in the caller's transaction."""
    lock_tenants(*{side for row in contracts for side in (row.provider_id, row.consumer_id)})
    rows = Contract.objects.select_for_update(of=("self",), no_key=True).select_related(
        "provider", "consumer"
    )
    living = list(rows.filter(id__in=[row.id for row in contracts]).order_by("id"))
    lock_applications(applications_in(living))  # at once, or two contracts could lock them in two orders
    proposed = [row for row in living if row.state == ContractState.PROPOSED]
    _withdraw(proposed, by=by, at=at, note=note)
    running = [row for row in living if row.state == ContractState.ACCEPTED and not _is_over(row, at)]
    _end(running, by=by, at=at, note=note, tenant_id=tenant_id)


def _withdraw(rows: Sequence[Contract], *, by: Actor, at: datetime, note: str) -> None:
    before = _snapshots(rows, at)
    for row in rows:
        row.state, row.answered_at = ContractState.WITHDRAWN, at
    _finish(rows, "withdrawn", by=by, at=at, before=before, note=note)


def _end(rows: Sequence[Contract], *, by: Actor, at: datetime, note: str, tenant_id: UUID | None) -> None:
    if not rows:
        return
    before, applications = _snapshots(rows, at), applications_in(rows)
    tenants = touched_tenants(contracts=rows, applications=applications)
    with moving(applications=applications, tenants=tenants, contracts=[row.id for row in rows], at=at):
        for row in rows:
            row.ends_at, row.starts_at = at, min(row.starts_at or at, at)
            row.ended_by, row.ended_by_tenant_id = by.name[:200], tenant_id
        cut(rows, at)
        _finish(rows, "ended", by=by, at=at, before=before, note=note)
        mark_told((row.id, "ended", at) for row in rows)
        open_ones = Amendment.objects.filter(contract__in=rows, state=AmendmentState.PROPOSED)
        amended = set(open_ones.values_list("contract_id", flat=True))
        for row in rows:
            if row.id in amended:
                cancel_open(row, by=by, at=at)


def _finish(
    rows: Sequence[Contract], verb: str, *, by: Actor, at: datetime, before: Snapshots, note: str
) -> None:
    """Save them under their next revisions; history and events of both sides of each."""
    for row in rows:
        row.revision += 1
        row.clean_fields(exclude=["provider", "consumer", "ended_by_tenant"])  # rows that are there
    Contract.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["id"], update_fields=_MOVED, batch_size=1000
    )
    after: Snapshots = _snapshots(rows, at)
    if note:
        after = {key: {**told, "comment": note} for key, told in after.items()}
    changes: dict[UUID, list[history.Change]] = defaultdict(list)
    for row in rows:
        for side in (row.provider_id, row.consumer_id):
            changes[side].append(history.Change(subject_of(row), before[row.id], after[row.id]))
    history.record_sides(action=f"contract.{verb}", by=by, at=at, changes=changes)
    write([each for row in rows for each in events_of(row, verb, at=at, after=after[row.id])])


def _snapshots(rows: Sequence[Contract], at: datetime) -> Snapshots:
    """Each as history shows it. One statement for all their terms."""
    terms: dict[UUID, list[ContractTerm]] = defaultdict(list)
    for term in ContractTerm.objects.filter(contract__in=rows).select_related("role"):
        terms[term.contract_id].append(term)
    return {row.id: snapshot(row, at, terms[row.id]) for row in rows}


def _is_over(row: Contract, at: datetime) -> bool:
    return row.ends_at is not None and row.ends_at <= at
