"""The process: it listens, answers, and stops without cutting anybody off in the middle of a request."""

import asyncio
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import structlog
import uvloop
from django.conf import settings

from iam_portal import beside
from iam_portal.admission import LONGEST_WAIT
from iam_portal.apart import App, Stack
from iam_portal.live.server import make_room
from iam_portal.token_service.connection import Connection
from iam_portal.token_service.line import Line
from iam_portal.wsgi import application

log = structlog.get_logger("iam.tokens")

MOST_CONNECTIONS = 1_000  # of a process
MOST_WAITING = 500  # for a thread: who needs none always finds room to connect
OWED_SECONDS = 10.0  # to send a request, or to take an answer
IDLE_SECONDS = 75.0  # between two requests
GRACE = 30.0  # for requests that run when the process is told to stop
QUIET_SECONDS = 0.5  # after which nothing is on its way any more on a connection
LAST_SECONDS = 8.0  # for threads that run when all requests are answered, and for an interpreter under load
_LOOK = 1.0
_LATE = 0.1  # for those who were taken as it began to stop
_BACKLOG = 1024


class Service:
    """All connections of this process, in front of one application of WSGI."""

    def __init__(self, app: App, *, line: Line, most: int = MOST_CONNECTIONS) -> None:
        self.app: Any = app
        self.connections: set[Connection] = set()
        self.stopping = False
        self.line, self._most = line, most

    def connection(self) -> Connection:
        """The next one, for the server."""
        return Connection(self)

    def admits(self, connection: Connection) -> bool:
        """Room for one more. Who had come before the end is answered, too."""
        if len(self.connections) >= self._most:
            return False
        self.connections.add(connection)
        return True

    def lost(self, connection: Connection) -> None:
        """It is no longer there."""
        self.connections.discard(connection)

    def stack(self, work: Callable[[], Any], ended: Callable[..., None], environ: dict[str, Any]) -> Stack:
        """For one request."""
        return Stack(work, ended, self.line, environ)

    def look(self) -> None:
        """Who owes something for too long, or comes no more, is let go of."""
        now = time.monotonic()
        for connection in list(self.connections):
            waited = now - connection.since
            if (connection.is_owed and waited > OWED_SECONDS) or (
                connection.is_idle and waited > IDLE_SECONDS
            ):
                connection.transport.abort()

    async def finish(self) -> None:
        """Who waits, or is about to ask, gets his answer; who takes longer than that is cut off.

        Who was taken in the last turn of the loop is told of in one of the next.
        """
        self.stopping = True
        began = time.monotonic()
        while ((now := time.monotonic()) < began + _LATE) or (self.connections and now < began + GRACE):
            for connection in list(self.connections):
                if connection.is_idle and now - connection.since > QUIET_SECONDS:
                    connection.transport.close()
            await asyncio.sleep(0.02)
        for connection in list(self.connections):
            connection.transport.abort()
        self.line.close()


@asynccontextmanager
async def serving(
    host: str, port: int, app: App = application, most: int = MOST_CONNECTIONS
) -> AsyncIterator[tuple[Service, int]]:
    """A service at this address, and the port that it got. Any number of processes may share one."""
    line = Line(settings.PORTAL_WEB_THREADS, most=MOST_WAITING, longest=LONGEST_WAIT)
    service = Service(app, line=line, most=most)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(service.connection, host, port, backlog=_BACKLOG, reuse_port=True)
    looks = asyncio.create_task(_looking(service))
    try:
        yield service, server.sockets[0].getsockname()[1]
    finally:
        for late in _not_yet_taken(server):
            with suppress(OSError):  # it has gone again
                await loop.connect_accepted_socket(service.connection, late)
        await service.finish()
        looks.cancel()


def _not_yet_taken(server: asyncio.Server) -> Iterator[socket.socket]:
    """It listens no more. Those who are connected, but not yet taken, would be reset by the closing."""
    listening = [socket.socket(fileno=os.dup(each.fileno())) for each in server.sockets]
    server.close()
    for each in listening:
        with each, suppress(OSError):  # most often that nobody is left
            each.setblocking(False)
            while True:
                with suppress(ConnectionAbortedError):
                    yield each.accept()[0]


async def _looking(service: Service) -> None:
    while True:
        await asyncio.sleep(_LOOK)
        service.look()


async def _run(host: str, port: int) -> None:
    make_room(MOST_CONNECTIONS + 500)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serving(host, port) as (_, bound):
        log.info("tokens.serving", host=host, port=bound)
        await stop.wait()
    log.info("tokens.stopped")


def run(host: str, port: int) -> None:
    """Until SIGTERM or SIGINT. A thread that hangs does not keep the process."""
    uvloop.run(_run(host, port))
    beside.stop_all()
    threading.Thread(target=_end, daemon=True).start()


def _end() -> None:
    """The interpreter waits for threads without end."""
    time.sleep(LAST_SECONDS)
    os._exit(1)


def run_many(command: Sequence[str], processes: int) -> int:
    """So many of one command at one port, which end together: the status to exit with.

    One that ends by itself takes the others with it: who started us starts us again.
    """
    children: list[subprocess.Popen[bytes]] = []
    told = False

    def tell(*_: Any) -> None:
        nonlocal told
        told = True
        for child in children:
            child.terminate()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, tell)
    while len(children) < processes and not told:
        children.append(subprocess.Popen(command))  # noqa: S603  (our own)
    while not told and not any(child.poll() is not None for child in children):
        time.sleep(_LOOK / 5)
    was_told = told
    if not was_told:  # and not twice: at the end of a process nobody listens any more
        tell()
    codes = [_ended(child) for child in children]
    return 0 if was_told and not any(codes) else 1


def _ended(child: "subprocess.Popen[bytes]") -> int:
    """Its status; one that does not end in time is killed."""
    try:
        return child.wait(GRACE + 1.5 * LAST_SECONDS)  # less than who stops us waits: 45 s
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()
