"""A connection to an address that was checked, in bounded time, by no proxy."""

import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import cache
from socket import SHUT_RDWR, socket
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.response import BaseHTTPResponse

from applications.delivery.addresses import IPAddress, Receiver, resolve

MOST_ADDRESSES = 3  # of one name, tried one after the other until one accepts a connection


class Deadline:
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

    def __enter__(self) -> "Deadline":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        for each in self._sockets:
            each.close()


class _Plain(HTTPConnection):
    deadline: Deadline

    def _new_conn(self) -> socket:
        made: socket = super()._new_conn()
        self.deadline.watch(made)
        return made


class _Secure(HTTPSConnection):
    deadline: Deadline

    def _new_conn(self) -> socket:
        made: socket = super()._new_conn()
        self.deadline.watch(made)
        return made


@contextmanager
def asked(
    to: Receiver,
    deadline: Deadline,
    *,
    method: str,
    body: bytes | None,
    headers: Mapping[str, str],
    connect_seconds: float,
) -> Iterator[BaseHTTPResponse]:
    """The head of the reply; its body is yet to be read, no more of it than is wanted."""
    connection = _connected(to, _resolved(to, deadline), deadline, connect_seconds)
    reply: BaseHTTPResponse | None = None
    try:
        connection.timeout = deadline.left
        if connection.sock is not None:
            connection.sock.settimeout(deadline.left)
        sent = {"host": to.authority, **headers}
        connection.request(method, to.target, body=body, headers=sent, preload_content=False)
        reply = connection.getresponse()
        if deadline.over:  # a head that was cut in two reads like a whole one
            raise TimeoutError
        yield reply
    finally:
        if reply is not None:
            reply.close()  # it holds the socket, too
        connection.close()


def _resolved(to: Receiver, deadline: Deadline) -> list[IPAddress]:
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

    threading.Thread(target=look, name="foreign-name", daemon=True).start()
    return found.result(timeout=deadline.left)


def _connected(
    to: Receiver, addresses: list[IPAddress], deadline: Deadline, seconds: float
) -> HTTPConnection:
    """Connected to the first of the addresses that answers. No name is looked up any more, no proxy asked."""
    failure: Exception = NewConnectionError(None, "no address")  # type: ignore[arg-type]
    for address in addresses[:MOST_ADDRESSES]:
        connection = _connection(to, address, min(seconds, deadline.left))
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


def word(failure: Exception) -> str:
    """Our own words: what a library says may quote addresses and answers."""
    if isinstance(failure, ssl.SSLError | urllib3.exceptions.SSLError):
        return "tls_failed"
    if isinstance(failure, NewConnectionError):  # it calls itself a time-out, too
        return "connect_failed"
    if isinstance(failure, TimeoutError | urllib3.exceptions.TimeoutError):
        return "timed_out"
    return "broken_off"
