"""Asking together: who comes while a question is on its way waits, and the next is asked for all who wait.

Many threads that ask the database one by one cost as many round trips, and its processes push each other off
the processor. Nothing is answered by what was asked before it came: a question begins after the last of those
that it is asked for.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence

import psycopg

from accesscontrol.oauth.short.versions import Look, Seen

PATIENCE = 0.02  # seconds; a question that takes longer is not waited for by those who come later
LONGEST = 3.0  # seconds that anybody waits for an answer
Ask = Callable[[Sequence[Look]], Mapping[Look, Seen]]


class _Place:
    """One who waits. ``turn`` is let go of when he is answered, or is to ask."""

    __slots__ = ("asks", "look", "seen", "turn")

    def __init__(self, look: Look) -> None:
        self.look = look
        self.seen: Seen | None = None
        self.asks = False
        self.turn = threading.Lock()
        self.turn.acquire()


class Together:
    """One of those who wait asks for all of them, by ``ask``; ``most`` questions are on their way at once."""

    def __init__(self, ask: Ask, *, most: int) -> None:
        self._ask, self._most = ask, most
        self._changing = threading.Lock()
        self._waiting: deque[_Place] = deque()
        self._asking = 0
        self._newest = 0.0  # when the last question began

    def read(self, look: Look) -> Seen:
        """:class:`psycopg.Error` where there is no answer, whoever asked."""
        mine = _Place(look)
        with self._changing:
            mine.asks = self._begins()
            if not mine.asks:
                self._waiting.append(mine)
        if not mine.asks:
            self._wait(mine)
        if mine.asks:
            self._ask_for_all(mine)
        if mine.seen is None:
            raise psycopg.OperationalError("The question of another failed.")
        return mine.seen

    def _begins(self) -> bool:
        """Whether a question may begin now; then it has."""
        now = time.monotonic()
        if self._asking and (self._asking >= self._most or now - self._newest < PATIENCE):
            return False
        self._asking, self._newest = self._asking + 1, now
        return True

    def _wait(self, mine: _Place) -> None:
        """Until he is answered or is to ask."""
        until = time.monotonic() + LONGEST
        while not mine.turn.acquire(timeout=PATIENCE):
            with self._changing:
                if mine.asks:
                    return
                waits = mine in self._waiting  # else another has begun to ask for him
                late = time.monotonic() >= until
                if waits and (late or self._begins()):
                    self._waiting.remove(mine)
                    mine.asks = not late
                    return
            if late:
                return

    def _ask_for_all(self, mine: _Place) -> None:
        with self._changing:
            those = [mine, *self._waiting]
            self._waiting.clear()
        found: Mapping[Look, Seen] = {}
        try:
            found = self._ask([*{each.look: None for each in those}])
        finally:
            self._hand_on()
            for each in those:
                each.seen = found.get(each.look)
                if each is not mine:
                    each.turn.release()

    def _hand_on(self) -> None:
        """The next question is asked by the one who has waited longest."""
        with self._changing:
            self._asking -= 1
            if self._waiting and self._begins():
                following = self._waiting.popleft()
                following.asks = True
                following.turn.release()
