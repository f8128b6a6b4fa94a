"""A token service in a thread of its own, in front of any application of WSGI; and raw words to it."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvloop

from iam_portal.apart import App
from iam_portal.token_service.server import Service, serving

PATIENCE = 15.0  # longer than anything here takes on a busy machine


@dataclass
class Tokened:
    """Its port, and what it is made of."""

    port: int
    service: Service
    loop: asyncio.AbstractEventLoop
    stop: Callable[[], None]

    def connect(self) -> socket.socket:
        """A connection that waits no longer than a test may."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def say(self, *pieces: bytes) -> bytes:
        """Everything that comes back until the other end closes."""
        with self.connect() as line:
            for piece in pieces:
                line.sendall(piece)
            return rest(line)


def rest(line: socket.socket) -> bytes:
    """To the end; what a reset leaves is all there is."""
    found = b""
    try:
        while piece := line.recv(65_536):
            found += piece
    except ConnectionResetError:
        pass
    return found


def soon(holds: Callable[[], bool]) -> bool:
    """Whether it comes to that."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.02)
    return False


@contextmanager
def tokened(app: App, *, most: int = 1_000) -> Iterator[Tokened]:
    """At the end it stops as the process does: who is answered gets his answer."""
    ready, stop = threading.Event(), asyncio.Event()
    made: list[Tokened] = []

    async def serve() -> None:
        async with serving("127.0.0.1", 0, app, most) as (service, port):
            made.append(Tokened(port, service, asyncio.get_running_loop(), stop.set))
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=uvloop.run, args=[serve()])
    thread.start()
    try:
        assert ready.wait(PATIENCE)
        yield made[0]
    finally:
        if made:
            made[0].loop.call_soon_threadsafe(stop.set)
        thread.join()
