"""Real web processes: who floods, hangs, or sends oddly by raw socket, is held up alone (docs/limits.md)."""

import http.client
import json
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles

import psycopg
import pytest

from iam_portal.launchers.processes import Supervisor
from tests.support.machines import another_web, owner_of
from tests.support.portal import RunningPortal
from tests.support.stage import Side, sides

pytestmark = [pytest.mark.journey, pytest.mark.slow]

CONNECTIONS = 32
ASKED = 40  # requests of the neighbour, of which the slowest twentieth is looked at
TIMES = 6  # as slow as in quiet that one may be
LEAST = 1.0  # seconds: below, other work of the machine decides; who waits for a lock waits longer


def test_a_tenant_that_hangs_slows_no_other(running_portal: RunningPortal) -> None:
    flooding, neighbour = sides(running_portal.story)
    token = flooding.new_token()
    port = int(running_portal.address.rpartition(":")[2])
    with Neighbour(port, neighbour) as asked:
        quiet = asked.slowest()
        with flood(port, flooding, token) as answers, hanging(running_portal, flooding.tenant_id):
            time.sleep(1)
            loud = asked.slowest()
    print(f"\nslowest twentieth: quiet {quiet * 1000:.0f} ms, beside a flood {loud * 1000:.0f} ms")
    assert loud < max(LEAST, TIMES * quiet)
    assert 201 in answers  # once nothing held it up
    assert set(answers) <= {201, 429, 503}  # no place, or no turn in time: both with the wait


def test_without_turns_it_would(running_portal: RunningPortal, tmp_path: Path) -> None:
    """The same, where nobody takes turns: the neighbour waits for whoever hangs."""
    flooding, neighbour = sides(running_portal.story)
    token = flooding.new_token()
    with Supervisor() as supervisor:
        off = {"PORTAL_WEB_RUNNING": "0"}
        database = running_portal.environment["DATABASE_URL"]
        web = another_web(running_portal, tmp_path, supervisor, database=database, settings=off)
        with Neighbour(web.port, neighbour, patience=2) as asked:
            asked.slowest()
            with flood(web.port, flooding, token), hanging(running_portal, flooding.tenant_id):
                time.sleep(1)
                with pytest.raises((TimeoutError, AssertionError)):
                    asked.slowest()


class Neighbour:
    """Somebody of another tenant, who reads a list again and again."""

    def __init__(self, port: int, side: Side, patience: float = 20) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience)
        self._path = f"/iam/application-management/v1/tenants/{side.tenant_id}/applications"
        self._headers = {"Authorization": f"Bearer {side.new_token()}"}

    def slowest(self) -> float:
        return quantiles([self._ask() for _ in range(ASKED)], n=20)[-1]

    def _ask(self) -> float:
        begun = time.monotonic()
        self._connection.request("GET", self._path, headers=self._headers)
        answer = self._connection.getresponse()
        answer.read()
        assert answer.status == 200
        return time.monotonic() - begun

    def __enter__(self) -> "Neighbour":
        self._ask()
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()


@contextmanager
def hanging(portal: RunningPortal, tenant_id: str) -> Iterator[None]:
    """Whatever writes a row of this tenant waits meanwhile."""
    with psycopg.connect(owner_of(portal)) as database:
        database.execute("SELECT 1 FROM tenants_tenant WHERE id = %s FOR UPDATE", [tenant_id])
        try:
            yield
        finally:
            database.rollback()


@contextmanager
def flood(port: int, side: Side, token: str) -> Iterator[list[int]]:
    """Many connections, each of which writes a row of the tenant, and comes back when it is told to."""
    answers: list[int] = []
    over = threading.Event()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    path = f"/iam/application-management/v1/tenants/{side.tenant_id}/applications"

    def write(number: int) -> None:
        turn = 0
        while not over.is_set():
            turn += 1
            name = f"flood-{port}-{number}-{turn}"
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            body = json.dumps({"name": name, "displayName": name})
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            answer.read()
            connection.close()
            answers.append(answer.status)
            over.wait(float(answer.headers.get("Retry-After", 0)))

    sent = [threading.Thread(target=write, args=(number,), daemon=True) for number in range(CONNECTIONS)]
    for each in sent:
        each.start()
    try:
        yield answers
    finally:
        over.set()
        for each in sent:
            each.join(40)


PATIENCE = 0.5  # seconds in which a head alone is answered


def said(portal: RunningPortal, *sent: bytes, wait: float = 15) -> bytes:
    """What the server answers to these bytes; empty when it hangs up, or says nothing in time.

    Who is answered before he has said all says no more: what the server does not read takes its answer along.
    """
    port = int(portal.address.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=wait) as line:
        try:
            for part in sent:
                line.sendall(part)
                if part.endswith(b"\r\n\r\n") and select.select([line], [], [], PATIENCE)[0]:
                    break
            return line.recv(4_096)
        except (TimeoutError, ConnectionError):
            return b""


HEAD = (
    b"POST /oauth2/token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
)
FORM = b"grant_type=client_credentials"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ([HEAD, b"Content-Length: -1\r\n\r\n", FORM], b"400"),
        ([HEAD, b"Content-Length: 29\r\nContent-Length: 3\r\n\r\n", FORM], b"400"),
        ([HEAD, b"Transfer-Encoding: chunked\r\n\r\n", chunk(FORM), b"0\r\n\r\n"], b"411"),
        ([HEAD, b"Transfer-Encoding: chunked\r\n\r\n", *[chunk(b"x" * 1_024)] * 9], b"411"),  # without end
        ([HEAD, b"Content-Length: 29\r\nTransfer-Encoding: chunked\r\n\r\n", chunk(FORM)], b"411"),
        ([HEAD, b"Content-Length: 29\r\nContent-Encoding: gzip\r\n\r\n", FORM], b"415"),
        ([HEAD, b"X-Long: ", b"a" * 200_000, b"\r\n\r\n"], b"431"),
        ([HEAD, *[b"X-Many: a\r\n"] * 120, b"\r\n"], b"431"),
        ([b"GET /iam/schema/?", b"a" * 9_000, b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"], b"414"),
        ([HEAD, b"Content-Length: 29\r\n\r\n", FORM], b"401"),  # and an ordinary one is looked at
    ],
)
def test_odd_requests_are_refused(running_portal: RunningPortal, sent: list[bytes], status: bytes) -> None:
    answer = said(running_portal, *sent)
    if status == b"431" and not answer:  # it hung up with bytes of ours unread, which takes its answer along
        return
    assert answer.split(b" ", 2)[1:2] == [status], answer


def test_slow_bodies_keep_nobody_from_being_served(running_portal: RunningPortal) -> None:
    """More of them than requests run at once, and than one address may have on their way."""
    _, neighbour = sides(running_portal.story)
    port = int(running_portal.address.rpartition(":")[2])
    lines = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(12)]
    try:
        with Neighbour(port, neighbour) as asked:
            quiet = asked.slowest()
            for line in lines[:8]:
                line.sendall(HEAD + b"Content-Length: 29\r\n\r\n" + FORM[:3])
            time.sleep(1.5)
            assert asked.slowest() < max(LEAST, TIMES * quiet)
            for line in lines[8:]:
                line.sendall(HEAD + b"Content-Length: 29\r\n\r\n" + FORM[:3])
                assert line.recv(12) == b"HTTP/1.1 503"
    finally:
        for line in lines:
            line.close()


def test_slow_headers_are_cut_off(running_portal: RunningPortal) -> None:
    begun = time.monotonic()
    assert said(running_portal, HEAD, wait=30) == b""
    assert 5 < time.monotonic() - begun < 25
