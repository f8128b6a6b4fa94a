"""Turns: many threads hold requests, few run. Whose request runs next is decided tenant by tenant."""

import threading
from collections import deque


class Refused(Exception):
    """Not let in: ``limit`` says by which limit; to come back after ``wait`` seconds, if that is of use."""

    def __init__(self, limit: str, wait: int = 0) -> None:
        super().__init__(limit)
        self.limit, self.wait = limit, wait


class Places:
    """``threads`` hold requests. The last fourth of them is for tenants that hold few."""

    def __init__(self, threads: int) -> None:
        self.threads, self._kept = threads, threads // 4
        self._changing = threading.Lock()
        self._of: dict[str, int] = {}
        self.held = 0

    def take(self, whose: str) -> None:
        """One, while a request is here. :class:`Refused` where there is none."""
        with self._changing:
            own = self._of.get(whose, 0)
            if self.held >= self.threads - self._kept and own >= max(1, self._kept // 2):
                raise Refused("tenant_busy", 1)
            self._of[whose] = own + 1
            self.held += 1

    def give_back(self, whose: str) -> None:
        """The one that was taken."""
        with self._changing:
            self.held -= 1
            left = self._of[whose] - 1
            if left:
                self._of[whose] = left
            else:
                del self._of[whose]


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
    """

    def __init__(self, *, running: int, longest: float) -> None:
        self.running, self.most, self.longest = running, 2 * running, longest
        self._changing = threading.Lock()
        self._run: dict[str, int] = {}
        self._running = 0
        self._waiting: dict[str, deque[_Place]] = {}  # in the order of turns

    def enter(self, whose: str, waited: float = 0.0) -> None:
        """Wait for the turn, so much shorter. :class:`Refused` where none came in time."""
        with self._changing:
            if whose not in self._waiting and self._may_run(whose):
                self._begin(whose)
                return
            place = _Place()
            self._waiting.setdefault(whose, deque()).append(place)
        if not place.turn.acquire(timeout=max(0.0, self.longest - waited)):
            self._give_up(whose, place)

    def leave(self, whose: str) -> None:
        """The request is answered; whoever is next runs."""
        with self._changing:
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
            places = self._waiting[whose]
            places.remove(place)
            if not places:
                del self._waiting[whose]
        raise Refused("portal_busy", 5)


class Turn:
    """That of one request: taken, and let go of while the request waits for somebody else."""

    def __init__(self, turns: Turns, whose: str) -> None:
        self._turns, self._whose, self._has = turns, whose, False

    def take(self, waited: float = 0.0) -> None:
        """Wait for it. :class:`Refused` where it did not come in time."""
        self._turns.enter(self._whose, waited)
        self._has = True

    def let_go(self) -> None:
        """Whoever is next runs; nothing where it is let go of already."""
        if self._has:
            self._has = False
            self._turns.leave(self._whose)
