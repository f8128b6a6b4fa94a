"""In front of the threads of a process: who finds none free waits in line, for so long and not for ever.

Callers are served in turns, so that none is behind all that another has asked. Only the loop comes here:
nothing is locked.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from iam_portal import tracing
from iam_portal.admission import CALLER, WAITED, Refused
from iam_portal.apart import awaited

T = TypeVar("T")
AGAIN = 5  # seconds after which who was refused may come again


class Line:
    """``most`` wait, and nobody longer than ``longest`` seconds in all, however often. It is for one loop."""

    def __init__(self, threads: int, *, most: int, longest: float) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="request")
        self._free, self._most, self._longest = threads, most, longest
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}  # by callers, in the order of their turns
        self.waiting = 0

    def run(self, work: Callable[[], T], environ: dict[str, Any]) -> T:
        """What it returns in a thread. :class:`Refused` where none was free in time: nothing was begun."""
        if self._free:
            self._free -= 1
        else:
            self._wait(environ)
        try:
            return awaited(asyncio.get_running_loop().run_in_executor(self._threads, work))
        finally:
            self._hand_on()

    def close(self) -> None:
        """Nobody waits any longer. What runs in a thread goes on."""
        for each in self._waiting.values():
            for one in each:
                one.cancel()
        self._waiting.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _wait(self, environ: dict[str, Any]) -> None:
        """Known callers by what they proved; all else by where it comes from: that cannot be made up."""
        caller = environ.get(CALLER) or tracing.source_of(environ)
        waited = environ.get(WAITED, 0.0)
        self._make_room(caller)
        loop = asyncio.get_running_loop()
        one: asyncio.Future[None] = loop.create_future()
        self._waiting.setdefault(caller, deque()).append(one)
        self.waiting += 1
        began = loop.time()
        patience = loop.call_later(max(0.0, self._longest - waited), self._refuse, caller, one)
        try:
            awaited(one)
        finally:
            patience.cancel()
            environ[WAITED] = waited + loop.time() - began

    def _make_room(self, caller: str) -> None:
        """Where all places are taken, the last of whoever has most gives way to a caller that has fewer."""
        if self.waiting < self._most:
            return
        greatest = max(self._waiting, key=lambda each: len(self._waiting[each]))
        if len(self._waiting[greatest]) <= len(self._waiting.get(caller, ())) + 1:
            raise Refused("portal_busy", AGAIN)
        self._refuse(greatest, self._waiting[greatest][-1])

    def _refuse(self, caller: str, one: "asyncio.Future[None]") -> None:
        if one.done():  # it has its thread, and goes on in this turn of the loop
            return
        theirs = self._waiting[caller]
        theirs.remove(one)
        if not theirs:
            del self._waiting[caller]
        self.waiting -= 1
        one.set_exception(Refused("portal_busy", AGAIN))

    def _hand_on(self) -> None:
        """The thread is the next one's: a caller that had it goes to the end."""
        if not self._waiting:
            self._free += 1
            return
        caller = next(iter(self._waiting))
        theirs = self._waiting.pop(caller)
        one = theirs.popleft()
        if theirs:
            self._waiting[caller] = theirs
        self.waiting -= 1
        one.set_result(None)
