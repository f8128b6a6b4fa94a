"""Turns: many threads hold requests, few run. Whose request runs next is decided tenant by tenant."""

import threading
from collections import deque


class Refused(Exception):
    """Not let in: ``limit`` says by which limit; to come back after ``wait`` seconds, if that is of use."""

    def __init__(self, limit: str, wait: int = 0) -> None:
        super().__init__(limit)
        self.limit, self.wait = limit, wait


class _Place:
    """One request that waits. ``turn`` is let go of when it is its turn."""

    __slots__ = ("called", "turn")

    def __init__(self) -> None:
        self.turn = threading.Lock()
        self.turn.acquire()
        self.called = False


class Turns:
    """``running`` requests run at once, whoever sent them. One of a tenant of which none runs does not wait
    for those of others, up to ``most``; so whoever hangs, or floods, keeps nobody else from being served.

    ``threads`` hold requests, running ones included. The last ``kept`` are for who holds few: a tenant that
    already has as many gets none of them.
    """

    def __init__(self, *, running: int, threads: int, longest: float) -> None:
        self.running, self.most = running, 2 * running
        self.threads, self.kept = threads, threads // 4
        self.longest = longest
        self._changing = threading.Lock()
        self._run: dict[str, int] = {}
        self._running = 0
        self._waiting: dict[str, deque[_Place]] = {}  # in the order of turns
        self._held = 0

    def enter(self, whose: str) -> None:
        """Wait for the turn. :class:`Refused` where there is no place, or none came in time."""
        with self._changing:
            waiting = self._waiting.get(whose, ())
            if self._held >= self.threads - self.kept:
                held = self._run.get(whose, 0) + len(waiting)
                if self._held >= self.threads or held >= max(1, self.kept // 2):
                    raise Refused("tenant_busy", 1)
            self._held += 1
            if not waiting and self._may_run(whose):
                self._begin(whose)
                return
            place = _Place()
            self._waiting.setdefault(whose, deque()).append(place)
        if not place.turn.acquire(timeout=self.longest):
            self._give_up(whose, place)

    def leave(self, whose: str) -> None:
        """The request is answered; whoever is next runs."""
        with self._changing:
            self._held -= 1
            self._running -= 1
            left = self._run[whose] - 1
            if left:
                self._run[whose] = left
            else:
                del self._run[whose]
            self._call()

    def _may_run(self, whose: str) -> bool:
        return self._running < self.running or (whose not in self._run and self._running < self.most)

    def _begin(self, whose: str) -> None:
        self._running += 1
        self._run[whose] = self._run.get(whose, 0) + 1

    def _call(self) -> None:
        """Round by round: a tenant whose request was called goes to the end of the line."""
        while whose := next((each for each in self._waiting if self._may_run(each)), None):
            places = self._waiting.pop(whose)
            place = places.popleft()
            if places:
                self._waiting[whose] = places
            self._begin(whose)
            place.called = True
            place.turn.release()

    def _give_up(self, whose: str, place: _Place) -> None:
        with self._changing:
            if place.called:  # between the end of its patience and here
                return
            self._held -= 1
            places = self._waiting[whose]
            places.remove(place)
            if not places:
                del self._waiting[whose]
        raise Refused("portal_busy", 5)
