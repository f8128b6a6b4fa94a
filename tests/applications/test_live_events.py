"""Events that wait, through the event service: nothing missed, nothing twice, nothing that is not allowed."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from accesscontrol.actions import assignments
from accesscontrol.models import Assignment
from applications import events
from applications.actions import applications
from iam_portal.live import connection as connection_module
from iam_portal.live import hub
from iam_portal.walls import tenant_scope
from tenants.actions import sessions
from tenants.http import cookie_name
from tenants.models import Tenant, UserSession
from tests.applications.outbox import ROLES, ROOT, ask, now, write
from tests.support.factories import SYSTEM, acting, make_tenant
from tests.support.knocking import Knocker, give, person, service
from tests.support.live import PATIENCE, Live, running


@dataclass
class World:
    acme: Tenant
    beta: Tenant
    reader: Knocker
    live: Live

    def address(self, **query: object) -> str:
        return f"{ROOT}/tenants/{self.acme.id}/events?{urlencode(query)}"

    def latest(self) -> int:
        return int(ask(self.reader, f"{ROOT}/tenants/{self.acme.id}/events", after="latest")["next"])

    def now_and_then(self, *acts: Callable[[], object]) -> "threading.Thread":
        """Each act a little later, from another thread."""

        def run() -> None:
            try:
                for act in acts:
                    time.sleep(0.3)
                    act()
            finally:
                connection.close()

        thread = threading.Thread(target=run)
        thread.start()
        return thread


@pytest.fixture
def world(committed_db: None) -> Iterator[World]:
    acme, beta = make_tenant("acme", at=now()), make_tenant("beta", at=now())
    reader = service(acme, "reader", *ROLES)
    with running() as live:
        yield World(acme, beta, reader, live)


def wait_until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# --- pages that wait ----------------------------------------------------------------------------------


def test_a_page_waits_until_something_of_its_own_commits(world: World, settings: Settings) -> None:
    settings.PORTAL_EVENTS_URL = "https://events.example.com"
    headers = world.reader.headers
    page = ask(world.reader, world.address(after=0)) | {"status": 200}
    assert page["live"] == f"https://events.example.com{ROOT}/tenants/{world.acme.id}/events"
    begin = time.monotonic()
    at_once = world.live.get(world.address(after=0, wait=30, limit=500), headers)
    assert time.monotonic() - begin < 10
    assert at_once.json["items"]
    after = at_once.json["next"]
    assert world.live.get(world.address(after=after), headers).json["items"] == []

    thread = world.now_and_then(lambda: write(world.beta, 1), lambda: write(world.acme, 2))
    reply = world.live.get(world.address(after=after, wait=30), headers)
    thread.join()
    assert time.monotonic() - begin < 25
    assert [item["subject"] for item in reply.json["items"]] == ["thing-2"]
    assert reply.json["items"][0]["tenantid"] == str(world.acme.id)
    assert reply.fields["Content-Type"] == "application/json"
    assert "default-src 'none'" in reply.fields["Content-Security-Policy"]

    begin = time.monotonic()
    thread = world.now_and_then(lambda: write(world.beta, 3))
    empty = world.live.get(world.address(after=reply.json["next"], wait=1), headers)
    thread.join()
    assert 0.9 < time.monotonic() - begin < 10
    assert (empty.status, empty.json["items"]) == (200, [])


def test_a_right_that_was_taken_away_ends_the_waiting(world: World) -> None:
    def withdraw() -> None:
        with tenant_scope(world.acme.id):
            of_reader = Assignment.objects.filter(application="acme.reader")
            held = list(of_reader.filter(application_role__key__in=ROLES))
        for row in held:
            assignments.withdraw(tenant=world.acme, assignment_id=row.pk, by=SYSTEM, at=now())

    give(world.acme, "organization-reader", principal_application_id="acme.reader")  # shows no events
    write(world.acme, 1)
    with world.live.stream(world.address(after=world.latest() - 1), world.reader.headers) as stream:
        first = next(stream.events())
        thread = world.now_and_then(withdraw, lambda: write(world.acme, 2))
        waited = world.live.get(world.address(after=first.id, wait=20), world.reader.headers)
        thread.join()
        told = list(stream.events())
    assert first.data["subject"] == "thing-1"
    # The withdrawal is an event itself, which he may not read any more.
    assert [(sent.event, sent.id, sent.data["status"]) for sent in told] == [("error", "", 403)]
    assert waited.status == 403
    assert stream.last == first.id, "a reader goes on after the last real event"


def test_a_session_that_ended_and_an_application_that_was_suspended(world: World) -> None:
    user, cookie = person(world.acme, "jane", "user-reader")
    browser = {"Cookie": f"{cookie_name(world.acme.id)}={cookie}"}
    own = service(world.acme, "own", "user-reader")
    after = world.latest()
    suspend = {"tenant": world.acme, "application_id": "acme.own", "reason": "", "by": SYSTEM}

    def sign_out() -> None:
        with tenant_scope(world.acme.id):
            session = UserSession.objects.get(user=user)
            sessions.sign_out(session=session, by=acting(user), at=now())

    with (
        world.live.stream(world.address(after=after), browser) as person_reads,
        world.live.stream(f"{ROOT}/application/events?after={after}", own.headers) as application_reads,
    ):
        thread = world.now_and_then(
            lambda: write(world.beta, 1, application_id="acme.own"),  # of this application, elsewhere
            sign_out,
            lambda: applications.suspend(**suspend, at=now()),
        )
        mine, theirs = list(application_reads.events()), list(person_reads.events())
        thread.join()
    assert (mine[0].event, mine[0].data["subject"]) == ("iam.application.available.v1", "thing-1")
    assert mine[-1].data["status"] == 401
    assert [(sent.event, sent.data["status"]) for sent in theirs] == [("error", 401)]


def test_an_open_stream_keeps_no_session_from_idling(world: World) -> None:
    user, cookie = person(world.acme, "jane", "user-reader")
    with tenant_scope(world.acme.id):
        UserSession.objects.filter(user=user).update(seen_at=now() - timedelta(minutes=5))
        seen = UserSession.objects.get(user=user).seen_at
    browser = {"Cookie": f"{cookie_name(world.acme.id)}={cookie}"}
    after = world.latest()
    with world.live.stream(world.address(after=after), browser) as stream:
        with tenant_scope(world.acme.id):
            first = UserSession.objects.get(user=user).seen_at
            assert first > seen, "the person has asked"
            UserSession.objects.filter(user=user).update(seen_at=seen)
        write(world.acme, 1)
        assert next(stream.events()).data["subject"] == "thing-1"
        with tenant_scope(world.acme.id):
            assert UserSession.objects.get(user=user).seen_at == seen


# --- streams ------------------------------------------------------------------------------------------


def test_a_stream_goes_on_where_it_broke_off(world: World) -> None:
    """Over reconnections, a restart of the service, and a lost connection to the database."""
    start, total = world.latest(), 60

    def writes() -> None:
        try:
            for number in range(total):
                write(world.acme, number)
                time.sleep(0.02)
        finally:
            connection.close()

    seen: list[int] = []
    last = str(start)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(writes)
        for turn in range(100):
            resume = {**world.reader.headers, "Last-Event-ID": last}
            with world.live.stream(world.address(after=0, limit=7), resume) as stream:
                assert stream.status == 200
                assert stream.reply.headers["Content-Type"] == "text/event-stream"
                for sent in stream.events():
                    seen.append(int(sent.id))
                    assert sent.data["position"] == int(sent.id)
                    if len(seen) % 9 == 0 or len(seen) == total:
                        break
                last = stream.last or last
            if len(seen) >= total:
                break
            if turn == 1:
                with connection.cursor() as cursor:
                    cursor.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%%'"
                    )
                    assert cursor.fetchall() == [(True,)]
            if turn == 2:
                world.live.stop()
                world.live.start()
        writing.result()
    assert seen == list(range(start + 1, start + total + 1))
    assert world.live.get("/readyz").status == 200


def test_what_nobody_was_told_of_is_found(committed_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that never came: the next look finds what it spoke of."""
    monkeypatch.setattr(events, "CHANNEL", "another_channel")
    monkeypatch.setattr(hub, "POLL", 0.3)
    acme = make_tenant("acme", at=now())
    reader = service(acme, "reader", *ROLES)
    with running() as live:
        world = World(acme, acme, reader, live)
        with live.stream(world.address(after="latest"), reader.headers) as stream:
            write(acme, 1)
            assert next(stream.events()).data["subject"] == "thing-1"


