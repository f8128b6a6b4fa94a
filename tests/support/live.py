"""The event service in a thread of its own, and readers of it: pages that wait, and streams."""

import asyncio
import http.client
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from iam_portal.live.server import serving
from iam_portal.live.streams import Service

PATIENCE = 15.0  # longer than anything here takes on a busy machine


@dataclass
class Reply:
    """A whole answer."""

    status: int
    fields: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed


@dataclass
class Sent:
    """One server-sent event; an empty ``data`` where only the position went on."""

    event: str = ""
    id: str = ""
    data: dict[str, Any] = field(default_factory=dict)


class Stream:
    """An open ``text/event-stream``."""

    def __init__(self, port: int, path: str, headers: Mapping[str, str]) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self._connection.request("GET", path, headers={"Accept": "text/event-stream", **headers})
        self.reply = self._connection.getresponse()
        self.status = self.reply.status
        self.last = ""

    def blocks(self) -> Iterator[Sent]:
        """Each block until the stream ends; comments alone are none."""
        sent = Sent()
        for raw in self.reply:
            line = raw.decode().rstrip("\n")
            name, _, value = line.partition(": ")
            if name in ("event", "id"):
                setattr(sent, name, value)
            elif name == "data":
                sent.data = json.loads(value)
            elif not line and sent != Sent():
                self.last = sent.id or self.last
                yield sent
                sent = Sent()

    def events(self) -> Iterator[Sent]:
        return (sent for sent in self.blocks() if sent.event)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.reply.close()
        self._connection.close()


class Live:
    """A running service."""

    service: Service
    port: int

    def get(self, path: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, headers=dict(headers or {}))
            reply = connection.getresponse()
            return Reply(reply.status, reply.headers, reply.read())
        finally:
            connection.close()

    def raw(self, sent: bytes) -> bytes:
        """Whatever comes back for these bytes, until the connection ends."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as stranger:
            stranger.sendall(sent)
            got = b""
            try:
                while piece := stranger.recv(65_536):
                    got += piece
            except ConnectionError:
                pass
            return got

    def stream(self, path: str, headers: Mapping[str, str]) -> Stream:
        return Stream(self.port, path, headers)

    def stop(self) -> None:
        """As at SIGTERM."""
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    def start(self) -> Self:
        ready = threading.Event()

        async def main() -> None:
            self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
            async with serving("127.0.0.1", 0) as (self.service, self.port):
                while not self.service.hub.listening:
                    await asyncio.sleep(0.01)
                ready.set()
                await self._end.wait()

        self._thread = threading.Thread(target=lambda: asyncio.run(main()))
        self._thread.start()
        assert ready.wait(PATIENCE)
        return self


@contextmanager
def running() -> Iterator[Live]:
    """Until the end of the block."""
    live = Live().start()
    try:
        yield live
    finally:
        live.stop()
