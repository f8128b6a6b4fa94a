"""Planned moments of contracts: each is told once, on both sides, in order, whoever comes by first."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_django import DjangoDbBlocker

from accesscontrol.actions import assignments
from accesscontrol.actions import watch as watch_assignments
from accesscontrol.actions.assignments import Wanted
from applications import boundaries, events
from applications.actions import contracts, pauses, watch
from applications.models import Amendment, Contract, ContractTold, Event, Watermark
from iam_portal.walls import tenant_scope
from tenants.models import Tenant
from tests.applications.sharing import T0, accepted, make_pair, moments, proposal
from tests.support.factories import SYSTEM, make_partners, make_tenant
from tests.support.once import made_once, savepoint

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
VERBS = ("started", "paused", "resumed", "amended", "ended")


Pair = tuple[Tenant, Tenant]


@pytest.fixture(scope="module")
def made(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Pair]:
    with made_once(django_db_blocker):
        yield make_pair()


@pytest.fixture
def pair(made: Pair, django_db_blocker: DjangoDbBlocker) -> Iterator[Pair]:
    with savepoint(django_db_blocker):
        yield made


def told(tenant: Tenant, *prefixes: str) -> list[tuple[str, datetime]]:
    """What was told of contracts, in the order of positions."""
    events.sequence()
    wanted = [f"iam.contract.{verb}.v1" for verb in VERBS]
    with tenant_scope(tenant.id):
        rows = Event.objects.filter(tenant=tenant, type__in=wanted).order_by("position")
        return [(kind.split(".")[2], at) for kind, at in rows.values_list("type", "at")]


def amendment(row: Contract, at: datetime, **values: Any) -> Amendment:
    columns = {"state": "accepted", "answered_at": T0, "proposed_at": T0, "proposed_by": "Jane", **values}
    return Amendment.objects.create(
        contract=row, proposed_by_tenant=row.provider, widens=True, takes_effect_at=at, **columns
    )


def test_each_boundary_is_told_once_to_both_sides_in_order(pair: tuple[Tenant, Tenant]) -> None:
    acme, beta = pair
    neighbour = make_tenant("neighbour", at=T0)
    make_partners(acme, neighbour, at=T0)
    row = accepted(acme, beta, "acme.meter", at=T0, starts_at=T0 + HOUR, ends_at=T0 + 6 * HOUR)
    of = {"tenant": acme, "contract_id": row.id, "by": SYSTEM, "at": T0}
    pauses.pause(**of, when=T0 + 2 * HOUR, until=T0 + 3 * HOUR)
    pauses.pause(**of, when=T0 + 3 * HOUR, until=T0 + 4 * HOUR)
    amendment(row, T0 + 5 * HOUR)
    assert watch.run(at=T0 + HOUR / 2).passed == 0
    assert watch.run(at=T0 + HOUR).passed == 1  # at the very moment
    assert watch.run(at=T0 + HOUR).passed == 0
    assert watch.run(at=T0 + 9 * HOUR).passed == 6  # after a long sleep
    assert watch.run(at=T0 + 10 * HOUR).passed == 0
    expected = [
        ("started", T0 + HOUR),
        ("paused", T0 + 2 * HOUR),
        ("resumed", T0 + 3 * HOUR),
        ("paused", T0 + 3 * HOUR),
        ("resumed", T0 + 4 * HOUR),
        ("amended", T0 + 5 * HOUR),
        ("ended", T0 + 6 * HOUR),
    ]
    assert told(acme) == told(beta) == expected
    assert told(neighbour) == []
    with tenant_scope(beta.id):
        body = Event.objects.get(tenant=beta, type="iam.contract.started.v1").data
    assert (body["contractId"], body["consumerTenantId"]) == (str(row.id), str(beta.id))
    assert (body["roles"], body["cause"]) == (["acme.meter/viewer"], {"kind": "boundary"})


def test_at_one_moment_the_contract_comes_before_what_follows_from_it(pair: tuple[Tenant, Tenant]) -> None:
    acme, beta = pair
    accepted(acme, beta, "acme.meter", at=T0, starts_at=T0 + HOUR, ends_at=T0 + 2 * HOUR)
    watch.run(at=T0)
    watch.run(at=T0 + 3 * HOUR)
    events.sequence()
    with tenant_scope(beta.id):
        rows = Event.objects.filter(tenant=beta, at__gt=T0).order_by("position")
        kinds = [
            kind.removeprefix("iam.").removesuffix(".v1") for kind in rows.values_list("type", flat=True)
        ]
    expected = ["contract.started", "application.available", "contract.ended", "application.unavailable"]
    assert kinds == expected


def test_what_takes_effect_with_its_act_is_told_by_the_act_alone(pair: tuple[Tenant, Tenant]) -> None:
    acme, beta = pair
    row = accepted(acme, beta, "acme.meter", at=T0)
    of = {"tenant": acme, "contract_id": row.id, "by": SYSTEM}
    pauses.pause(**of, at=T0 + HOUR)
    pauses.resume(**of, at=T0 + 2 * HOUR)
    contracts.end(**of, at=T0 + 3 * HOUR)
    assert watch.run(at=T0 + 4 * HOUR).passed == 0
    assert told(beta) == [("paused", T0 + HOUR), ("resumed", T0 + 2 * HOUR), ("ended", T0 + 3 * HOUR)]


def test_an_act_tells_first_what_passed_before_it(pair: tuple[Tenant, Tenant]) -> None:
    acme, beta = pair
    row = accepted(acme, beta, "acme.meter", at=T0, starts_at=T0 + HOUR)
    pauses.pause(tenant=acme, contract_id=row.id, by=SYSTEM, at=T0, when=T0 + 2 * HOUR, until=T0 + 3 * HOUR)
    contracts.end(tenant=beta, contract_id=row.id, by=SYSTEM, at=T0 + 3 * HOUR + SECOND)
    expected = [
        ("started", T0 + HOUR),
        ("paused", T0 + 2 * HOUR),
        ("resumed", T0 + 3 * HOUR),
        ("ended", T0 + 3 * HOUR + SECOND),
    ]
    assert told(acme) == told(beta) == expected
    assert watch.run(at=T0 + 4 * HOUR).passed == 0
    assert [now for _, now in moments(beta)] == [True, False, True, False]


def test_a_refused_act_has_told_nothing_and_the_job_does(pair: tuple[Tenant, Tenant]) -> None:
    acme, beta = pair
    row = accepted(acme, beta, "acme.meter", at=T0, starts_at=T0 + HOUR, ends_at=T0 + 2 * HOUR)
    with pytest.raises(contracts.WrongState):
        contracts.end(tenant=beta, contract_id=row.id, by=SYSTEM, at=T0 + 3 * HOUR)
    assert told(beta) == []
    assert watch.run(at=T0 + 3 * HOUR).passed == 2


def test_what_an_end_overtook_never_comes(pair: tuple[Tenant, Tenant]) -> None:
    """A start that was not reached, a pause that was planned for later or longer."""
    acme, beta = pair
    never = accepted(acme, beta, "acme.meter", at=T0, starts_at=T0 + 5 * HOUR)
    of = {"by": SYSTEM, "at": T0 + HOUR}
    contracts.end(tenant=beta, contract_id=never.id, **of)
    paused = accepted(acme, beta, "acme.meter", at=T0 + HOUR, ends_at=T0 + 3 * HOUR)
    pauses.pause(tenant=acme, contract_id=paused.id, **of, when=T0 + 2 * HOUR, until=T0 + 9 * HOUR)
    watch.run(at=T0 + 10 * HOUR)
    assert told(beta) == [
        ("ended", T0 + HOUR),
        ("paused", T0 + 2 * HOUR),
        ("ended", T0 + 3 * HOUR),
    ]


def test_an_amendment_is_told_when_it_takes_effect_and_only_if_it_was_agreed(
    pair: tuple[Tenant, Tenant],
) -> None:
    acme, beta = pair
    row = accepted(acme, beta, "acme.meter", at=T0)
    amendment(row, T0 + HOUR)
    amendment(row, T0 + 2 * HOUR, state="cancelled")
    amendment(row, T0 + 3 * HOUR, state="proposed", answered_at=None)
    amendment(row, T0 - HOUR)  # its moment had passed when it was agreed: the answer told it
    watch.run(at=T0 + 4 * HOUR)
    assert told(beta) == [("amended", T0 + HOUR)]


def test_a_boundary_planned_behind_the_mark_is_told(pair: tuple[Tenant, Tenant]) -> None:
    acme, beta = pair
    row = accepted(acme, beta, "acme.meter", at=T0)
    watch.run(at=T0 + 9 * SECOND)
    contracts.end(tenant=acme, contract_id=row.id, by=SYSTEM, at=T0 + 3 * SECOND, when=T0 + 6 * SECOND)
    assert boundaries.is_due(at=T0 + 10 * SECOND)
    assert watch.tell(at=T0 + 10 * SECOND).passed == 1
    assert told(beta) == [("ended", T0 + 6 * SECOND)]


def test_old_notes_go_and_nothing_is_told_again(pair: tuple[Tenant, Tenant]) -> None:
    acme, beta = pair
    row = accepted(acme, beta, "acme.meter", at=T0, starts_at=T0 + HOUR)
    watch.run(at=T0 + 2 * HOUR)
    late = T0 + timedelta(days=30)
    assert ContractTold.objects.count() == 1
    verbs = [ContractTold(contract=row, verb=verb, at=T0) for verb in ("paused", "resumed")]
    ContractTold.objects.bulk_create(verbs)
    assert watch.forget_told(at=late, most=2) == 2
    assert ContractTold.objects.get().verb == "started", "the oldest first"
    watch.run(at=late)
    assert ContractTold.objects.count() == 0
    assert watch.run(at=late + HOUR).passed == 0
    pauses.pause(tenant=acme, contract_id=row.id, by=SYSTEM, at=late + 2 * HOUR)
    assert told(beta) == [("started", T0 + HOUR), ("paused", late + 2 * HOUR)]


# --- the beat of a second -----------------------------------------------------------------------------


def plan_start(acme: Tenant, beta: Tenant, at: datetime) -> None:
    accepted(acme, beta, "acme.meter", at=T0, starts_at=at)


def plan_end(acme: Tenant, beta: Tenant, at: datetime) -> None:
    accepted(acme, beta, "acme.meter", at=T0, ends_at=at)


def plan_pause(acme: Tenant, beta: Tenant, at: datetime) -> None:
    row = accepted(acme, beta, "acme.meter", at=T0)
    pauses.pause(tenant=acme, contract_id=row.id, by=SYSTEM, at=T0, when=at)


def plan_resume(acme: Tenant, beta: Tenant, at: datetime) -> None:
    row = accepted(acme, beta, "acme.meter", at=T0)
    pauses.pause(tenant=acme, contract_id=row.id, by=SYSTEM, at=T0, until=at)


def plan_answer(acme: Tenant, beta: Tenant, at: datetime) -> None:
    proposal(acme, beta, "acme.meter", at=T0, answer_by=at)


def plan_offered_end(acme: Tenant, beta: Tenant, at: datetime) -> None:
    proposal(acme, beta, "acme.meter", at=T0, ends_at=at)


def plan_amendment(acme: Tenant, beta: Tenant, at: datetime) -> None:
    amendment(accepted(acme, beta, "acme.meter", at=T0), at)


def plan_amendments_answer(acme: Tenant, beta: Tenant, at: datetime) -> None:
    row = accepted(acme, beta, "acme.meter", at=T0)
    amendment(row, at + HOUR, state="proposed", answered_at=None, answer_by=at)


PLANS = [
    plan_start,
    plan_end,
    plan_pause,
    plan_resume,
    plan_answer,
    plan_offered_end,
    plan_amendment,
    plan_amendments_answer,
]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.__name__)
def test_the_beat_knows_each_moment(pair: tuple[Tenant, Tenant], plan: Any) -> None:
    """Planned after the last run, and nothing but the plan says so."""
    watch.run(at=T0 + SECOND)
    Watermark.objects.filter(name="availability").update(at=T0 + 10 * SECOND)
    assert not boundaries.is_due(at=T0 + 20 * SECOND)
    plan(*pair, T0 + HOUR)
    assert boundaries.next_edge(after=T0 + 10 * SECOND) == T0 + HOUR
    assert not boundaries.is_due(at=T0 + HOUR - SECOND)
    assert boundaries.is_due(at=T0 + HOUR)
    watch.tell(at=T0 + HOUR)
    watch.lapse_proposals(at=T0 + HOUR)
    late = T0 + HOUR + boundaries.AFTERMATH + SECOND
    watch.tell(at=late)
    assert not boundaries.is_due(at=late + HOUR)


def test_a_portal_whose_job_never_ran_is_due(pair: tuple[Tenant, Tenant]) -> None:
    assert boundaries.is_due(at=T0)


# --- assignments --------------------------------------------------------------------------------------


def roles_told(tenant: Tenant) -> list[tuple[str, datetime]]:
    events.sequence()
    with tenant_scope(tenant.id):
        rows = Event.objects.filter(tenant=tenant, type__startswith="iam.role.").order_by("position")
        found = [(kind.split(".")[2], at) for kind, at in rows.values_list("type", "at")]
        return [(verb, at) for verb, at in found if verb in ("assigned", "withdrawn")]


def assign(tenant: Tenant, *, at: datetime, **dates: datetime) -> Any:
    wanted = Wanted(
        role="viewer", application_id="acme.meter", principal_application_id="acme.meter", **dates
    )
    return assignments.assign(tenant=tenant, wanted=wanted, by=SYSTEM, at=at)


def test_an_assignments_moments_are_told_once(pair: tuple[Tenant, Tenant]) -> None:
    acme, _ = pair
    watch_assignments.run(at=T0)
    assign(acme, at=T0, starts_at=T0 + HOUR, ends_at=T0 + 2 * HOUR)
    assert watch_assignments.run(at=T0 + HOUR / 2) == 0
    assert [watch_assignments.run(at=T0 + hours * HOUR) for hours in (1, 1, 2, 2, 3)] == [1, 0, 1, 0, 0]
    assert roles_told(acme) == [("assigned", T0 + HOUR), ("withdrawn", T0 + 2 * HOUR)]


def test_an_assignment_planned_behind_the_mark_is_told_and_an_act_is_not_told_again(
    pair: tuple[Tenant, Tenant],
) -> None:
    """The act took its moment before the run and committed after it."""
    acme, _ = pair
    watch_assignments.run(at=T0 + 20 * SECOND)
    assign(acme, at=T0 + SECOND, ends_at=T0 + 5 * SECOND)
    row = assign(acme, at=T0 + 6 * SECOND)
    assert watch_assignments.run(at=T0 + 21 * SECOND) == 1
    assignments.withdraw(tenant=acme, assignment_id=row.id, by=SYSTEM, at=T0 + 22 * SECOND)
    assert watch_assignments.run(at=T0 + 23 * SECOND) == 0
    assert roles_told(acme) == [
        ("assigned", T0 + SECOND),
        ("assigned", T0 + 6 * SECOND),
        ("withdrawn", T0 + 5 * SECOND),
        ("withdrawn", T0 + 22 * SECOND),
    ]
