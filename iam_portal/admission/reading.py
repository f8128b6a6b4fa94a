"""Bodies that are on their way: each keeps a thread until it is there."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from iam_portal.admission.turns import Refused

SLOW = 1.0  # seconds after which a body counts as one that comes slowly


class Unread:
    """Of ``threads``, an eighth may wait for slow bodies of one address, and half for those of all strangers.

    The address is the peer's, maybe a proxy's: one that sends bodies on when it has them is never slow.
    """

    def __init__(self, *, threads: int) -> None:
        self._of_one, self._of_all = max(1, threads // 8), max(1, threads // 2)
        self._changing = threading.Lock()
        self._begun: dict[str, list[float]] = {}

    @contextmanager
    def reading(self, address: str, *, stranger: bool) -> Iterator[None]:
        """While a body is read. :class:`Refused` where too many are slow already."""
        now = time.monotonic()
        with self._changing:
            own = self._slow(self._begun.get(address, []), now)
            if own >= self._of_one or (stranger and self._slow_of_all(now) >= self._of_all):
                raise Refused("unread_bodies", 5)
            self._begun.setdefault(address, []).append(now)
        try:
            yield
        finally:
            with self._changing:
                begun = self._begun[address]
                begun.remove(now)
                if not begun:
                    del self._begun[address]

    def _slow(self, begun: list[float], now: float) -> int:
        return sum(1 for each in begun if now - each > SLOW)

    def _slow_of_all(self, now: float) -> int:
        return sum(self._slow(begun, now) for begun in self._begun.values())
