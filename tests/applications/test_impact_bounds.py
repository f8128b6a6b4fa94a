"""What an impact must not do: tell of strangers, be used for another act, or keep others waiting."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from accesscontrol.portal_roles import ROLE_KEYS
from applications.actions import amendments, pauses, watch, weighing
from applications.actions.changes import Change
from applications.models import Contract
from tenants.actions import partnerships
from tenants.impact import Act, ImpactBusy, foresee
from tenants.models import Tenant
from tests.applications.sharing import accepted, register
from tests.applications.test_impact import World, call, of
from tests.support.factories import SYSTEM, make_partners, make_tenant
from tests.support.knocking import browser, person


@pytest.fixture
def world(db: None) -> World:
    return World()


def now() -> datetime:
    return datetime.now(UTC)


def test_of_a_contract_between_others_only_ones_own_application_is_told(world: World) -> None:
    """Beta shares acme's application onward together with one of its own, which is not acme's business."""
    mixed = accepted(world.beta, world.gamma, world.meter.id, world.reader.id, at=now(), type="access")
    shown = call(world.provider, "GET", of(world.acme, f"contracts/{world.contract.id}/impact?action=end"))
    items = {item["contractId"]: item for item in shown.json()["contracts"]["items"]}
    assert items[str(mixed.id)]["applications"] == ["Meter"]
    assert "Reader" not in shown.content.decode()
    mine = call(world.consumer, "GET", of(world.beta, f"contracts/{world.contract.id}/impact?action=end"))
    items = {item["contractId"]: item for item in mine.json()["contracts"]["items"]}
    assert items[str(mixed.id)]["applications"] == ["Meter", "Reader"]


def test_a_contract_that_still_gives_something_narrows(world: World) -> None:
    mixed = accepted(world.beta, world.gamma, world.meter.id, world.reader.id, at=now(), type="access")
    shown = call(world.consumer, "GET", of(world.beta, f"contracts/{world.contract.id}/impact?action=end"))
    effects = {item["contractId"]: item["effect"] for item in shown.json()["contracts"]["items"]}
    assert effects == {
        str(world.contract.id): "ends",
        str(world.further.id): "falls",
        str(mixed.id): "narrows",
    }


def test_a_third_side_is_neither_named_nor_left_out_of_the_count(world: World) -> None:
    """Eve of gamma is counted to acme by number; gamma itself is told of its own."""
    shown = call(world.consumer, "GET", of(world.beta, f"contracts/{world.further.id}/impact?action=end"))
    assert (shown.json()["users"], shown.json()["pairCount"]) == ({"count": 1, "items": []}, 1)
    visitor = browser(world.gamma, person(world.gamma, "joe", *ROLE_KEYS)[1])
    mine = call(visitor, "GET", of(world.gamma, f"contracts/{world.further.id}/impact?action=end")).json()
    assert [item["name"] for item in mine["users"]["items"]] == ["Eve"]


def test_the_revision_is_for_what_was_asked_and_nothing_else(world: World) -> None:
    address = of(world.acme, f"contracts/{world.contract.id}")
    day, year = "2030-01-02T00:00:00Z", "2031-01-01T00:00:00Z"
    for_a_day = call(world.provider, "GET", f"{address}/impact?action=pause&until={day}").json()["revision"]
    longer = call(world.provider, "POST", f"{address}/pause", {"until": year}, for_a_day)
    assert (longer.status_code, longer.json()["code"]) == (412, "impact_changed")
    ending = call(world.provider, "POST", f"{address}/end", {}, for_a_day)
    assert (ending.status_code, ending.json()["code"]) == (412, "impact_changed")
    later = call(world.provider, "GET", f"{address}/impact?action=end&at={year}").json()["revision"]
    assert call(world.provider, "POST", f"{address}/end", {}, later).status_code == 412
    assert call(world.provider, "POST", f"{address}/end", {"at": year}, later).status_code == 200


def test_an_impacts_revision_opens_no_other_door(world: World) -> None:
    """A door that weighs nothing refuses one, and one without a row's revision refuses that."""
    address = of(world.acme, f"applications/{world.meter.id}")
    for path, revision in (("resume", "i-" + 32 * "0"), ("resume", "r-1"), ("suspend", "r-1")):
        reply = call(world.provider, "POST", f"{address}/{path}", {}, revision)
        assert (reply.status_code, reply.json()["code"]) == (400, "invalid"), path
    contract = of(world.acme, f"contracts/{world.contract.id}")
    reply = call(world.provider, "POST", f"{contract}/resume", {}, "i-" + 32 * "0")
    assert reply.status_code == 400


