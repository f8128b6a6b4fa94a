"""To look at an impact on real connections, while others act: no deadlock, and nobody waits long."""

import json
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
from tests.applications.sharing import accepted, register
from tests.support.factories import SYSTEM, make_partners, make_tenant
from tests.support.knocking import browser, person

pytestmark = pytest.mark.slow


def now() -> datetime:
    return datetime.now(UTC)


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


def test_to_look_at_a_declaration_meets_no_deadlock(four: tuple[Any, ...]) -> None:
    """By its door, while the same application's suspension is looked at."""
    acme, _, first, _, _ = four
    manager = browser(acme, person(acme, "joe", *ROLE_KEYS)[1])
    address = f"/iam/application-management/v1/tenants/{acme.id}/applications/{first.id}/manifest"
    act = Act(name="suspend", tenant=acme, subject=first, at=now())
    others: list[Future[Any]] = []

    def declare() -> Any:
        return manager.knock("PUT", address, json.dumps({"resources": [], "roles": []}), query="dry_run=true")

    with ThreadPoolExecutor(1) as pool:
        foresee(act, lambda: others.append(beside(pool, declare)))
        assert others[0].result(timeout=30).status_code == 200


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
