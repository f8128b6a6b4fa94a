"""A line to the database that is slow or breaks: what lies between machines, in one process."""

import selectors
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Self
from urllib.parse import urlsplit, urlunsplit

import environ

_READ = 65_536


class BadLine:
    """Listens at loopback and hands on to the database, each piece after ``delay`` seconds.

    ``cut`` breaks all connections off, in the middle of whatever they carry.
    """

    def __init__(self, address: str) -> None:
        """``address``: of the database, as the portal is given it."""
        self.delay = 0.0
        self._far = environ.Env.db_url_config(address)
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._by_way_of(address, self._listener.getsockname()[1])
        self._over = False

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        self.cut()

    @contextmanager
    def slow(self, seconds: float) -> Iterator[None]:
        """Meanwhile each piece takes so long, in each direction."""
        self.delay = seconds
        try:
            yield
        finally:
            self.delay = 0.0

    def cut(self) -> None:
        for each in [*self._open]:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        carrying = []
        while not self._over:
            try:
                near, _ = self._listener.accept()
            except OSError:
                break
            carrying.append(threading.Thread(target=self._carry, args=[near]))
            carrying[-1].start()
        self.cut()
        for each in carrying:
            each.join()

    def _carry(self, near: socket.socket) -> None:
        with near, self._connected() as far, selectors.DefaultSelector() as ready:
            self._open |= {near, far}
            ready.register(near, selectors.EVENT_READ, far)
            ready.register(far, selectors.EVENT_READ, near)
            with suppress(OSError):
                while all(self._handed_on(key.fileobj, key.data) for key, _ in ready.select()):
                    pass
            self._open -= {near, far}

    def _handed_on(self, source: socket.socket, target: socket.socket) -> bool:
        piece = source.recv(_READ)
        time.sleep(self.delay)
        target.sendall(piece)
        return bool(piece)

    def _connected(self) -> socket.socket:
        host = self._far["HOST"] or self._far["OPTIONS"]["host"]
        port = int(self._far["PORT"] or 5432)
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        made = socket.socket(socket.AF_UNIX)
        made.connect(f"{host}/.s.PGSQL.{port}")
        return made

    @staticmethod
    def _by_way_of(address: str, port: int) -> str:
        """The same database and login at another place."""
        parts = urlsplit(address)
        login = parts.netloc.rpartition("@")[0]
        kept = "&".join(each for each in parts.query.split("&") if each and not each.startswith("host="))
        return urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{port}", query=kept))