def test_an_earlier_end_by_amendment_is_an_end(world: World) -> None:
    address = of(world.acme, f"contracts/{world.contract.id}")
    body = {"endsAt": "2030-01-01T00:00:00Z"}
    refused = call(world.provider, "POST", f"{address}/amendments", body)
    assert (refused.status_code, refused.json()["code"]) == (428, "impact_required")
    ends = body["endsAt"]
    shown = call(world.provider, "GET", f"{address}/impact?action=narrow&endsAt={ends}").json()
    assert shown["revision"] == refused.json()["impact"]["revision"]
    assert shown["users"]["count"] == 3
    other = {"endsAt": "2029-01-01T00:00:00Z"}
    assert call(world.provider, "POST", f"{address}/amendments", other, shown["revision"]).status_code == 412
    assert call(world.provider, "POST", f"{address}/amendments", body, shown["revision"]).status_code == 201


def test_people_of_the_portal_alone_lose_with_their_organization(world: World) -> None:
    platform = Tenant.objects.get(is_platform=True)
    operator = browser(platform, person(platform, "root", "organization-manager")[1])
    quiet = make_tenant("quiet", at=now())
    address = of(platform, f"organizations/{quiet.id}/impact?action=suspend")
    assert call(operator, "GET", address).json()["users"]["count"] == 0
    person(quiet, "joe", *ROLE_KEYS)
    assert call(operator, "GET", address).json()["users"]["count"] == 1


# --- real connections ---


@pytest.fixture
def four(committed_db: None) -> tuple[Any, ...]:
    """acme shares with beta and with gamma; the ids sort so that a lock out of turn meets the other's."""
    acme, beta, gamma = (make_tenant(slug, at=now()) for slug in ("acme", "beta", "gamma"))
    partnership = make_partners(acme, beta, at=now())
    make_partners(acme, gamma, at=now())
    first, meter = register(acme, "aaa", now()), register(acme, "meter", now())
    contract = accepted(acme, beta, meter.id, at=now())
    return acme, partnership, first, contract, accepted(acme, gamma, first.id, meter.id, at=now())


def beside(pool: ThreadPoolExecutor, work: Callable[[], Any]) -> Future[Any]:
    """Another administrator, far enough on that it meets the locks."""

    def run() -> Any:
        try:
            return work()
        finally:
            connection.close()

    future = pool.submit(run)
    time.sleep(0.4)
    return future


def test_to_look_at_an_amendment_meets_no_deadlock(four: tuple[Any, ...]) -> None:
    acme, _, first, contract, both = four
    change, at = Change(add=[(first.id, "viewer")]), now()
    others: list[Future[Any]] = []

    def pause() -> Contract:
        return pauses.pause(tenant=acme, contract_id=both.id, by=SYSTEM, at=now())

    with ThreadPoolExecutor(1) as pool:

        def do() -> Any:
            others.append(beside(pool, pause))
            return amendments.amend(tenant=acme, contract_id=contract.id, change=change, by=SYSTEM, at=at)

        act = weighing.amending(tenant=acme, contract=contract, change=change, at=at)
        assert foresee(act, do).takes_nothing
        others[0].result(timeout=30)
    assert both.pauses.count() == 1
    assert contract.amendments.count() == 0


def test_to_look_at_the_end_of_a_partnership_meets_no_deadlock(four: tuple[Any, ...]) -> None:
    acme, partnership, _, contract, _ = four
    at = now()
    pauses.pause(
        tenant=acme, contract_id=contract.id, by=SYSTEM, at=at, when=at + timedelta(milliseconds=300)
    )
    watch.tell(at=now())
    time.sleep(0.5)
    others: list[Future[Any]] = []
    with ThreadPoolExecutor(1) as pool:

        def do() -> Any:
            others.append(beside(pool, lambda: watch.tell(at=now())))
            return partnerships.end(tenant=acme, partnership_id=partnership.id, by=SYSTEM, at=now())

        foresee(Act(name="end", tenant=acme, subject=partnership, at=now()), do)
        others[0].result(timeout=30)
    partnership.refresh_from_db()
    assert partnership.state == "confirmed"


def test_one_look_at_a_time_and_none_waits_long(four: tuple[Any, ...]) -> None:
    """Who only looks never holds a tenant's acts up for longer than the time a look may take."""
    acme, _, _, contract, _ = four
    act = weighing.stopping("end", tenant=acme, contract=contract, at=now())
    refused: list[BaseException | None] = []

    def look() -> None:
        foresee(act, lambda: None)

    with ThreadPoolExecutor(1) as pool:

        def slow() -> None:
            other = beside(pool, look)
            refused.append(other.exception(timeout=30))

        foresee(act, slow)
    assert isinstance(refused[0], ImpactBusy)
    assert foresee(act, lambda: None).takes_nothing
