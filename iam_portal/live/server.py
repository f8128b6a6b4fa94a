"""The process: it listens, serves, and stops without cutting anybody off in the middle of an event."""

import asyncio
import resource
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from django.conf import settings

from iam_portal.live.reporting import Report
from iam_portal.live.streams import Service

log = structlog.get_logger("iam.live")

GRACE = 5.0
_BACKLOG = 1024


@asynccontextmanager
async def serving(host: str, port: int) -> AsyncIterator[tuple[Service, int]]:
    """A service at this address, and the port that it got; at the end everybody is let go."""
    service = Service()
    await service.hub.begin()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(service.connection, host, port, backlog=_BACKLOG)
    report = Report(service)
    beside = [asyncio.create_task(service.hub.listen()), asyncio.create_task(report.keep())]
    try:
        yield service, server.sockets[0].getsockname()[1]
    finally:
        service.stopping = True
        server.close()
        service.hub.wake_all()
        await _finish(service)
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        await report.end()
        service.desk.close()


async def run(host: str, port: int) -> None:
    """Until SIGTERM or SIGINT."""
    make_room(2 * settings.PORTAL_EVENT_STREAMS + 500)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with serving(host, port) as (_, bound):
        log.info("live.serving", host=host, port=bound)
        await stop.wait()
    log.info("live.stopped")


def make_room(wanted: int) -> None:
    """Each connection is an open file, and the usual limit is below what may be held here."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        room = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (room, hard))
        if room < wanted:
            log.warning("live.few_files", limit=hard, wanted=wanted)


async def _finish(service: Service) -> None:
    """Whoever waits gets his answer; whoever takes longer than that is cut off."""
    for connection in list(service.connections):
        if connection.task is None:
            connection.transport.abort()
    tasks = [connection.task for connection in service.connections if connection.task is not None]
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=GRACE)
        for task in late:
            task.cancel()
    await asyncio.sleep(0.05)  # what was written last leaves
    for connection in list(service.connections):
        connection.transport.abort()
