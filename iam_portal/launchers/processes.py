"""The supervisor that stops everything together, the signals that make it, and the lock on a directory."""

import fcntl
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, Protocol, Self, TypeVar

from iam_portal.launchers.children import Busy


class Stoppable(Protocol):
    """What the supervisor needs to know of a child or an embedded server."""

    name: str
    log: Path

    def alive(self) -> bool: ...

    def stop(self) -> None: ...


_Started = TypeVar("_Started", bound=Stoppable)


class Supervisor:
    """Keeps what was started, waits until one ends or a signal comes, and stops all in reverse order."""

    def __init__(self) -> None:
        self._running: list[Stoppable] = []

    def add(self, child: _Started) -> _Started:
        self._running.append(child)
        return child

    def forget(self, child: Stoppable) -> None:
        """The caller ends this one itself."""
        self._running.remove(child)

    def ended(self) -> Stoppable | None:
        """The first child that is no longer there."""
        return next((child for child in self._running if not child.alive()), None)

    def wait(self) -> Stoppable:
        """Block until a child ends, and return it. Signals break the wait: see :func:`interruptible`."""
        while (child := self.ended()) is None:
            time.sleep(0.3)
        return child

    def stop(self) -> None:
        while self._running:
            self._running.pop().stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with _undisturbed():
            self.stop()


_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def interruptible() -> Iterator[None]:
    """Turn the signals that mean "stop" into KeyboardInterrupt in the main thread."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    former = {number: signal.signal(number, interrupt) for number in _STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """A second Ctrl-C must not break the stopping half-way; each child has its own limit of time."""
    former = {number: signal.signal(number, signal.SIG_IGN) for number in _STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def claim(lock: Path) -> IO[str]:
    """Hold this lock file until it is closed or we die; refuse when another living process holds it."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    handle = lock.open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        handle.close()
        raise Busy(f"{lock.parent} is in use by another running portal.") from error
    return handle
