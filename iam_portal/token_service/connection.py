"""One connection, kept from request to request (RFC 9112 §9.3): read within limits of size and time."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Protocol, cast

import structlog

from iam_portal import admission
from iam_portal.apart import Stack, whole
from iam_portal.live import wire
from iam_portal.live.connection import notice_the_dead
from iam_portal.live.wire import Asked, Refused
from iam_portal.token_service import requests

log = structlog.get_logger("iam.tokens")

HELD = wire.MOST_BYTES + requests.MOST_BODY  # bytes of requests that wait behind one that is answered
UNREAD = 65_536  # bytes of answers that lie here before no further request is answered
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Service(Protocol):
    """Of all connections of the process."""

    stopping: bool

    def admits(self, connection: "Connection") -> bool: ...

    def lost(self, connection: "Connection") -> None: ...

    def stack(
        self, work: Callable[[], list[bytes]], ended: Callable[..., None], environ: dict[str, Any]
    ) -> Stack: ...

    def app(self, environ: dict[str, object], start: Callable[..., object]) -> list[bytes]: ...


class Connection(asyncio.Protocol):
    """One request after the other: what follows waits until the one before is answered."""

    transport: asyncio.Transport

    def __init__(self, service: Service) -> None:
        self._service = service
        self._buffer = bytearray()
        self._head: tuple[str, Asked, int, bool] | None = None  # method, what, length, whether it is the last
        self._said: tuple[str, list[tuple[str, str]]] | None = None
        self.is_answering = self._is_full = False
        self._is_held = False  # nothing more is read from it
        self.since = time.monotonic()  # nothing has happened
        self.peer = ""

    @property
    def is_idle(self) -> bool:
        """Between two requests."""
        return not self.is_answering and not self._buffer and self._head is None

    @property
    def is_owed(self) -> bool:
        """Whether the other end owes something: the rest of a request, or taking an answer."""
        return self._is_full or not (self.is_answering or self.is_idle)

    # --- what the loop calls --------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=UNREAD)
        notice_the_dead(self.transport.get_extra_info("socket"))
        name = self.transport.get_extra_info("peername")
        self.peer = str(name[0]) if name else ""
        if not self._service.admits(self):
            self._refuse(Refused(503, "busy", "Too many are connected. Try again later.", wait=5))

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self.is_idle:
            self.since = time.monotonic()
        self._buffer += data
        self._next()

    def eof_received(self) -> bool:
        """Who sends no more may still read what is answered."""
        if self.is_answering:
            self._is_last()
            return True
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._service.lost(self)

    def pause_writing(self) -> None:
        self._is_full, self.since = True, time.monotonic()

    def resume_writing(self) -> None:
        self._is_full = False
        self._next()

    # --- requests -------------------------------------------------------------------------------------

    def _next(self) -> None:
        """Who sends more than can be answered is read no further meanwhile."""
        self._go_on()
        much = len(self._buffer) > (wire.MOST_BYTES if self.is_answering else HELD)
        if much != self._is_held and not self.transport.is_closing():
            self._is_held = much
            (self.transport.pause_reading if much else self.transport.resume_reading)()

    def _go_on(self) -> None:
        """The next request, if it is there as a whole and nothing is in its way."""
        if self.is_answering or self._is_full or self.transport.is_closing():
            return
        try:
            if self._head is None and not self._read_head():
                return
            assert self._head is not None
            method, asked, length, _ = self._head
            if len(self._buffer) < length:
                return
        except Refused as refused:
            self._refuse(refused)
            return
        body = bytes(self._buffer[:length])
        del self._buffer[:length]
        self._answer(method, asked, body)

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end > wire.MOST_BYTES or (end < 0 and len(self._buffer) > wire.MOST_BYTES):
            raise Refused(431, "too_large", "The request is too large.")
        if end < 0:
            return False
        method, asked, is_newer = wire.parsed(bytes(self._buffer[:end]))
        length = requests.sound(method, asked)
        del self._buffer[: end + 4]
        words = asked.fields.get("connection", "").lower()
        last = not is_newer or "close" in words
        self._head = (method, asked, length, last)
        if (
            is_newer
            and len(self._buffer) < length
            and asked.fields.get("expect", "").lower() == "100-continue"
        ):
            self.transport.write(_CONTINUE)
        return True

    def _answer(self, method: str, asked: Asked, body: bytes) -> None:
        self.is_answering, self._said = True, None
        environ = requests.environ(method, asked, body, self.peer)
        service = self._service
        service.stack(lambda: whole(service.app, environ, self._start), self._ended, environ).begin()

    def _start(self, status: str, headers: list[tuple[str, str]], *_more: object) -> None:
        self._said = (status, headers)

    def _ended(self, body: list[bytes] | None, error: BaseException | None) -> None:
        assert self._head is not None
        method, _, _, last = self._head
        self._head, self.is_answering, self.since = None, False, time.monotonic()
        if self.transport.is_closing():  # the other end has gone
            return
        try:
            if error is not None:
                raise error
            if self._said is None:
                raise RuntimeError("The application said no status.")
            status, fields = self._said
            last = last or self._service.stopping or ("Connection", "close") in fields
            whole_body = b"".join(body or ())
            said = requests.answer(status, fields, whole_body, last=last, only_head=method == "HEAD")
        except admission.Refused as refused:  # in front of which there is no door: a probe
            self._refuse(Refused(503, refused.limit, "It is busy. Try again later.", wait=refused.wait))
            return
        except BaseException as broken:  # whatever it is: the loop has others to answer
            log.error("tokens.broken", exc_info=broken)
            self._refuse(Refused(500, "internal_error", "Something went wrong here."))
            return
        self.transport.write(said)
        if last:
            self.transport.close()
        elif self._buffer:  # not from here: as many as were sent at once would each stand on the one before
            asyncio.get_running_loop().call_soon(self._next)

    def _is_last(self) -> None:
        """After the request that is being answered the connection is closed."""
        if self._head is not None:
            self._head = (*self._head[:3], True)

    def _refuse(self, refused: Refused) -> None:
        """What was sent cannot be trusted to be where the next request begins: the connection ends."""
        self.transport.write(wire.refusal(refused))
        self.transport.close()