def test_a_slow_reader_is_dropped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "SLOW_SECONDS", 0.2)
    after = world.latest()
    for number in range(60):
        write(world.acme, number, filling="x" * 200_000)
    with world.live.stream(world.address(after=after, limit=500), world.reader.headers) as stream:
        wait_until(lambda: not world.live.service.connections)
        with pytest.raises(OSError):
            for _ in stream.reply:
                pass
            raise OSError  # what lay in the buffers can end without a word
    assert not world.live.service._places


def test_places_are_counted_by_caller_and_in_all(world: World, settings: Settings) -> None:
    settings.PORTAL_EVENT_STREAMS, settings.PORTAL_EVENT_STREAMS_PER_CALLER = 3, 2
    others = [service(world.acme, name, "user-reader") for name in ("one", "two")]
    address = world.address(after=world.latest())
    open_ = world.live.stream
    with open_(address, world.reader.headers), open_(address, world.reader.headers) as second:
        with open_(address, world.reader.headers) as third:
            assert (third.status, third.reply.headers["Retry-After"]) == (429, "5")
        assert world.live.get(f"{address}&wait=20", world.reader.headers).json["code"] == "too_many_streams"
        assert world.live.get(address, world.reader.headers).status == 200, "a page needs no place"
        with open_(address, others[0].headers) as fourth, open_(address, others[1].headers) as fifth:
            assert (fourth.status, fifth.status) == (200, 503)
        second.__exit__()
        wait_until(lambda: world.live.service._places.total() == 1)
        with open_(address, world.reader.headers) as again:
            assert again.status == 200


