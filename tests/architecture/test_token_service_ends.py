"""A token service ends in time, whatever hangs in it, and with it all of its processes."""

import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest
import uvloop

from iam_portal.launchers.valkey import free_port
from iam_portal.token_service import server
from tests.support.tokened import PATIENCE, rest, soon, tokened

POST = b"POST /realms/a/protocol/openid-connect/token HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"


def test_a_thread_that_hangs_does_not_keep_the_process() -> None:
    """What it does beside its requests is done before."""
    script = """
import threading, time
from iam_portal import apart, beside
from iam_portal.token_service import server
server.GRACE, server.LAST_SECONDS = 0.5, 1.0
kept = beside.Beside(lambda: print("noted", flush=True), name="x")
kept.start(60)
def app(environ, start):
    apart.done(lambda: (print("hangs", flush=True), time.sleep(100)))
real = server.serving
server.serving = lambda host, port: real(host, port, app)
server.run("127.0.0.1", PORT)
print("over", flush=True)
"""
    port = free_port()
    command = [sys.executable, "-c", script.replace("PORT", str(port))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert soon(lambda: _connects(port))
        with socket.create_connection(("127.0.0.1", port)) as line:
            line.sendall(POST)
            while "hangs" not in child.stdout.readline():
                pass
            child.terminate()
            said = child.stdout.read()
            assert child.wait(PATIENCE) == 1
    assert "noted" in said and "over" in said


def test_who_came_before_the_end_is_answered() -> None:
    """Taken by the process in the very turn in which it is told to end."""
    with tokened(_done) as service:
        busy = threading.Event()

        def hold() -> None:
            busy.set()
            time.sleep(0.5)
            service.stop()

        service.loop.call_soon_threadsafe(hold)
        assert busy.wait(PATIENCE)
        lines = [_asking(service.port) for _ in range(20)]
    for line in lines:
        with line:
            assert rest(line).endswith(b"done")


def test_who_was_not_yet_taken_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where others among them have gone again, of which the system may or may not tell."""
    lines: list[socket.socket] = []
    taken, told = socket.socket.accept, iter((False, True, True))

    def accept(listening: socket.socket) -> tuple[socket.socket, object]:
        if next(told, False):
            raise ConnectionAbortedError
        return taken(listening)

    monkeypatch.setattr(socket.socket, "accept", accept)

    async def serve() -> None:
        async with server.serving("127.0.0.1", 0, _done) as (_, port):  # and not one turn for the loop
            for _number in range(20):
                with _asking(port) as gone:
                    gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                lines.append(_asking(port))

    uvloop.run(serve())
    assert len(lines) == 20
    for line in lines:
        with line:
            assert rest(line).endswith(b"done")


def _done(environ: dict[str, object], start: Callable[..., object]) -> list[bytes]:
    start("200 OK", [("Content-Length", "4")])
    return [b"done"]


def _asking(port: int) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    line.sendall(POST)
    return line


def _connects(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def test_workers_that_hang_are_killed_when_another_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "GRACE", 0.5)
    monkeypatch.setattr(server, "LAST_SECONDS", 0.1)
    folder = "import os, signal, sys, time\n"
    ends = folder + "sys.exit(0) if os.getpid() % 2 else (signal.signal(15, signal.SIG_IGN), time.sleep(100))"
    former = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    began = time.monotonic()
    try:
        assert server.run_many([sys.executable, "-c", ends], 5) == 1
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
    assert time.monotonic() - began < 60
