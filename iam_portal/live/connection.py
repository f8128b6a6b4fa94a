"""One connection: a request, read within limits of size and time, and an answer that waits for its reader."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from iam_portal.live import wire
from iam_portal.live.wire import Asked, Refused

log = structlog.get_logger("iam.live")

HEAD_SECONDS = 10.0  # to send the request
SLOW_SECONDS = 15.0  # to take what was sent; whoever takes longer is dropped
PIECE = 65_536  # what lies here for a slow reader is never more than twice this
_PROBES = (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))


class Connection(asyncio.Protocol):
    """``serve`` is called with the request; ``opened`` says whether there is room for one more."""

    transport: asyncio.Transport

    def __init__(
        self,
        serve: Callable[["Connection", Asked], Awaitable[None]],
        opened: Callable[["Connection"], bool],
        closed: Callable[["Connection"], None],
    ) -> None:
        self._serve, self._opened, self._closed = serve, opened, closed
        self._head = bytearray()
        self._late: asyncio.TimerHandle | None = None
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.task: asyncio.Task[None] | None = None

    @property
    def peer(self) -> str:
        name = self.transport.get_extra_info("peername")
        return str(name[0]) if name else ""

    async def send(self, data: bytes) -> None:
        """Piece by piece, as the reader takes it; ConnectionAbortedError when he does not."""
        view = memoryview(data)
        for begin in range(0, len(data), PIECE):
            self.transport.write(view[begin : begin + PIECE])
            try:
                async with asyncio.timeout(SLOW_SECONDS):
                    await self._flowing.wait()
            except TimeoutError:
                self.transport.abort()
                raise ConnectionAbortedError("The reader takes nothing.") from None

    # --- what the loop calls --------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.set_write_buffer_limits(high=PIECE)
        notice_the_dead(transport.get_extra_info("socket"))
        if self._opened(self):
            self._late = asyncio.get_running_loop().call_later(HEAD_SECONDS, self._refuse_late)
        else:
            self._refuse(Refused(503, "busy", "Too many are connected. Try again later.", wait=5))

    def data_received(self, data: bytes) -> None:
        if self.task is not None:  # nothing may follow a request here
            self.transport.abort()
            return
        if self.transport.is_closing():
            return
        self._head += data
        head, end, rest = bytes(self._head).partition(b"\r\n\r\n")
        if len(head) > wire.MOST_BYTES:
            self._refuse(Refused(431, "too_large", "The request is too large."))
        elif end:
            self._stop_clock()
            try:
                asked = wire.read(head)
                if rest:
                    raise Refused(400, "bad_request", "One request a connection, without a body.")
            except Refused as refused:
                self._refuse(refused)
                return
            self.task = asyncio.create_task(self._answer(asked))

    def eof_received(self) -> bool:
        """Who sends no more is taken to have gone: a stream cannot be told from a forgotten one otherwise."""
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._stop_clock()
        self._flowing.set()
        if self.task is not None:
            self.task.cancel()
        self._closed(self)

    def pause_writing(self) -> None:
        self._flowing.clear()

    def resume_writing(self) -> None:
        self._flowing.set()

    async def _answer(self, asked: Asked) -> None:
        try:
            await self._serve(self, asked)
        except Refused as refused:
            refused.fields += wire.sharing(asked)
            with suppress(ConnectionError):
                await self.send(wire.refusal(refused, asked.path))
        except ConnectionError:
            pass  # the reader has gone
        except Exception:
            log.exception("live.broken")
        finally:
            self.transport.close()
            # The rest must be taken in time, too.
            asyncio.get_running_loop().call_later(SLOW_SECONDS, self.transport.abort)

    def _refuse(self, refused: Refused) -> None:
        self._stop_clock()
        self.transport.write(wire.refusal(refused))
        self.transport.close()

    def _refuse_late(self) -> None:
        self._refuse(Refused(408, "too_slow", "The request did not come in time."))

    def _stop_clock(self) -> None:
        if self._late is not None:
            self._late.cancel()


def notice_the_dead(connected: socket.socket) -> None:
    """A peer that vanished without a word frees its place within a minute."""
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _PROBES:
        if hasattr(socket, name):
            with suppress(OSError):
                connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
