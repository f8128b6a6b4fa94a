"""What is answered: a page at once, a page that waits, or a stream of events; and how many may wait."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from iam_portal.live import metering, questions, wire
from iam_portal.live.connection import Connection
from iam_portal.live.hub import Hub
from iam_portal.live.questions import Answer, Desk, Question
from iam_portal.live.wire import Asked, Refused

HEARTBEAT = 15.0
DECIDE_ANEW = 60.0  # a stream without events ends that late after the right to read it
FAULTS = 10  # so many answers of a portal that is out of order are borne by a stream
_SPARE = 200  # connections beyond the places of those who wait: for pages, refusals and probes


class Service:
    """All connections of this process."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.hub = Hub(self.desk)
        self.connections: set[Connection] = set()
        self.stopping = False
        self._places: Counter[str] = Counter()
        self._homes: Counter[str] = Counter()  # the same places, by the tenant whose caller it is
        self._unread: dict[str, set[Connection]] = {}  # by address, until the request is there

    @property
    def waiting(self) -> int:
        """How many wait for events at this moment."""
        return self._places.total()

    def connection(self) -> Connection:
        """The next one, for the server."""
        return Connection(self.serve, self._admit, self._lost)

    async def serve(self, connection: Connection, asked: Asked) -> None:
        """The whole answer to one request."""
        self._has_sent(connection)
        if asked.path == "/livez":
            await connection.send(wire.message("ok"))
            return
        if asked.path == "/readyz":
            await connection.send(wire.message("ok" if self.hub.listening else "no_database"))
            return
        if asked.path == "/metrics":
            await connection.send(metering.answer(asked, self))
            return
        question, seconds = questions.of(asked, connection.peer)
        answer = await self.desk.ask(question)
        if answer.status == 200 and asked.wants_stream:
            with self._place(answer):
                await self._stream(connection, question, answer, wire.sharing(asked))
            return
        if answer.quiet and seconds:
            with self._place(answer):
                answer = await self._wait(question, answer, seconds)
        fields = [*answer.fields, *wire.sharing(asked)]
        await connection.send(wire.reply(answer.status, fields, answer.body))

    async def _wait(self, question: Question, answer: Answer, seconds: int) -> Answer:
        """The first answer that has news, or is a refusal; at the end of the time, the one without."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not self.stopping:
            after, moved = await self.hub.wait(answer.stream, answer.after, left)
            if moved and not self.stopping:
                answer = await self.desk.ask(question.later(after))
                if not answer.quiet:
                    break
        return answer

    async def _stream(
        self, connection: Connection, question: Question, answer: Answer, sharing: list[tuple[str, str]]
    ) -> None:
        """Until the reader goes, the right to read ends, or this process does."""
        skipped = {"content-type", "content-length", "cache-control"}
        fields = [(name, value) for name, value in answer.fields if name.lower() not in skipped]
        fields += [("Content-Type", "text/event-stream"), ("X-Accel-Buffering", "no"), *sharing]
        pause = random.randint(1000, 5000)  # noqa: S311  (so that not all come back at once)
        await connection.send(wire.opening(200, fields) + f"retry: {pause}\n\n".encode())
        told = -1  # the position that the reader would resume after
        while True:
            if answer.page["items"]:
                await connection.send(answer.events)
                told = answer.page["items"][-1]["position"]
            decided, after = time.monotonic(), answer.after
            while not self.stopping and time.monotonic() - decided < DECIDE_ANEW:
                after, moved = await self.hub.wait(answer.stream, after, HEARTBEAT)
                if moved:
                    break
                # In a quiet stream the reader's position goes along with what was looked at.
                await connection.send(f":\nid: {after}\n\n".encode() if after != told else b":\n\n")
                told = after
            if self.stopping:
                return
            answer = await self._patiently(question.later(after))
            if answer.status != 200:
                await connection.send(wire.last_event(answer.body))
                return

    async def _patiently(self, question: Question) -> Answer:
        """A stream outlives a restart of the database: no event passes meanwhile."""
        for fault in range(FAULTS):
            answer = await self.desk.ask(question)
            if answer.status < 500 or self.stopping:
                break
            await asyncio.sleep(min(fault, 3) + random.random())  # noqa: S311  (spreads, guards nothing)
        return answer

    def _admit(self, connection: Connection) -> bool:
        """Room for one more connection, whoever it is: one address cannot take all by saying nothing."""
        if self.stopping or len(self.connections) >= settings.PORTAL_EVENT_STREAMS + _SPARE:
            return False
        silent = self._unread.get(connection.peer, ())
        if len(silent) >= settings.PORTAL_EVENT_UNREAD_PER_ADDRESS:
            return False
        self._unread.setdefault(connection.peer, set()).add(connection)
        self.connections.add(connection)
        return True

    def _has_sent(self, connection: Connection) -> None:
        silent = self._unread.get(connection.peer, set())
        silent.discard(connection)
        if not silent:
            self._unread.pop(connection.peer, None)

    def _lost(self, connection: Connection) -> None:
        self._has_sent(connection)
        self.connections.discard(connection)

    @contextmanager
    def _place(self, answer: Answer) -> Iterator[None]:
        """One of the places of those who wait. Counted by who calls: a new token makes no new caller.

        And by whose caller it is: applications are made in a minute, so one tenant could take every place.
        """
        caller, home = answer.caller, answer.home
        if self._places.total() >= settings.PORTAL_EVENT_STREAMS:
            raise Refused(503, "busy", "Too many wait already. Try again later.", wait=5)
        if self._places[caller] >= settings.PORTAL_EVENT_STREAMS_PER_CALLER:
            raise Refused(429, "too_many_streams", "This caller waits too often already.", wait=5)
        if self._homes[home] >= settings.PORTAL_EVENT_STREAMS_PER_TENANT:
            text = "Callers of this organization wait too often already."
            raise Refused(429, "too_many_streams", text, wait=5)
        taken = ((self._places, caller), (self._homes, home))
        for places, name in taken:
            places[name] += 1
        try:
            yield
        finally:
            for places, name in taken:
                places[name] -= 1
                if not places[name]:
                    del places[name]
