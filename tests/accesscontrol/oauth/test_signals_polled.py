"""Signals that are fetched (RFC 8936): what one poll may cost, whoever the events concern."""

from typing import Any

import pytest

from applications import events
from applications.delivery import polling, telling
from tests.accesscontrol.oauth.conftest import World
from tests.accesscontrol.oauth.signed_in import give, person
from tests.accesscontrol.oauth.telling import Receiver, later


@pytest.fixture
def meter(shared: World, settings: Any) -> Receiver:
    settings.ROOT_URLCONF = "iam_portal.urls"
    made = Receiver(shared, shared.globex)
    assert made.create().status_code == 201
    return made


@pytest.fixture
def decided(monkeypatch: Any) -> list[str]:
    """Whom each decision was about."""
    found: list[str] = []
    before = telling.written

    def noted(webhook: Any, event: Any, **more: Any) -> bytes | None:
        found.append(event.subject)
        return before(webhook, event, **more)

    monkeypatch.setattr(telling, "written", noted)
    return found


def happens(meter: Receiver) -> None:
    """Three times to somebody who has nothing to do with it, to one who has; and so again."""
    nobody = person(meter.world, "nobody")
    for name in ("ann", "bob"):
        for _ in range(3):
            events.emit(
                type="person.deactivated",
                tenant_id=meter.tenant.id,
                subject="nobody",
                at=later(meter),
                data={"userId": str(nobody.id)},
            )
        give(meter.world, person(meter.world, name))
    events.sequence()


def polls(meter: Receiver, decided: list[str]) -> list[tuple[int, int]]:
    """Poll while there is more: what each decided, and handed out."""
    found, done = [], []
    for _ in range(20):
        decided.clear()
        page = meter.ask("POST", "poll", {"ack": done}).json()
        done = list(page["sets"])
        found.append((len(decided), len(done)))
        if "moreAvailable" not in page:
            return found
    raise AssertionError("it never ends")


def test_a_poll_looks_at_so_many_events_and_says_that_there_are_more(
    meter: Receiver, decided: list[str], monkeypatch: Any
) -> None:
    monkeypatch.setattr(telling, "MOST_LOOKED_AT", 4)
    happens(meter)
    assert polls(meter, decided) == [(4, 1), (4, 1)]


def test_a_poll_whose_time_is_over_is_cut_short_and_the_next_gets_further(
    meter: Receiver, decided: list[str], monkeypatch: Any
) -> None:
    monkeypatch.setattr(polling, "LONGEST", 0.0)
    happens(meter)
    assert polls(meter, decided) == [(1, 0)] * 3 + [(1, 1)] + [(1, 0)] * 3 + [(1, 1)]


def test_what_is_handed_out_again_takes_its_time_too(
    meter: Receiver, decided: list[str], monkeypatch: Any
) -> None:
    happens(meter)
    assert len(meter.poll()) == 2
    monkeypatch.setattr(polling, "LONGEST", 0.0)
    assert len(meter.poll()) == 1
    assert polls(meter, decided) == [(1, 1), (1, 1)]
