"""Requests without pause from several threads, and when each began and ended."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, Self


class Told(NamedTuple):
    """What came back. ``status`` 0: nothing, because the server or the line to it was broken off."""

    status: int
    yes: bool


class Asked(NamedTuple):
    """One request, of which kind it was, by which of the threads, and what it was told."""

    thread: int
    kind: str
    began: float
    ended: float
    status: int
    yes: bool


@dataclass
class Load:
    """Threads that ask, each at a process of its own."""

    asks: Iterable[tuple[str, Callable[[], Told]]]
    seen: list[Asked] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self.threads = [
            threading.Thread(target=self._run, args=(number, *each)) for number, each in enumerate(self.asks)
        ]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()

    def since(self, begin: float, *, each: int, at_most: float) -> float:
        """Wait until every thread has ended so many requests that began after the moment; the moment then."""
        limit = begin + at_most
        while time.monotonic() < limit:
            ended = Counter(one.thread for one in self.seen if one.began > begin)
            if all(ended[number] >= each for number in range(len(self.threads))):
                break
            time.sleep(0.01)
        return time.monotonic()

    def _run(self, number: int, kind: str, ask: Callable[[], Told]) -> None:
        while not self.over.is_set():
            began = time.monotonic()
            told = ask()
            self.seen.append(Asked(number, kind, began, time.monotonic(), *told))
