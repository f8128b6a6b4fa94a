"""Events that are kept no longer: who missed something is told so, and how to go on without missing more."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from applications import events, jobs
from applications.models import Event
from iam_portal.walls import cross_tenant
from tenants.models import Tenant
from tests.applications.outbox import ROLES, ROOT, ask, now, write
from tests.applications.sharing import register
from tests.support.factories import make_tenant
from tests.support.knocking import Knocker, service

DAY = timedelta(days=1)


@pytest.fixture
def acme(db: None) -> Tenant:
    return make_tenant("acme", at=now())


@pytest.fixture
def reader(acme: Tenant) -> Knocker:
    return service(acme, "reader", *ROLES)


def kept() -> list[int]:
    events.sequence()
    with cross_tenant():
        return list(Event.objects.order_by("position").values_list("position", flat=True))


def age(*positions: int) -> None:
    with cross_tenant():
        Event.objects.filter(position__in=positions).update(at=now() - 91 * DAY)


def test_old_events_go_from_the_front_in_bounded_steps(acme: Tenant, settings: Settings) -> None:
    for number in range(6):
        write(acme, number)
    all_of_them = kept()
    first = all_of_them[0]
    assert events.oldest() == first == 1
    age(*all_of_them[:-1])
    before = now() - 90 * DAY
    assert events.prune(before=before, at=now(), most=2) == 2
    assert (kept(), events.oldest(), events.pruned()) == (all_of_them[2:], first + 2, first + 1)
    jobs.prune_events()
    assert kept() == all_of_them[-1:]
    assert events.prune(before=before, at=now()) == 0

    settings.PORTAL_EVENT_RETENTION = timedelta(0)
    jobs.prune_events()
    assert kept() == []
    assert events.oldest() == events.head() + 1 == all_of_them[-1] + 1, "all is pruned, and nothing forgotten"
    write(acme, 7)
    assert kept() == [all_of_them[-1] + 1], "a position is never given out again"


def test_a_young_event_keeps_what_lies_behind_it(acme: Tenant) -> None:
    for number in range(4):
        write(acme, number)
    positions = kept()
    age(positions[0], *positions[2:])
    events.prune(before=now() - 90 * DAY, at=now())
    assert kept() == positions[1:]


def test_what_has_no_position_yet_stays(acme: Tenant) -> None:
    write(acme, 1)
    events.prune(before=now() + DAY, at=now())
    assert len(kept()) >= 1


def test_who_missed_something_is_told_how_to_go_on(acme: Tenant, reader: Knocker) -> None:
    address = f"{ROOT}/tenants/{acme.id}/events"
    whole = ask(reader, address)
    write(acme, 1)
    events.sequence()
    events.prune(before=now() + DAY, at=now())
    write(acme, 2)
    for after in (0, whole["next"]):  # he who begins at 0 would miss something, too
        gone = ask(reader, address, after=after)
        assert (gone["status"], gone["code"]) == (410, "events_gone")
        assert gone["oldest"] == events.oldest()
        assert gone["snapshot"] == f"http://testserver{ROOT}/tenants/{acme.id}/applications?available=any"
    page = ask(reader, address, after=gone["resumeAfter"])
    assert [item["subject"] for item in page["items"]] == ["thing-2"]
    own = ask(reader, f"{ROOT}/application/events", after=0)
    assert own["snapshot"] == f"http://testserver{ROOT}/application/tenants"


def test_a_reader_of_a_quiet_stream_misses_nothing(acme: Tenant, reader: Knocker) -> None:
    """Others' events go by; his position goes along, so that retention does not pass it."""
    beta = make_tenant("beta", at=now())
    after = ask(reader, f"{ROOT}/tenants/{acme.id}/events", after="latest")["next"]
    write(beta, 1)
    page = ask(reader, f"{ROOT}/tenants/{acme.id}/events", after=after)
    assert (page["items"], page["next"]) == ([], events.head())
    events.prune(before=now() + DAY, at=now())
    assert ask(reader, f"{ROOT}/tenants/{acme.id}/events", after=page["next"])["status"] == 200
    assert ask(reader, f"{ROOT}/tenants/{acme.id}/events", after=after)["status"] == 410


def test_a_position_of_another_database_is_gone(acme: Tenant, reader: Knocker) -> None:
    """Restored from a backup, the portal knows less than the reader: he must not wait for what was there."""
    after = events.head() + 1000
    gone = ask(reader, f"{ROOT}/tenants/{acme.id}/events", after=after)
    assert (gone["status"], gone["code"]) == (410, "events_gone")
    assert ask(reader, f"{ROOT}/tenants/{acme.id}/events", after=gone["resumeAfter"])["status"] == 200


def test_positions_that_a_refusal_took_back_are_not_promised(acme: Tenant, reader: Knocker) -> None:
    write(acme, 1)
    kept()
    events.prune(before=now() + DAY, at=now())
    write(acme, 2)  # the 410 itself gives this one its position, and takes it back
    gone = ask(reader, f"{ROOT}/tenants/{acme.id}/events", after=0)
    assert gone["resumeAfter"] < kept()[-1]


def on_a_thread(act: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        try:
            act()
        finally:
            connection.close()

    return run


def test_snapshot_then_events_miss_nothing_while_others_write(committed_db: None) -> None:
    """The recipe of the 410, followed again and again while applications are registered and events go."""
    acme = make_tenant("acme", at=now())
    reader = service(acme, "reader", *ROLES)
    stop = threading.Event()
    names = {f"acme.app{number}" for number in range(12)}

    def writes(writer: int) -> None:
        for number in range(writer, 12, 3):
            register(acme, f"app{number}", now())

    def prunes() -> None:
        while not stop.is_set():
            events.sequence()
            events.prune(before=now() + DAY, at=now(), most=5)
            time.sleep(0.05)

    with ThreadPoolExecutor(4) as pool:
        pruning = pool.submit(on_a_thread(prunes))
        writing = [pool.submit(on_a_thread(partial(writes, writer))) for writer in range(3)]
        known, rounds = follow(reader, acme, lambda: all(done.done() for done in writing))
        stop.set()
        pruning.result()
    assert rounds >= 1
    assert names <= known


def follow(reader: Knocker, acme: Tenant, over: Callable[[], bool]) -> tuple[set[str], int]:
    """The applications that a reader knows of in the end, and how often he had to read the snapshot."""
    known: set[str] = set()
    after = rounds = 0
    while True:
        last_look = over()
        page = ask(reader, f"{ROOT}/tenants/{acme.id}/events", after=after)
        if page["status"] == 410:
            rounds += 1
            after = page["resumeAfter"]
            listed = ask(reader, f"{ROOT}/tenants/{acme.id}/applications", available="any")
            known = {item["applicationId"] for item in listed["items"]}
            continue
        known |= {item["data"].get("applicationId") for item in page["items"]}
        after = page["next"]
        if last_look and not page["items"]:
            return known, rounds
