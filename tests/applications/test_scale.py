"""What an act costs does not grow with the rest of the world, nor a cascade by more than its rows."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from applications import boundaries, events, readmodel
from applications.actions import applications, contracts, manifests, pauses, watch
from applications.models import Announced, Application, Availability, Event, Watermark
from iam_portal.walls import cross_tenant
from tenants.actions import tenants
from tests.applications.sharing import T0
from tests.benchmarks.measuring import counting
from tests.benchmarks.world import World
from tests.support.factories import SYSTEM
from tests.support.universe import manifest_of

MINUTE = timedelta(minutes=1)
NOTHING_DIFFERS = {"grants": [], "availability": []}
Pairs = set[tuple[UUID, str]]


def world(name: str, times: int, *, heavy_contracts: int = 4) -> World:
    """One of a hundred rows, or so many times that."""
    made = World(
        name=name,
        at=T0,
        tenants=16 * times,
        applications=max(4 * times, heavy_contracts),
        contracts=60 * times,
        owners=2 * times,
        wide=1,
        wide_consumers=8 * times,
        heavy=1,
        heavy_contracts=heavy_contracts,
    )
    made.build()
    return made


@pytest.fixture
def one(db: None) -> World:
    return world("one", 1)


def statements(do: Callable[..., object], *, at: datetime, **named: Any) -> int:
    with counting() as sent:
        do(**named, by=SYSTEM, at=at)
    return len(sent)


def life(place: World, application: Application, at: datetime) -> list[int]:
    """Statements of accept, pause, resume and end of a new contract."""
    (consumer,) = place.strangers(application, 1)
    row = place.proposed(application, consumer, at=at)
    of = {"tenant": row.provider, "contract_id": row.id}
    counts = [statements(contracts.accept, tenant=consumer, contract_id=row.id, at=at)]
    assert told(application.id) == {(consumer.id, application.id)}
    for number, do in enumerate((pauses.pause, pauses.resume, contracts.end), 1):
        counts.append(statements(do, **of, at=at + number * MINUTE))
    return counts


def told(application_id: str, at: datetime = T0) -> Pairs:
    """Pairs that were told since, each once."""
    rows = Event.objects.filter(application_id=application_id, position=None, type__endswith="available.v1")
    with cross_tenant():
        found = list(rows.values_list("tenant_id", "application_id"))
    assert len(found) == len(set(found))
    events.sequence()
    return set(found)


def test_an_act_on_one_contract_costs_the_same_in_a_larger_world(one: World) -> None:
    alone = [life(one, one.application(place), T0) for place in (1, 3)]
    twenty = world("twenty", 20)
    for place, ordinal in ((twenty, 1), (twenty, 40), (one, 1)):
        assert life(place, place.application(ordinal), T0 + 9 * MINUTE) == alone[0] == alone[1]
    assert readmodel.differences() == NOTHING_DIFFERS


def available(at: datetime) -> Pairs:
    return set(Availability.objects.at(at).values_list("tenant_id", "application_id"))


class Cascade:
    """An act on much at once, and all that it told."""

    def __init__(self, do: Callable[..., object], at: datetime, **named: Any) -> None:
        events.sequence()
        before = available(at)
        self.count = statements(do, at=at, **named)
        with cross_tenant():
            rows = Event.objects.filter(position=None, type__endswith="available.v1")
            self.told = sorted(rows.values_list("tenant_id", "application_id", "type"))
        self.moved = before ^ available(at)
        assert [pair[:2] for pair in self.told] == sorted(self.moved), "each pair that moved, once"
        assert readmodel.differences() == NOTHING_DIFFERS
        everything = list(Application.objects.values_list("id", flat=True))
        assert readmodel.unannounced(applications=everything, tenants=None, at=at) == []
        assert (
            not Announced.objects.filter(available=True)
            .exclude(at__gt=at)
            .exclude(tenant_id__in=[tenant for tenant, _ in available(at)])
            .exists()
        )


def test_suspending_a_tenant_tells_every_pair_in_as_many_statements(db: None) -> None:
    counts = []
    for number in (30, 60):
        place = world(f"with{number}", 4, heavy_contracts=number)
        tenant = place.tenant(place.tenants)
        gone = Cascade(tenants.suspend, T0, tenant=tenant, reason="")
        back = Cascade(tenants.resume, T0 + MINUTE, tenant=tenant)
        assert gone.moved == back.moved
        assert {kind for *_, kind in gone.told} == {"iam.application.unavailable.v1"}
        assert {kind for *_, kind in back.told} == {"iam.application.available.v1"}
        assert len({pair for pair in gone.moved if pair[0] == tenant.id}) > number / 2
        assert {owner for owner, _ in gone.moved} > {tenant.id}, "those who use its data lose it, too"
        counts.append((gone.count, back.count))
    assert counts[0] == counts[1]


def test_suspending_what_many_have_takes_as_many_statements_as_what_few_have(one: World) -> None:
    counts = []
    for place in (one, world("twenty", 20)):
        application = place.application(1)
        of = {"tenant": application.owner, "application_id": application.id}
        gone = Cascade(applications.suspend, T0, **of, reason="")
        assert len(gone.moved) > place.wide_consumers / 2
        counts.append((gone.count, Cascade(applications.resume, T0 + MINUTE, **of).count))
        # Its owner has other applications too, and some of others.
        counts[-1] += (Cascade(tenants.suspend, T0 + 2 * MINUTE, tenant=application.owner, reason="").count,)
    assert counts[0] == counts[1]


def test_a_manifest_takes_as_many_statements_for_many_consumers_as_for_few(one: World) -> None:
    counts = []
    for place in (one, world("twenty", 20)):
        declare = {"application": place.application(1), "manifest": manifest_of(("editor",))}
        counts.append(Cascade(manifests.declare, T0, **declare).count)
    assert counts[0] == counts[1]


def test_many_boundaries_at_once_are_told_in_as_many_statements(db: None) -> None:
    counts = []
    for times in (2, 20):
        world(f"due{times}", times)
        Watermark.objects.filter(name=boundaries.WATERMARK).delete()  # as if the job had never run
        at = T0 + timedelta(days=200)
        watch.run(at=T0)
        with counting() as sent:
            done = watch.run(at=at)
        counts.append((len(sent), done.announced))
    assert counts[0][0] == counts[1][0]
    assert counts[1][1] > counts[0][1] > 0
