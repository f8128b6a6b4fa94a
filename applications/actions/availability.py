"""The frame of every act that can move availability: lock, tell what passed, change, rebuild, tell."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from applications import readmodel
from applications.availability import SharingFacts, available
from applications.events import emit_all, event
from applications.facts import sharing
from applications.models import Announced, Event
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
    announce(
        readmodel.passed_turns(applications=ids, tenants=tenants, after=None, until=at),
        at=at,
        cause="boundary",
    )
    yield
    if contracts:
        readmodel.rebuild_grants(contracts)
    readmodel.rebuild_availability(applications=ids, tenants=tenants)
    announce(readmodel.unannounced(applications=ids, tenants=tenants, at=at), at=at, cause="change")
    availability_changed.send(sender=None, applications=ids, tenants=tenants, at=at)


def announce(turns: list[Turn], *, at: datetime, cause: str) -> None:
    """One event for each turn, in order, and the note of what each pair was last told."""
    if not turns:
        return
    facts = _facts(turns)
    emit_all([_event(facts[turn[1]], turn, cause) for turn in turns])
    last = {
        (tenant_id, application_id): Announced(
            tenant_id=tenant_id, application_id=application_id, available=now, at=max(at, moment)
        )
        for tenant_id, application_id, moment, now in turns
    }
    Announced.objects.bulk_create(
        last.values(),
        batch_size=1000,
        update_conflicts=True,
        unique_fields=["tenant", "application"],
        update_fields=["available", "at"],
    )


def _facts(turns: list[Turn]) -> dict[str, SharingFacts]:
    wanted: dict[str, set[UUID]] = defaultdict(set)
    for tenant_id, application_id, _, _ in turns:
        wanted[application_id].add(tenant_id)
    everyone = set().union(*wanted.values())
    return sharing(wanted, tenant_ids=everyone)


def _event(facts: SharingFacts, turn: Turn, cause: str) -> Event:
    tenant_id, application_id, moment, now = turn
    answer = available(facts, tenant_id=str(tenant_id), at=moment)
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
