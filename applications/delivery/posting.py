"""One request to a webhook: to an address that was checked, in bounded time, following nothing."""

import ssl
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from socket import SHUT_RDWR, socket
from typing import Any

import urllib3
from django.conf import settings
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from applications.delivery.addresses import AddressRefused, IPAddress, Receiver, receiver, resolve

MOST_READ = 4096  # bytes of the reply, which are thrown away
MOST_ADDRESSES = 3  # of one name, tried one after the other until one accepts a connection


@dataclass(frozen=True, slots=True)
class Reply:
    """How it went. ``status`` is None when none came, and ``error`` then says why."""

    status: int | None
    error: str
    retry_after: str
    milliseconds: int

    @property
    def delivered(self) -> bool:
        """2xx is yes; everything else is no, also a redirect: it is never followed."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def slow(self) -> bool:
        """So long that others are not to wait behind it: it goes where those are that fail."""
        return self.milliseconds > settings.WEBHOOK_SLOW_SECONDS * 1000

    @property
    def gone(self) -> bool:
        """The receiver wants no more (410, as Standard Webhooks has it)."""
        return self.status == 410


class _Deadline:
    """Cuts the connection when the time is over: a time-out alone begins anew with every byte."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._sockets: list[socket] = []

    @property
    def left(self) -> float:
        return max(self._end - time.monotonic(), 0.01)

    @property
    def over(self) -> bool:
        return time.monotonic() >= self._end

    def watch(self, connected: socket) -> None:
        # A copy: the TLS handshake takes the first one over, and may be the part that never ends.
        self._sockets.append(connected.dup())

    def _cut(self) -> None:
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(SHUT_RDWR)

    def __enter__(self) -> "_Deadline":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        for each in self._sockets:
            each.close()


class _Plain(HTTPConnection):
    deadline: _Deadline

    def _new_conn(self) -> socket:
        made: socket = super()._new_conn()
        self.deadline.watch(made)
        return made


class _Secure(HTTPSConnection):
    deadline: _Deadline

    def _new_conn(self) -> socket:
        made: socket = super()._new_conn()
        self.deadline.watch(made)
        return made


def post(url: str, *, body: bytes, headers: Mapping[str, str]) -> Reply:
    """Send it once. Every way in which it can fail is an answer, none is an exception."""
    began = time.monotonic()
    status, error, retry_after = None, "", ""
    with _Deadline(settings.WEBHOOK_WHOLE_SECONDS) as deadline:
        try:
            to = receiver(url)
            status, retry_after = _ask(to, _resolved(to, deadline), body, headers, deadline)
        except AddressRefused as refused:
            error = refused.word
        except Exception as failure:
            error = "timed_out" if deadline.over else _word(failure)
    milliseconds = round((time.monotonic() - began) * 1000)
    return Reply(status, error, retry_after, milliseconds)


def _resolved(to: Receiver, deadline: _Deadline) -> list[IPAddress]:
    """Looked up in time, or TimeoutError.

    Nothing cuts a look-up short, and whose name it is decides how long its servers take. So a thread of its
    own asks, which is left behind when it takes too long: no pool, that slow names could fill.
    """
    found: Future[list[IPAddress]] = Future()

    def look() -> None:
        try:
            found.set_result(resolve(to))
        except Exception as failure:
            found.set_exception(failure)

    threading.Thread(target=look, name="webhook-name", daemon=True).start()
    return found.result(timeout=deadline.left)


def _ask(
    to: Receiver, addresses: list[IPAddress], body: bytes, headers: Mapping[str, str], deadline: _Deadline
) -> tuple[int, str]:
    """The status and what ``Retry-After`` says."""
    connection = _connected(to, addresses, deadline)
    try:
        connection.timeout = deadline.left
        if connection.sock is not None:
            connection.sock.settimeout(deadline.left)
        sent = {"host": to.authority, "user-agent": "iam-portal-webhooks", **headers}
        connection.request("POST", to.target, body=body, headers=sent, preload_content=False)
        reply = connection.getresponse()
        if deadline.over:  # a head that was cut in two reads like a whole one
            raise TimeoutError
        with suppress(HTTPError, OSError):  # the status is the answer, whatever follows it
            reply.read(MOST_READ, decode_content=False)
        return reply.status, str(reply.headers.get("retry-after", ""))[:64]
    finally:
        connection.close()


def _connected(to: Receiver, addresses: list[IPAddress], deadline: _Deadline) -> HTTPConnection:
    """Connected to the first of the addresses that answers. No name is looked up any more, no proxy asked."""
    failure: Exception = NewConnectionError(None, "no address")  # type: ignore[arg-type]
    for address in addresses[:MOST_ADDRESSES]:
        connection = _connection(to, address, min(settings.WEBHOOK_CONNECT_SECONDS, deadline.left))
        connection.deadline = deadline
        try:
            connection.connect()
        except (NewConnectionError, ConnectTimeoutError) as error:
            failure = error
            connection.close()
            continue
        except BaseException:
            connection.close()
            raise
        return connection
    raise failure


def _connection(to: Receiver, address: IPAddress, seconds: float) -> Any:
    if not to.secure:
        return _Plain(str(address), to.port, timeout=seconds)
    return _Secure(
        str(address),
        to.port,
        timeout=seconds,
        ssl_context=_context(),
        server_hostname=to.host,  # asked for by SNI, and what the certificate must be for
    )


@cache
def _context() -> ssl.SSLContext:
    """The system's authorities, or those of ``SSL_CERT_FILE``; read once, it is costly."""
    return ssl.create_default_context()


def _word(failure: Exception) -> str:
    """Our own words: what a library says may quote addresses and answers."""
    if isinstance(failure, ssl.SSLError | urllib3.exceptions.SSLError):
        return "tls_failed"
    if isinstance(failure, NewConnectionError):  # it calls itself a time-out, too
        return "connect_failed"
    if isinstance(failure, TimeoutError | urllib3.exceptions.TimeoutError):
        return "timed_out"
    return "broken_off"