def test_stopping_lets_everybody_go_in_order(world: World) -> None:
    address = world.address(after=world.latest())
    with ThreadPoolExecutor(1) as pool, world.live.stream(address, world.reader.headers) as stream:
        waiting = pool.submit(world.live.get, f"{address}&wait=30", world.reader.headers)
        wait_until(lambda: world.live.service._places.total() == 2)
        begin = time.monotonic()
        world.live.stop()
        assert time.monotonic() - begin < 5
        assert (waiting.result().status, waiting.result().json["items"]) == (200, [])
        assert list(stream.events()) == []
    world.live.start()


# --- who is let in, and what is understood ------------------------------------------------------------


def test_who_may_not_read_a_page_may_not_wait_for_one(world: World) -> None:
    outsider = service(world.beta, "reader", *ROLES)
    powerless = service(world.acme, "powerless", "organization-reader")
    for caller, status in ((outsider, 404), (powerless, 403), (Knocker(), 401)):
        page = ask(caller, world.address())
        for headers in ({}, {"Accept": "text/event-stream"}):
            reply = world.live.get(world.address(wait=20), {**caller.headers, **headers})
            assert reply.status == page["status"] == status
            assert reply.json["code"] == page["code"]
            assert reply.fields["Content-Type"] == "application/problem+json"
    assert reply.fields["WWW-Authenticate"].startswith("Bearer")
    gone = world.live.get(world.address(after=10**6, wait=20), world.reader.headers)
    assert (gone.status, gone.json["code"]) == (410, "events_gone")
    forged = {**outsider.headers, "iam.stream": "x", "IAM-Again": "1", "HTTP_AUTHORIZATION": "Bearer x"}
    assert world.live.get(world.address(wait=1), forged).status == 404
    elsewhere = world.live.get(f"{ROOT}/tenants/{world.acme.id}/applications", world.reader.headers)
    assert elsewhere.status == 404, "only events are served here"
    page = world.live.get(world.address(), {**world.reader.headers, "Origin": "https://evil.example"})
    assert not any(name.lower().startswith("access-control") for name in page.fields)


MALFORMED: dict[bytes, int] = {
    b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n": 200,
    b"GET /livez HTTP/1.0\r\n\r\n": 200,
    b"GET /livez HTTP/1.1\r\n\r\n": 400,
    b"GET /livez HTTP/1.1\nHost: x\n\r\n\r\n": 400,
    b"GET  /livez HTTP/1.1\r\nHost: x\r\n\r\n": 400,
    b"GET http://x/livez HTTP/1.1\r\nHost: x\r\n\r\n": 400,
    b"GET /livez#x HTTP/1.1\r\nHost: x\r\n\r\n": 400,
    b"GET /livez HTTP/2\r\nHost: x\r\n\r\n": 400,
    b"\x16\x03\x01\r\n\r\n": 400,
    b"GET /livez HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n": 400,
    b"GET /livez HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n": 400,
    b"GET /livez HTTP/1.1\r\nHost: x\r\nA\0: y\r\n\r\n": 400,
    b"GET /livez HTTP/1.1\r\nHost: x\r\nA: \0\r\n\r\n": 400,
    b"GET /livez HTTP/1.1\r\nHost : x\r\n\r\n": 400,
    b"GET /livez HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n": 400,
    b"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc": 413,
    b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\n\r\n": 400,
    b"GET /livez HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 101 + b"\r\n": 400,
    b"GET /" + b"x" * 17_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n": 431,
    b"POST /livez HTTP/1.1\r\nHost: x\r\n\r\n": 405,
    b"OPTIONS /livez HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.example\r\n\r\n": 405,
    b"GET /%ff%fe HTTP/1.1\r\nHost: x\r\n\r\n": 404,
    b"GET /iam/application-management/v1/application/events?wait=31 HTTP/1.1\r\nHost: x\r\n\r\n": 400,
    b"GET /iam/application-management/v1/application/events?wait=-1 HTTP/1.1\r\nHost: x\r\n\r\n": 400,
    b"GET /iam/application-management/v1/application/events?" + b"a&" * 99 + b" HTTP/1.0\r\n\r\n": 400,
}


def test_what_cannot_be_understood_is_refused_at_once(
    committed_db: None, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setattr(connection_module, "HEAD_SECONDS", 0.2)
    with running() as live:
        for sent, status in MALFORMED.items():
            got = live.raw(sent)
            assert got.startswith(b"HTTP/1.1 %d " % status), (sent, got[:200])
            assert got.count(b"HTTP/1.1") == 1, sent
            assert b"access-control" not in got.lower()
        assert live.raw(b"GET /livez HTT").startswith(b"HTTP/1.1 408 ")
        settings.PORTAL_EVENT_STREAMS = -200
        assert live.raw(b"GET /livez HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 503 ")
