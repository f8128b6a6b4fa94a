"""The event service under strain: slow readers, too many of them, strangers, and what is no request."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from pytest_django.fixtures import Settings

from iam_portal.live import connection as connection_module
from tests.applications.outbox import ROLES, ROOT, ask, write
from tests.applications.waiting import World, wait_until
from tests.support.knocking import Knocker, service
from tests.support.live import running


def test_a_slow_reader_is_dropped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "SLOW_SECONDS", 0.2)
    after = world.latest()
    for number in range(60):
        write(world.acme, number, filling="x" * 200_000)
    with world.live.stream(world.address(after=after, limit=500), world.reader.headers) as stream:
        wait_until(lambda: not world.live.service.connections)
        with suppress(OSError):  # what lay in the buffers can also end without a word
            for _ in stream.reply:
                pass
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


def test_places_are_counted_by_the_tenant_whose_callers_wait(world: World, settings: Settings) -> None:
    """An application is made in a minute: a limit for each caller is none for who owns them."""
    settings.PORTAL_EVENT_STREAMS_PER_TENANT = 2
    callers = [world.reader, *(service(world.acme, name, "user-reader") for name in ("one", "two"))]
    neighbour = service(world.beta, "reader", *ROLES)
    address = world.address(after=world.latest())
    own = f"{ROOT}/application/events?after=latest"
    with world.live.stream(address, callers[0].headers), world.live.stream(own, callers[1].headers) as second:
        for refused in (address, own):
            with world.live.stream(refused, callers[2].headers) as third:
                assert (third.status, third.reply.headers["Retry-After"]) == (429, "5")
        with world.live.stream(own, neighbour.headers) as other:
            assert other.status == 200
        second.__exit__()
        wait_until(lambda: world.live.service._homes == {str(world.acme.id): 1})
        with world.live.stream(address, callers[2].headers) as again:
            assert again.status == 200
    wait_until(lambda: not world.live.service._homes)


def test_who_says_nothing_keeps_nobody_out(committed_db: None, settings: Settings) -> None:
    """Before a request was read there is only the address to count by."""
    settings.PORTAL_EVENT_UNREAD_PER_ADDRESS = 2
    probe = b"GET /livez HTTP/1.0\r\n\r\n"
    with running() as live:
        silent = [socket.create_connection(("127.0.0.1", live.port)) for _ in range(2)]
        wait_until(lambda: len(live.service.connections) == 2)
        assert live.raw(probe).startswith(b"HTTP/1.1 503 ")
        with socket.create_connection(("127.0.0.1", live.port), source_address=("127.0.0.2", 0)) as elsewhere:
            elsewhere.sendall(probe)
            assert elsewhere.recv(100).startswith(b"HTTP/1.1 200 ")
        silent[0].sendall(probe)
        assert silent[0].recv(100).startswith(b"HTTP/1.1 200 ")
        silent[1].close()
        wait_until(lambda: not live.service._unread)
        assert live.raw(probe).startswith(b"HTTP/1.1 200 ")
        silent[0].close()


def test_stopping_lets_everybody_go_in_order(world: World) -> None:
    address = world.address(after=world.latest())
    with ThreadPoolExecutor(1) as pool, world.live.stream(address, world.reader.headers) as stream:
        waiting = pool.submit(world.live.get, f"{address}&wait=30", world.reader.headers)
        wait_until(lambda: world.live.service._places.total() == 2)
        begin = time.monotonic()
        world.live.stop()
        assert time.monotonic() - begin < 15, "nobody is waited for, who would wait for half a minute"
        assert (waiting.result().status, waiting.result().json["items"]) == (200, [])
        assert list(stream.events()) == []
    world.live.start()


# --- who is let in, and what is understood ------------------------------------------------------------


def test_who_may_not_read_a_page_may_not_wait_for_one(world: World) -> None:
    outsider = service(world.beta, "reader", *ROLES)
    powerless = service(world.acme, "powerless", "activity-log-reader")
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
