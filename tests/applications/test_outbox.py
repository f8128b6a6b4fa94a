"""The outbox under load: slow writers that commit in any order, readers that ask "after N" all the while."""

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from applications import events
from applications.models import Event
from iam_portal.walls import cross_tenant
from tenants.models import Tenant
from tests.applications.outbox import ROLES, ROOT, ask, now, write
from tests.support.factories import make_tenant
from tests.support.knocking import Knocker, service

WRITERS, ACTS = 20, 6


def follow(caller: Knocker, address: str, stop: threading.Event, limit: int) -> list[list[dict[str, Any]]]:
    """Every page from the beginning, until nothing comes any more after the writers have stopped."""
    pages: list[list[dict[str, Any]]] = []
    after = 0
    try:
        while True:
            last_look = stop.is_set()
            page = ask(caller, address, after=after, limit=limit)
            assert page["status"] == 200, page
            after = page["next"]
            if page["items"]:
                pages.append(page["items"])
            elif last_look:
                return pages
            else:
                time.sleep(0.005)
    finally:
        connection.close()


class Counter:
    """An object that acts change one after the other: each waits for its lock, as for a row's."""

    def __init__(self) -> None:
        self.value = 0

    @contextmanager
    def held(self) -> Iterator[int]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(4711)")
        yield self.value
        self.value += 1


def act(tenants: list[Tenant], own: str, writer: int, turn: int, shared: Counter) -> None:
    """A slow transaction: something of its own, then the object that everybody changes, in two streams."""
    group = f"{writer}.{turn}"
    with transaction.atomic():
        write(tenants[0], writer, group=group, turn=turn)
        time.sleep(random.random() * 0.03)
        if random.random() < 0.5:
            with shared.held() as value:
                write(tenants[0], -1, group=group, value=value)
        for tenant in tenants:
            write(tenant, writer, application_id=own, group=group, turn=turn)
            time.sleep(random.random() * 0.005)
        if writer == 0 and turn == 2:
            for _ in range(12):  # more than a page holds
                write(tenants[0], writer, group=group, turn=turn)
        transaction.set_rollback(turn == 4)


def test_readers_miss_nothing_and_read_nothing_twice(committed_db: None) -> None:
    acme, beta = make_tenant("acme", at=now()), make_tenant("beta", at=now())
    reader, own = service(acme, "reader", *ROLES), service(acme, "own", "user-reader")
    start, stop, shared = events.head(), threading.Event(), Counter()

    def writes(writer: int) -> None:
        try:
            for turn in range(ACTS):
                act([acme, beta], "acme.own", writer, turn, shared)
        finally:
            connection.close()

    with ThreadPoolExecutor(WRITERS + 3) as pool:
        followers = [
            pool.submit(follow, reader, f"{ROOT}/tenants/{acme.id}/events", stop, 7),
            pool.submit(follow, reader, f"{ROOT}/tenants/{acme.id}/events", stop, 500),
            pool.submit(follow, own, f"{ROOT}/application/events", stop, 3),
        ]
        list(pool.map(writes, range(WRITERS)))
        stop.set()
        of_tenant, at_once, of_application = [follower.result() for follower in followers]

    with cross_tenant():
        rows = list(Event.objects.filter(subject__startswith="thing").order_by("position"))
        assert sorted(Event.objects.values_list("position", flat=True)) == list(range(1, events.head() + 1))
    assert len({row.data["group"] for row in rows}) == WRITERS * (ACTS - 1)
    assert min(row.position for row in rows) > start
    written = {
        "tenant": [row.position for row in rows if row.tenant_id == acme.id],
        "application": [row.position for row in rows if row.application_id == "acme.own"],
    }
    assert seen(of_tenant) == seen(at_once) == written["tenant"]
    assert seen(of_application) == written["application"]
    for pages in (of_tenant, at_once, of_application):
        assert_whole_and_in_order(pages)


def seen(pages: list[list[dict[str, Any]]]) -> list[int]:
    return [item["position"] for page in pages for item in page if item["subject"].startswith("thing")]


def assert_whole_and_in_order(pages: list[list[dict[str, Any]]]) -> None:
    """A transaction lies in one page; the changes of an object follow each other."""
    home: dict[str, int] = {}
    told: dict[str, list[int]] = {}
    for number, page in enumerate(pages):
        for item in page:
            if item["subject"].startswith("thing"):
                data = item["data"]
                assert home.setdefault(data["group"], number) == number, "a page split a transaction"
                told.setdefault(item["subject"], []).append(data.get("turn", data.get("value")))
    for values in told.values():
        assert values == sorted(values)


def test_a_number_of_a_transaction_that_comes_again_skips_nothing(db: None) -> None:
    """After a restore the database counts its transactions anew."""
    acme = make_tenant("acme", at=now())
    reader = service(acme, "reader", *ROLES)
    start = ask(reader, f"{ROOT}/tenants/{acme.id}/events", after="latest")["next"]
    for number in range(4):
        write(acme, number)
    events.sequence()
    with cross_tenant():
        for row, transaction_id in zip(Event.objects.order_by("-id")[:4], (9, 8, 9, 9), strict=True):
            Event.objects.filter(pk=row.pk).update(transaction=transaction_id)
    page = ask(reader, f"{ROOT}/tenants/{acme.id}/events", after=start, limit=1)
    assert [item["subject"] for item in page["items"]] == ["thing-0", "thing-1"]
    page = ask(reader, f"{ROOT}/tenants/{acme.id}/events", after=page["next"], limit=2)
    assert [item["subject"] for item in page["items"]] == ["thing-2", "thing-3"]


def test_a_position_is_a_position(db: None) -> None:
    acme = make_tenant("acme", at=now())
    reader = service(acme, "reader", *ROLES)
    for after in ("-1", "x", "1" * 19, "", "٣", "1.0", "LATEST", "\0"):
        assert ask(reader, f"{ROOT}/tenants/{acme.id}/events", after=after)["status"] == 400, after
