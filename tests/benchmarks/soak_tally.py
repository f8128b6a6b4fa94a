"""What the actors of a long run saw: how often, how fast, and what was wrong."""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from statistics import quantiles
from typing import Any, TypeVar

Done = TypeVar("Done")
_MOST_FAULTS = 20


class Tally:
    """Shared by all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: dict[str, list[float]] = defaultdict(list)
        self._faults: list[str] = []
        self.counts: Counter[str] = Counter()

    def timed(self, what: str, act: Callable[[], Done]) -> Done:
        """Do it, and note how long it took."""
        begun = time.perf_counter()
        done = act()
        with self._lock:
            self._seconds[what].append(time.perf_counter() - begun)
        return done

    def add(self, what: str) -> None:
        """One more of something that is counted afterwards."""
        with self._lock:
            self.counts[what] += 1

    def expect(self, true: bool, fault: str) -> None:
        """Note what was wrong."""
        if not true:
            with self._lock:
                self._faults.append(fault)

    def faults(self) -> list[str]:
        """The first of them, and how many there are more."""
        more = len(self._faults) - _MOST_FAULTS
        return self._faults[:_MOST_FAULTS] + ([f"and {more} more"] if more > 0 else [])

    def rows(self, seconds: float) -> list[dict[str, Any]]:
        """For each kind of request: number, rate, milliseconds."""
        found = []
        for what, taken in sorted(self._seconds.items()):
            cuts = quantiles(taken, n=100) if len(taken) > 1 else taken * 99
            found.append(
                {
                    "what": what,
                    "requests": len(taken),
                    "a second": round(len(taken) / seconds, 1),
                    "p50 ms": round(cuts[49] * 1000, 1),
                    "p99 ms": round(cuts[98] * 1000, 1),
                }
            )
        return found

    def table(self, seconds: float) -> str:
        """The same in Markdown."""
        lines = ["| what | requests | a second | p50 ms | p99 ms |", "|---|--:|--:|--:|--:|"]
        return "\n".join(
            lines + [f"| {' | '.join(str(cell) for cell in row.values())} |" for row in self.rows(seconds)]
        )
