"""Starts the portal's processes and starts them again when they end, as systemd or a cluster does."""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

from iam_portal.launchers.children import Child

PAUSE = 1.0  # seconds between the end of a process and its next start


class Keeper:
    """All are started by one thread that stays: the signal at the parent's death is tied to it."""

    def __init__(self, starts: Mapping[str, Callable[[], Child]]) -> None:
        self._starts = starts
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="keeper")
        self.children: dict[str, Child] = {}
        self.restarts = 0

    def tree(self, name: str) -> list[int]:
        """The processes of one of them, the first one first."""
        root = self.children[name].process.pid
        found, waiting = [root], [root]
        while waiting:
            below = _children(waiting.pop())
            found += below
            waiting += below
        return found

    def restart_all(self) -> None:
        """As a deployment does."""
        self.restart(*self.children)

    def restart(self, *names: str) -> None:
        """These; their next ones have begun."""
        before = {name: self.children[name] for name in names}
        for child in before.values():
            child.stop()
        while any(self.children[name] is child for name, child in before.items()):
            time.sleep(0.1)

    def __enter__(self) -> Self:
        self._thread.start()
        while len(self.children) < len(self._starts):
            time.sleep(0.05)
            assert self._thread.is_alive()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _keep(self) -> None:
        try:
            self.children = {name: start() for name, start in self._starts.items()}
            while not self._over.wait(0.1):
                for name, child in self.children.items():
                    if not child.alive():
                        child.kill()  # what it left behind holds its port
                        self._over.wait(PAUSE)
                        self.children[name] = self._starts[name]()
                        self.restarts += 1
        finally:
            for child in self.children.values():
                child.stop()


def _children(number: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{number}/task").glob("*/children"):
        try:
            found += [int(each) for each in task.read_text().split()]
        except OSError:  # it has ended meanwhile
            continue
    return found
