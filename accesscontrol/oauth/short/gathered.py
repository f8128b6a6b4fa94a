"""Asking together where one thread answers many requests (:mod:`iam_portal.apart`): as
:mod:`accesscontrol.oauth.short.together`, without a thread for each of those who wait.
"""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import psycopg

from accesscontrol.oauth.short.together import PATIENCE, Ask
from accesscontrol.oauth.short.versions import Look, Seen
from iam_portal import apart

_Those = list[tuple[Look, "asyncio.Future[Seen]"]]


class Gathered:
    """Who comes while a question is on its way waits for the next; ``most`` are on their way at once.

    A question begins after the last of those that it is asked for. One that takes longer than
    :data:`~accesscontrol.oauth.short.together.PATIENCE` is not waited for by those who come later.
    """

    def __init__(self, ask: Ask, *, most: int) -> None:
        self._ask, self._most = ask, most
        self._threads = ThreadPoolExecutor(most, thread_name_prefix="confirming")
        self._waiting: _Those = []
        self._asking = 0
        self._newest = 0.0

    def read(self, look: Look) -> Seen:
        """:class:`psycopg.Error` where there is no answer."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Seen] = loop.create_future()
        self._waiting.append((look, answer))
        if len(self._waiting) == 1:  # with all who come in the same turn of the loop
            loop.call_soon(self._begin)
        return apart.awaited(answer)

    def _begin(self) -> None:
        now = time.monotonic()
        late = now - self._newest >= PATIENCE
        if not self._waiting or self._asking >= self._most or (self._asking and not late):
            return
        those, self._waiting = self._waiting, []
        self._asking, self._newest = self._asking + 1, now
        loop = asyncio.get_running_loop()
        asked = loop.run_in_executor(self._threads, self._ask, [*{look: None for look, _ in those}])
        asked.add_done_callback(partial(self._end, those))
        loop.call_later(PATIENCE, self._begin)

    def _end(self, those: _Those, asked: "asyncio.Future[dict[Look, Seen]]") -> None:
        self._asking -= 1
        failed = asked.cancelled() or asked.exception() is not None
        found = {} if failed else asked.result()
        for look, answer in those:
            if answer.done():  # nobody waits for it any more
                continue
            if (seen := found.get(look)) is not None:
                answer.set_result(seen)
            else:
                answer.set_exception(psycopg.OperationalError("The version could not be read."))
        self._begin()
