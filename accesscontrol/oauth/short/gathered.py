"""Asking together where one thread answers many requests (:mod:`iam_portal.apart`): as
:mod:`accesscontrol.oauth.short.together`, without a thread for each of those who wait.
"""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain

import psycopg

from accesscontrol.oauth.short.together import LONGEST, PATIENCE, Ask
from accesscontrol.oauth.short.versions import Look, Seen
from iam_portal import apart


@dataclass(slots=True, eq=False)
class _One:
    """One who waits, since when, and where he gets his answer."""

    look: Look
    answer: "asyncio.Future[Seen]"
    since: float


class Gathered:
    """Who comes while a question is on its way waits for the next; ``most`` are on their way at once.

    A question begins after the last of those that it is asked for. One that takes longer than ``PATIENCE`` is
    not waited for by those who come later, and nobody waits longer than ``LONGEST`` for his own.
    """

    def __init__(self, ask: Ask, *, most: int) -> None:
        self._ask, self._most = ask, most
        self._threads = ThreadPoolExecutor(most, thread_name_prefix="confirming")
        self._waiting: list[_One] = []
        self._asked: dict[asyncio.Future[Mapping[Look, Seen]], list[_One]] = {}  # on their way
        self._newest = 0.0
        self._is_watched = False

    def read(self, look: Look) -> Seen:
        """:class:`psycopg.Error` where there is no answer."""
        loop = asyncio.get_running_loop()
        one = _One(look, loop.create_future(), loop.time())
        self._waiting.append(one)
        if len(self._waiting) == 1:  # with all who come in the same turn of the loop
            loop.call_soon(self._begin)
        if not self._is_watched:
            self._is_watched = True
            loop.call_later(PATIENCE, self._watch)
        return apart.awaited(one.answer)

    def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        late = now - self._newest >= PATIENCE
        if not self._waiting or len(self._asked) >= self._most or (self._asked and not late):
            return
        those, self._waiting, self._newest = self._waiting, [], now
        asked = loop.run_in_executor(self._threads, self._ask, [*{one.look: None for one in those}])
        self._asked[asked] = those
        asked.add_done_callback(self._end)

    def _end(self, asked: "asyncio.Future[Mapping[Look, Seen]]") -> None:
        those = self._asked.pop(asked)
        failed = asked.cancelled() or asked.exception() is not None
        found = {} if failed else asked.result()
        for one in those:
            _tell(one, found.get(one.look))
        self._begin()

    def _watch(self) -> None:
        """While anybody waits: by the loop's own timers, which may come a little early."""
        loop = asyncio.get_running_loop()
        begun = loop.time() - LONGEST
        for one in (*self._waiting, *chain.from_iterable(self._asked.values())):
            if one.since < begun:
                _tell(one, None)
        self._waiting = [one for one in self._waiting if not one.answer.done()]
        self._begin()
        self._is_watched = bool(self._waiting or self._asked)
        if self._is_watched:
            loop.call_later(PATIENCE, self._watch)


def _tell(one: _One, seen: Seen | None) -> None:
    if one.answer.done():  # he was told already, or waits no longer
        return
    if seen is not None:
        one.answer.set_result(seen)
    else:
        one.answer.set_exception(psycopg.OperationalError("The version could not be read."))
