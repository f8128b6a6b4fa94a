"""The frame of every act that can move availability: lock, tell what passed, change, rebuild, tell."""

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from operator import itemgetter
from uuid import UUID

from applications import boundaries, readmodel
from applications.actions.record import events_of, snapshot
from applications.availability import Answer, available, stopped
from applications.events import event, write
from applications.facts import MANY, grounds, sharing
from applications.models import Announced, Contract, ContractTerm, Event
from applications.policies import lock_applications
from applications.signals import availability_changed

Turn = tuple[UUID, str, datetime, bool]


@contextmanager
def moving(
    *,
    applications: Collection[str],
    tenants: Collection[UUID] | None,
    at: datetime,
    contracts: Collection[UUID] = (),
) -> Iterator[None]:
    """Run a change of facts; afterwards grants, read model and events follow, in the same transaction.

    ``tenants`` are those whose pairs can move (``None``: every tenant of the applications), ``contracts``
    those whose grants can. Applications are locked in order, so that two changes of one pair wait for
    each other: each sees what the other committed.
    """
    ids = lock_applications(applications)
    turns = readmodel.passed_turns(applications=ids, tenants=tenants, after=None, until=at)
    passed = _passed(contracts, at) if contracts else []
    announce(turns, at=at, cause="boundary", passed=passed)
    yield
    if contracts:
        readmodel.rebuild_grants(contracts)
    readmodel.rebuild_availability(applications=ids, tenants=tenants)
    announce(readmodel.unannounced(applications=ids, tenants=tenants, at=at), at=at, cause="change")
    availability_changed.send(sender=None, applications=ids, tenants=tenants, at=at)


def announce(
    turns: list[Turn], *, at: datetime, cause: str, passed: Sequence[boundaries.Boundary] = ()
) -> int:
    """One event for each turn, in order, and the note of what each pair was last told.

    ``passed`` are boundaries of contracts: at one moment they come first, what follows from them after.
    Who tells a boundary notes it first, and waits for whoever is about to: manifests and retirements hold the
    application, not its contracts, so the job and others can be at the same one. How many this one told.
    """
    passed = boundaries.claim(passed)
    if not turns and not passed:
        return 0
    answers = _answers(turns) if turns else {}
    told = [(turn[2], _event(answers[turn], turn, cause)) for turn in turns]
    write([row for _, row in heapq.merge(_events_of(passed), told, key=itemgetter(0))])
    last = {(tenant_id, application_id): (now, moment) for tenant_id, application_id, moment, now in turns}
    Announced.objects.bulk_create(
        [
            Announced(tenant_id=pair[0], application_id=pair[1], available=now, at=max(at, moment))
            for pair, (now, moment) in last.items()
        ],
        batch_size=1000,
        update_conflicts=True,
        unique_fields=["tenant", "application"],
        update_fields=["available", "at"],
    )
    return len(passed)


def _passed(contracts: Collection[UUID], at: datetime) -> list[boundaries.Boundary]:
    return boundaries.passed(contracts=contracts, after=boundaries.told_before(), until=at)


def _events_of(passed: Sequence[boundaries.Boundary]) -> list[tuple[datetime, Event]]:
    """The events of both sides of each boundary, with their moments."""
    ids = {contract_id for contract_id, _, _ in passed}
    contracts = Contract.objects.in_bulk(ids)
    terms: dict[UUID, list[ContractTerm]] = defaultdict(list)
    for term in ContractTerm.objects.filter(contract__in=ids).select_related("role"):
        terms[term.contract_id].append(term)
    found = []
    for contract_id, verb, moment in passed:
        contract = contracts[contract_id]
        after = {**snapshot(contract, moment, terms[contract_id]), "cause": {"kind": "boundary"}}
        found += [(moment, row) for row in events_of(contract, verb, at=moment, after=after)]
    return found


def _answers(turns: list[Turn]) -> dict[Turn, Answer]:
    """What is to be said of each. Contracts are read of those alone whom nothing stops that counts before."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for tenant_id, application_id, _, _ in turns:
        wanted[application_id].add(str(tenant_id))
    known = {
        application_id: dict.fromkeys(wanted[application_id], facts)
        for application_id, facts in grounds(wanted, tenant_ids=set().union(*wanted.values())).items()
    }
    left: dict[str, set[str]] = defaultdict(set)
    for tenant_id, application_id, at, _ in turns:
        if not stopped(known[application_id][str(tenant_id)], tenant_id=str(tenant_id), at=at):
            left[application_id].add(str(tenant_id))
    # Those with many tenants by themselves: there contracts are found in another way.
    many = {application_id for application_id, tenants in left.items() if len(tenants) >= MANY}
    for part in (many, left.keys() - many):
        if part:
            found = sharing(part, tenant_ids=set().union(*(left[one] for one in part)))
            for application_id, facts in found.items():
                known[application_id] |= facts.apart(left[application_id])
    return {
        turn: available(known[turn[1]][str(turn[0])], tenant_id=str(turn[0]), at=turn[2]) for turn in turns
    }


def _event(answer: Answer, turn: Turn, cause: str) -> Event:
    tenant_id, application_id, moment, now = turn
    return event(
        type="application.available" if now else "application.unavailable",
        tenant_id=tenant_id,
        application_id=application_id,
        subject=f"{tenant_id}/{application_id}",
        at=moment,
        data={
            "applicationId": application_id,
            "tenantId": str(tenant_id),
            "relation": answer.relation,
            "cause": {
                "kind": cause,
                "code": answer.decision.code,
                "reasons": [reason.as_json() for reason in answer.decision.reasons],
            },
        },
    )
