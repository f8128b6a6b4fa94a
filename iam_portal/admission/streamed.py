"""Answers that are sent while they are made, or are too large to be sent at once: each keeps a thread."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from iam_portal import limits
from iam_portal.admission.turns import Refused

LONGEST_SENT = 600.0  # seconds from the first piece to the last


class ReadTooSlowly(Exception):
    """The reader had his time. Half of an answer must not look like all of it: the connection breaks."""


class Readers:
    """Of ``threads``, half may send to readers: a fourth to those of one tenant, an eighth to one caller.

    The last fourth of that half is for tenants that have no reader. Who reads slowly, or not at all,
    keeps so many threads and no more; those who want tokens find the others free.
    """

    def __init__(self, *, threads: int) -> None:
        self._of_one, self._of_tenant = max(1, threads // 8), max(1, threads // 4)
        self._of_all = max(2, threads // 2)
        self._kept = max(1, self._of_all // 4)
        self._changing = threading.Lock()
        self._held = Counter[str]()
        self._callers = Counter[tuple[str, str]]()

    @contextmanager
    def one(self, whose: str, caller: str) -> Iterator[None]:
        """A place while something is sent. :class:`Refused` where there is none."""
        with self._changing:
            all_of_them, own = self._held.total(), self._held[whose]
            free = all_of_them < self._of_all - (self._kept if own else 0)
            if not free or own >= self._of_tenant or self._callers[whose, caller] >= self._of_one:
                raise Refused("too_many_readers", 5)
            self._held[whose] += 1
            self._callers[whose, caller] += 1
        try:
            yield
        finally:
            with self._changing:
                self._held[whose] -= 1
                self._callers[whose, caller] -= 1
                self._held += Counter()  # nobody is remembered who has none
                self._callers += Counter()


class Held:
    """What a request holds: its place, given back at the end, and seldom more."""

    __slots__ = ("_give_back", "_more")

    def __init__(self, give_back: Callable[[], None]) -> None:
        self._give_back: Callable[[], None] | None = give_back
        self._more: ExitStack | None = None

    def enter(self, more: AbstractContextManager[object]) -> None:
        """Held until the end, too."""
        if self._more is None:
            self._more = ExitStack()
        self._more.enter_context(more)

    def close(self) -> None:
        """All of it; a second time does nothing more."""
        give_back, self._give_back = self._give_back, None
        try:
            if self._more is not None:
                self._more.close()
        finally:
            if give_back is not None:
                give_back()


class Streamed:
    """Holds what the request holds until the last of it is sent, the other end went away, or time is over."""

    def __init__(self, answer: Iterable[bytes], held: Held) -> None:
        self._answer, self._held = answer, held

    def __iter__(self) -> Iterator[bytes]:
        until = time.monotonic() + LONGEST_SENT
        for piece in self._answer:
            if time.monotonic() > until:
                limits.refused("slow_reader")
                raise ReadTooSlowly(f"Not read within {LONGEST_SENT:.0f} s; the connection is broken off.")
            yield piece

    def close(self) -> None:
        """As WSGI says it; a second time does nothing more."""
        try:
            if (close := getattr(self._answer, "close", None)) is not None:
                close()
        finally:
            self._held.close()

    def __del__(self) -> None:
        """A server that forgets to close it must not keep the place for ever."""
        self._held.close()
