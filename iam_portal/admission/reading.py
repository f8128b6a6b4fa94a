"""Bodies that are on their way: each keeps a thread until it is there, and a large one a file."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from io import BytesIO
from tempfile import TemporaryFile
from typing import IO

from iam_portal.admission.turns import Refused

SLOW = 1.0  # seconds after which a body counts as one that comes slowly
LONGEST_READ = 65_536  # bytes of a body that is held in memory; what is larger waits for its turn in a file


class Unread:
    """Of ``threads``, an eighth may wait for slow bodies of one address, and half for those of all strangers.

    The address is the peer's, maybe a proxy's: one that sends bodies on when it has them is never slow.
    Files are kept for a fourth of the threads: half of them for one tenant, or for all strangers, of whom one
    address has a fourth.
    """

    def __init__(self, *, threads: int) -> None:
        self._of_one, self._of_all = max(1, threads // 8), max(1, threads // 2)
        self._changing = threading.Lock()
        self._begun: dict[str, list[float]] = {}
        self._files, self._large = max(4, threads // 4), Counter[tuple[bool, str]]()

    def begin(self, address: str, *, stranger: bool) -> float:
        """A body is read; the moment. :class:`Refused` where too many are slow already."""
        now = time.monotonic()
        with self._changing:
            own = self._slow(self._begun.get(address, ()), now)
            if own >= self._of_one or (stranger and self._slow_of_all(now) >= self._of_all):
                raise Refused("unread_bodies", 5)
            self._begun.setdefault(address, []).append(now)
        return now

    def end(self, address: str, moment: float) -> None:
        """The one that was begun then is there, or will not come."""
        with self._changing:
            begun = self._begun[address]
            begun.remove(moment)
            if not begun:
                del self._begun[address]

    @contextmanager
    def large(self, whose: str, *, stranger: bool) -> Iterator[None]:
        """While a body is held in a file. ``whose``: a tenant, or the address of a stranger."""
        key, half = (stranger, whose), self._files // 2
        with self._changing:
            kind = sum(number for (strange, _), number in self._large.items() if strange) if stranger else 0
            own = self._large[key]
            if self._large.total() >= self._files or own >= (half // 2 if stranger else half) or kind >= half:
                raise Refused("unread_bodies", 5)
            self._large[key] += 1
        try:
            yield
        finally:
            with self._changing:
                self._large[key] -= 1
                self._large += Counter()  # nobody is remembered who has none

    def _slow(self, begun: Sequence[float], now: float) -> int:
        """Whoever began first is the first to be slow."""
        if not begun or now - begun[0] <= SLOW:
            return 0
        return sum(1 for each in begun if now - each > SLOW)

    def _slow_of_all(self, now: float) -> int:
        return sum(self._slow(begun, now) for begun in self._begun.values())


def taken(stream: IO[bytes], length: int) -> IO[bytes]:
    """The whole body, to be read from its beginning. :class:`Refused` where it breaks off."""
    if length <= LONGEST_READ:
        body = stream.read(length)
        if len(body) < length:  # the other end went away: half of a form could be another form
            raise Refused("broken_body")
        return BytesIO(body)
    with ExitStack() as opened:
        try:
            file: IO[bytes] = opened.enter_context(TemporaryFile())
            left = length
            while left:
                piece = stream.read(min(left, LONGEST_READ))
                if not piece:
                    raise Refused("broken_body")
                left -= file.write(piece)
            file.seek(0)
        except OSError:  # no room for it
            raise Refused("portal_busy", 5) from None
        opened.pop_all()  # whoever reads it closes it
        return file
