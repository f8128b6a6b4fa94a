"""Who waits for which stream, and the one connection that hears when something was committed."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
import structlog
from django.conf import settings
from django.db import connection, connections

from applications import events
from iam_portal.live.questions import Desk

log = structlog.get_logger("iam.live")

POLL = 5.0  # without any message, look nevertheless: a lost message delays, and loses nothing
GATHER = 0.02  # messages of one burst are one look
_OURS = {"context", "cursor_factory", "prepare_threshold"}  # Django's own; not for a connection beside it


@dataclass(eq=False, slots=True)
class Waiter:
    """One who has read his stream up to a position."""

    after: int
    woken: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def wake(self) -> None:
        if not self.woken.done():
            self.woken.set_result(None)


class Hub:
    """Knows the last position in all, and the last of each stream that moved since this process began.

    Somebody waits only while nothing of his stream lies behind his position. So when the head moves, he has
    read his stream up to the former head: his position goes along, and equal readers ask equal questions.
    """

    def __init__(self, desk: Desk) -> None:
        self.listening = False
        self._desk = desk
        self._head = 0
        self._floor = 0  # of streams that did not move since: anything may lie up to here
        self._told: dict[str, int] = {}
        self._waiting: dict[str, set[Waiter]] = {}

    async def wait(self, stream: str, after: int, seconds: float) -> tuple[int, bool]:
        """Until the stream moves past the position: where to ask from, and whether there is a reason to."""
        if self._told.get(stream, self._floor) > after:
            return after, True
        waiter = Waiter(after)
        self._waiting.setdefault(stream, set()).add(waiter)
        try:
            async with asyncio.timeout(seconds):
                await waiter.woken
        except TimeoutError:
            return waiter.after, False
        finally:
            self._forget(stream, waiter)
        return waiter.after, True

    def wake_all(self) -> None:
        """Everybody asks anew: messages may have been lost, or this process stops."""
        for waiters in list(self._waiting.values()):
            for waiter in list(waiters):
                waiter.wake()

    def tell(self, head: int, moved: Mapping[str, int]) -> None:
        """Wake those whose stream moved past what they have read."""
        if head < self._head:  # another database: what was known of positions is no longer so
            self._told.clear()
            self._head = self._floor = head
            self.wake_all()
            return
        for stream, position in moved.items():
            for waiter in list(self._waiting.get(stream, ())):
                if position > waiter.after and not waiter.woken.done():
                    waiter.after = max(waiter.after, self._head)
                    waiter.wake()
            self._told[stream] = position
        self._head = head

    async def look(self) -> None:
        """Give positions to what was committed, and tell."""
        head, moved = await self._desk.run(lambda: _news(self._head))
        self.tell(head, moved)

    async def begin(self) -> None:
        """Whatever lies before the first look may be news to anybody."""
        self._head = self._floor = await self._desk.run(_head)

    async def listen(self) -> None:
        """For ever. A lost connection is made anew, and everybody asks again."""
        while True:
            try:
                await self._listen()
            except Exception as error:  # whatever the driver raises: the next try shows whether it is over
                log.warning("live.not_listening", error=type(error).__name__)
            self.listening = False
            await asyncio.sleep(0.5 + random.random())  # noqa: S311  (spreads processes, guards nothing)

    async def _listen(self) -> None:
        async with await psycopg.AsyncConnection.connect(**_parameters(), autocommit=True) as heard:
            await heard.execute(f"LISTEN {events.CHANNEL}")
            self.listening = True
            await self.look()
            self.wake_all()
            while True:
                async for _ in heard.notifies(timeout=POLL, stop_after=1):
                    await asyncio.sleep(GATHER)
                async for _ in heard.notifies(timeout=0):
                    pass
                await self.look()

    def _forget(self, stream: str, waiter: Waiter) -> None:
        waiters = self._waiting[stream]
        waiters.discard(waiter)
        if not waiters:
            del self._waiting[stream]


def _head() -> int:
    try:
        return events.head()
    finally:
        connection.close()


def _news(after: int) -> tuple[int, dict[str, int]]:
    """The head, and the last position of every stream that moved since ``after``."""
    moved: dict[str, int] = {}
    try:
        events.sequence()
        for (tenant, application), position in events.news(after=after).items():
            for stream in (f"tenant:{tenant}", f"application:{application}" if application else ""):
                moved[stream] = max(position, moved.get(stream, 0))
        # Without news the head stays: one that was read now could lie past an event that nobody was told of.
        head = max(moved.values(), default=0) or min(after, events.head())
    finally:
        connection.close()
    moved.pop("", None)
    return head, moved


def _parameters() -> dict[str, Any]:
    """How to reach the database past a pooler that hands connections around."""
    wrapper = connections["default"]
    if settings.DATABASE_DIRECT:
        options = settings.DATABASE_DIRECT.get("OPTIONS", {})
        wrapper = type(wrapper)({**wrapper.settings_dict, **settings.DATABASE_DIRECT, "OPTIONS": options})
    known: dict[str, Any] = wrapper.get_connection_params()
    given = {name: value for name, value in known.items() if name not in _OURS}
    return {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, **given}
