"""A line of its own to the database, which a drill can cut: a network namespace with a pair of interfaces."""

import ctypes
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

HERE, THERE = "10.213.7.1", "10.213.7.2"
_CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)


def possible() -> bool:
    """It takes root, and mounts and a network that are not the machine's: `tests/drills/apart` says so."""
    return os.geteuid() == 0 and shutil.which("ip") is not None and os.environ.get("DRILLS_APART") == "yes"


class Network:
    """Two interfaces, one of them in a namespace where the database listens."""

    def __init__(self) -> None:
        self.name = f"iam-drill-{os.getpid()}"
        self._ours, self._theirs = f"iam{os.getpid()}a", f"iam{os.getpid()}b"

    def __enter__(self) -> Self:
        _ip("netns", "add", self.name)
        _ip("link", "add", self._ours, "type", "veth", "peer", "name", self._theirs, "netns", self.name)
        _ip("address", "add", f"{HERE}/30", "dev", self._ours)
        _ip("link", "set", self._ours, "up")
        _ip("-n", self.name, "address", "add", f"{THERE}/30", "dev", self._theirs)
        _ip("-n", self.name, "link", "set", "lo", "up")
        _ip("-n", self.name, "link", "set", self._theirs, "up")
        return self

    def __exit__(self, *_: object) -> None:
        _ip("link", "delete", self._ours)
        _ip("netns", "delete", self.name)

    @contextmanager
    def inside(self) -> Iterator[None]:
        """This thread, and what it starts meanwhile, is in the namespace."""
        with (
            Path(f"/proc/self/task/{threading.get_native_id()}/ns/net").open() as ours,
            Path(f"/run/netns/{self.name}").open() as theirs,
        ):
            _enter(theirs.fileno())
            try:
                yield
            finally:
                _enter(ours.fileno())

    @contextmanager
    def silent(self) -> Iterator[None]:
        """What is sent there arrives, and no packet comes back: no answer, no acknowledgement, no reset."""
        _ip("-n", self.name, "route", "add", "blackhole", f"{HERE}/32")
        try:
            yield
        finally:
            _ip("-n", self.name, "route", "delete", "blackhole", f"{HERE}/32")

    @contextmanager
    def unplugged(self) -> Iterator[None]:
        """No packet either way."""
        _ip("-n", self.name, "link", "set", self._theirs, "down")
        try:
            yield
        finally:
            _ip("-n", self.name, "link", "set", self._theirs, "up")


def _enter(namespace: int) -> None:
    if _LIBC.setns(namespace, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "the network namespace cannot be entered")


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"ip {' '.join(words)}: {done.stderr}")
