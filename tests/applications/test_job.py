"""The job: boundaries that nobody acted at are told, once and in order; what differs is healed and told."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import transaction

from applications import events, readmodel
from applications.actions import applications, contracts, healing, pauses, watch
from applications.models import Availability, Contract, ContractGrant, Event
from iam_portal.walls import tenant_scope
from tenants.models import HistoryEvent, Tenant
from tests.applications.sharing import T0, accepted, make_pair, moments, register, told
from tests.support.factories import SYSTEM

HOUR = timedelta(hours=1)


@pytest.fixture
def pair(db: None) -> tuple[Tenant, Tenant]:
    return make_pair()


def test_boundaries_are_told_without_any_act(pair: tuple[Tenant, Tenant]) -> None:
    acme, beta = pair
    accepted(acme, beta, "acme.meter", at=T0, starts_at=T0 + HOUR, ends_at=T0 + 3 * HOUR)
    assert watch.run(at=T0 + HOUR / 2).announced == 0
    assert moments(beta) == []
    assert watch.run(at=T0 + HOUR).announced == 1  # at the very boundary
    assert moments(beta) == [(T0 + HOUR, True)]
    assert watch.run(at=T0 + HOUR).announced == 0
    assert watch.run(at=T0 + 9 * HOUR).announced == 1  # long after it
    assert moments(beta) == [(T0 + HOUR, True), (T0 + 3 * HOUR, False)]
    assert watch.run(at=T0 + 10 * HOUR).announced == 0
    causes = Event.objects.filter(tenant=beta, type__endswith="available.v1").order_by("position")
    with tenant_scope(beta.id):
        assert [event.data["cause"]["kind"] for event in causes] == ["boundary", "boundary"]
        assert [event.data["cause"]["code"] for event in causes] == ["provision_granted", "contract_ended"]


def test_what_began_and_ended_between_two_runs_is_told_twice_in_order(pair: tuple[Tenant, Tenant]) -> None:
    acme, beta = pair
    row = accepted(acme, beta, "acme.meter", at=T0, starts_at=T0 + HOUR, ends_at=T0 + 5 * HOUR)
    of = {"tenant": acme, "contract_id": row.id, "by": SYSTEM, "at": T0}
    pauses.pause(**of, when=T0 + 2 * HOUR, until=T0 + 3 * HOUR)
    watch.run(at=T0)
    assert watch.run(at=T0 + 6 * HOUR).announced == 4
    expected = [
        (T0 + number * HOUR, state) for number, state in ((1, True), (2, False), (3, True), (5, False))
    ]
    assert moments(beta) == expected


def test_boundaries_of_several_pairs_are_told_in_the_order_of_time(pair: tuple[Tenant, Tenant]) -> None:
    acme, beta = pair
    register(acme, "alarm", T0)
    accepted(acme, beta, "acme.meter", at=T0, starts_at=T0 + HOUR, ends_at=T0 + 3 * HOUR)
    accepted(acme, beta, "acme.alarm", at=T0, starts_at=T0 + 2 * HOUR, ends_at=T0 + 4 * HOUR)
    watch.run(at=T0)
    assert watch.run(at=T0 + 5 * HOUR).announced == 4
    events.sequence()
    rows = Event.objects.filter(tenant=beta, type__endswith="available.v1").order_by("position")
    with tenant_scope(beta.id):
        assert [row.at for row in rows] == [T0 + number * HOUR for number in (1, 2, 3, 4)]
        assert [row.position for row in rows] == sorted(row.position for row in rows)


def test_an_act_tells_what_passed_before_it(pair: tuple[Tenant, Tenant]) -> None:
    """Without any run: the start is told before the end that the act makes; the job adds nothing."""
    acme, beta = pair
    row = accepted(acme, beta, "acme.meter", at=T0, starts_at=T0 + HOUR)
    contracts.end(tenant=beta, contract_id=row.id, by=SYSTEM, at=T0 + 2 * HOUR)
    assert moments(beta) == [(T0 + HOUR, True), (T0 + 2 * HOUR, False)]
    assert watch.run(at=T0 + 3 * HOUR).announced == 0


def test_a_boundary_planned_behind_the_last_run_is_told(pair: tuple[Tenant, Tenant]) -> None:
    """The act took its moment before the run and committed after it: its boundary lies before the mark."""
    acme, beta = pair
    row = accepted(acme, beta, "acme.meter", at=T0)
    watch.run(at=T0 + timedelta(seconds=1))
    watch.run(at=T0 + timedelta(seconds=9))
    contracts.end(
        tenant=acme,
        contract_id=row.id,
        by=SYSTEM,
        at=T0 + timedelta(seconds=3),
        when=T0 + timedelta(seconds=6),
    )
    assert moments(beta) == [(T0, True)]
    assert watch.run(at=T0 + timedelta(seconds=60)).announced == 1
    assert moments(beta)[-1] == (T0 + timedelta(seconds=6), False)


# --- healing ------------------------------------------------------------------------------------------


def plant_surplus(row: Contract, beta: Tenant) -> None:
    Availability.objects.create(
        tenant=beta,
        application_id="acme.meter",
        relation="provision",
        contract=row,
        scope_tenant=beta,
        during=(T0 - HOUR, T0),
    )


def plant_missing(row: Contract, beta: Tenant) -> None:
    Availability.objects.filter(contract=row).delete()


def plant_wrong(row: Contract, beta: Tenant) -> None:
    Availability.objects.filter(contract=row).update(during=(T0, T0 + HOUR))


def plant_missing_grant(row: Contract, beta: Tenant) -> None:
    ContractGrant.objects.filter(contract=row).delete()


def plant_wrong_grant(row: Contract, beta: Tenant) -> None:
    ContractGrant.objects.filter(contract=row).update(during=(T0, T0 + HOUR))


PLANTED: dict[Callable[[Contract, Tenant], None], dict[str, list[str]]] = {
    plant_surplus: {"grants": [], "availability": ["surplus"]},
    plant_missing: {"grants": [], "availability": ["missing"]},
    plant_wrong: {"grants": [], "availability": ["missing", "surplus"]},
    plant_missing_grant: {"grants": ["missing"], "availability": []},
    plant_wrong_grant: {"grants": ["missing", "surplus"], "availability": []},
}


def sample(table: str) -> float:
    return healing.HEALED.labels(table)._value.get()


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_what_differs_is_healed_counted_and_recorded(
    pair: tuple[Tenant, Tenant], plant: Callable[[Contract, Tenant], None]
) -> None:
    acme, beta = pair
    row = accepted(acme, beta, "acme.meter", at=T0)
    was = list(Availability.objects.order_by("id").values_list("tenant_id", "during"))
    counted = {table: sample(table) for table in ("grants", "availability")}
    plant(row, beta)
    done = watch.run(at=T0 + 2 * HOUR)
    kinds = {table: sorted(row[0] for row in rows) for table, rows in done.healed.items()}
    # The read model is compared after its grants were mended; both are one run.
    assert {table: kinds[table] for table in PLANTED[plant]} == PLANTED[plant]
    assert readmodel.differences() == {"grants": [], "availability": []}
    now = Availability.objects.order_by("id").values_list("tenant_id", "during")
    assert sorted(now, key=str) == sorted(was, key=str)
    for table, rows in PLANTED[plant].items():
        assert sample(table) - counted[table] == len(rows)
    platform = Tenant.objects.get(is_platform=True)
    with tenant_scope(platform.id):
        recorded = HistoryEvent.objects.get(action="availability.healed")
    assert {table: len(rows) for table, rows in recorded.after.items()} == {
        table: len(rows) for table, rows in PLANTED[plant].items()
    }
    # Between the wrong end and the healing, lists said no: so did an event, and the next takes it back.
    assert told(beta, "acme.meter") == ([True, False, True] if plant is plant_wrong else [True])
    assert watch.run(at=T0 + 3 * HOUR).healed == {}


def test_the_command_prints_what_differs_and_mends_only_when_told(pair: tuple[Tenant, Tenant]) -> None:
    acme, beta = pair
    row = accepted(acme, beta, "acme.meter", at=T0)
    plant_missing(row, beta)
    said = _command("--dry-run")
    assert f"availability: missing: {beta.id}, acme.meter, provision, {row.id}" in said
    assert said.endswith("1 rows differ.\n")
    assert readmodel.differences()["availability"]
    assert _command().endswith("1 rows mended.\n")
    assert _command("--dry-run") == "0 rows differ.\n"


def _command(*arguments: str) -> str:
    out = StringIO()
    call_command("recompute_availability", *arguments, stdout=out)
    return out.getvalue()


def test_suspending_and_retiring_many_at_once_leaves_nothing(pair: tuple[Tenant, Tenant]) -> None:
    """Invariant 3: everything in one transaction; no grant, share or availability is left behind."""
    acme, beta = pair
    names = ["meter", *(f"app{number}" for number in range(5))]
    for name in names[1:]:
        register(acme, name, T0)
    accepted(acme, beta, *(f"acme.{name}" for name in names), at=T0)
    with transaction.atomic():
        for name in names:
            of = {"tenant": acme, "application_id": f"acme.{name}", "by": SYSTEM, "at": T0 + HOUR}
            if name != "meter":
                applications.retire(**of)
            else:
                applications.suspend(**of, reason="")
    assert not Availability.objects.at(T0 + HOUR).exists()
    left = ContractGrant.objects.at(T0 + HOUR).exclude(role__application="acme.meter")
    assert not left.exists()
    assert readmodel.differences() == {"grants": [], "availability": []}
    for name in names:
        assert told(beta, f"acme.{name}") == [True, False]
        assert told(acme, f"acme.{name}") == [True, False]
