"""What a process does beside its requests, now and then, in a thread of its own; and once more at its end."""

import atexit
import os
import threading
from collections.abc import Callable
from multiprocessing.util import Finalize

LAST_CHANCE = 2.0  # seconds that the end of the process waits for the last time
_ALL: list["Beside"] = []


class Beside:
    """``act`` must not raise. Begins with :meth:`start`: after a fork the child begins its own."""

    def __init__(self, act: Callable[[], object], *, name: str) -> None:
        self._act, self._name = act, name
        self._reset()
        os.register_at_fork(after_in_child=self._reset)
        atexit.register(self.stop)
        _ALL.append(self)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._over = threading.Event()

    def start(self, every: float) -> None:
        """Once; one that could not be started, or has died, is started by the next call."""
        if self.is_running() or self._over.is_set():
            return
        with self._lock:
            if not self.is_running():
                made = threading.Thread(
                    target=self._run, args=[every, self._over], name=self._name, daemon=True
                )
                made.start()  # RuntimeError where the machine has no more threads
                self._thread = made
                # The web server's processes are children of `multiprocessing`, which end without `atexit`.
                Finalize(None, self.stop, exitpriority=0)

    def is_running(self) -> bool:
        """Whether there is a thread, and it lives."""
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> None:
        """At the end of the process: a last time, as far as it goes quickly."""
        self._over.set()
        thread = self._thread
        if thread is not None and thread.is_alive():
            thread.join(LAST_CHANCE)

    def _run(self, every: float, over: threading.Event) -> None:
        while not over.wait(every):
            self._act()
        self._act()


def stop_all() -> None:
    """All of this process, before its other threads are waited for, of which one may hang."""
    for each in _ALL:
        each.stop()
