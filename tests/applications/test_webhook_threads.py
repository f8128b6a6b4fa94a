"""The threads of a worker: nobody waits for a slow receiver, and nothing is sent twice."""

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from uuid import UUID, uuid4

import pytest
from pytest_django.fixtures import Settings

from applications.delivery import rounds, turns
from applications.delivery.line import Line
from tests.applications.receiving import Clock, Inbox, attempts, happens, inbox, says, subscribed
from tests.support.factories import make_tenant


def test_a_slow_receiver_delays_no_other_and_two_workers_send_nothing_twice(
    committed_db: None, box: Inbox, settings: Settings, threads: None
) -> None:
    settings.WEBHOOK_WHOLE_SECONDS = 20.0
    clock, answered = Clock(), threading.Event()
    acme = make_tenant("acme", at=clock())
    with inbox() as slow:
        slow.answers = [lambda handler: answered.wait(10) and says(200)(handler)]
        first, _ = subscribed(acme, slow.url, at=clock())
        second, _ = subscribed(acme, box.url, at=clock())
        for _ in range(3):
            happens(acme, clock())
        for _ in range(3):
            rounds.start(clock=clock)
        another = turns.Due(second.id, acme.id, False)  # what a second worker would have found
        rounds._threads(False).submit(rounds._turn, another, clock)
        until(lambda: len(attempts(second)) == 3)
        assert (len(slow.requests), attempts(first)) == (1, [])
        answered.set()
        until(lambda: len(attempts(first)) == 3)
        rounds.stop()
    assert (len(set(box.ids)), len(box.ids)) == (3, 3)
    assert (len(set(slow.ids)), len(slow.ids)) == (3, 3)


def test_a_turn_ends_when_the_clock_is_stepped(
    committed_db: None, box: Inbox, threads: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that is an hour ahead would lease the subscription, and give it back, for that hour."""
    clock, right = Clock(), [True]
    acme = make_tenant("acme", at=clock())
    hook, _ = subscribed(acme, box.url, at=clock())
    for _ in range(3):
        happens(acme, clock())

    def stepped(handler: BaseHTTPRequestHandler) -> None:
        right[0] = False
        clock.move(hours=1)
        says(204)(handler)

    monkeypatch.setattr(rounds.OWN, "is_right", lambda: right[0])
    box.answers = [stepped]
    due = turns.Due(hook.id, acme.id, False)
    rounds._threads(False).submit(rounds._turn, due, clock).result(10)
    rounds._threads(False).submit(rounds._turn, due, clock).result(10)
    assert (len(box.ids), attempts(hook)) == (1, [])
    clock.move(hours=-1)
    right[0] = True
    clock.move(minutes=1, seconds=1)  # by then a lease of the right clock has run out
    box.answers = [says(204)]
    rounds._threads(False).submit(rounds._turn, due, clock).result(10)
    assert box.ids[0] == box.ids[1], "nobody knows any more that it had arrived"
    assert len(set(box.ids)) == len(attempts(hook)) == 3


def test_one_tenant_holds_up_nobody_elses(threads: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty receivers that answer, but late, against another tenant's one."""
    let_go, served, most, now = threading.Event(), [], 0, set()
    hog = uuid4()

    def serve(*, webhook_id: UUID, tenant_id: UUID, clock: Clock) -> None:
        nonlocal most
        if tenant_id == hog:
            now.add(webhook_id)
            most = max(most, len(now))
            let_go.wait(10)
            now.discard(webhook_id)
        served.append(webhook_id)

    monkeypatch.setattr(rounds, "serve", serve)
    slow = [turns.Due(uuid4(), hog, failing=number % 2 == 0) for number in range(50)]
    other = turns.Due(uuid4(), uuid4(), failing=False)
    for due in [*slow, *slow, other]:
        rounds._submit(due, Clock())
    until(lambda: served == [other.webhook_id])
    let_go.set()
    until(lambda: len(served) == 51)
    assert (len(set(served)), most) == (51, 2)


def test_of_one_tenants_turns_one_is_failing_at_most() -> None:
    line, tenant = Line(), uuid4()
    failing = [turns.Due(uuid4(), tenant, failing=True) for _ in range(3)]
    sound = [turns.Due(uuid4(), tenant, failing=False) for _ in range(2)]
    for due in [*failing, *sound]:
        line.join(due)
    assert line.admitted(tenant) == [failing[0], sound[0]]
    line.join(failing[0])  # it is served already
    line.leave(sound[0])
    assert line.admitted(tenant) == [sound[1]]
    line.leave(failing[0])
    assert line.admitted(tenant) == [failing[1]]


def test_who_answers_late_is_served_with_those_that_fail(
    db: None, box: Inbox, clock: Clock, settings: Settings
) -> None:
    settings.WEBHOOK_SLOW_SECONDS = 0.05
    acme = make_tenant("acme", at=clock())
    hook, _ = subscribed(acme, box.url, at=clock())
    for _ in range(3):
        happens(acme, clock())
    box.answers = [lambda handler: time.sleep(0.1) or says(200)(handler)]
    who = {"webhook_id": hook.id, "tenant_id": acme.id}
    assert rounds.serve(**who, clock=clock) == turns.Due(**who, failing=True), "its turn ends with it"
    assert turns.due(at=clock()) == [turns.Due(**who, failing=True)]
    settings.WEBHOOK_SLOW_SECONDS = 5
    assert turns.due(at=clock()) == [turns.Due(**who, failing=False)]


def test_of_each_tenant_one_comes_before_the_second_of_any(db: None, box: Inbox, clock: Clock) -> None:
    acme, beta = (make_tenant(name, at=clock()) for name in ("acme", "beta"))
    for tenant in (acme, acme, acme, beta):
        subscribed(tenant, box.url, at=clock())
    for tenant in (acme, beta):
        happens(tenant, clock())
    found = [due.tenant_id for due in turns.due(at=clock(), most=3)]
    assert set(found[:2]) == {acme.id, beta.id}
    assert found[2] == acme.id


@pytest.fixture
def threads() -> Iterator[None]:
    """Those of this process as new, and afterwards, too."""
    yield
    rounds.stop()
    rounds._threads.cache_clear()
    rounds._stopping.clear()
    rounds._line = Line()


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)
