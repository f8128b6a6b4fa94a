"""The threads of a worker: nobody waits for a slow receiver, and nothing is sent twice."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from pytest_django.fixtures import Settings

from applications.delivery import rounds, turns
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


@pytest.fixture
def threads() -> Iterator[None]:
    """Those of this process as new, and afterwards, too."""
    yield
    rounds.stop()
    rounds._threads.cache_clear()
    rounds._stopping.clear()
    rounds._queued.clear()


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)
