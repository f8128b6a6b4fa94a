"""The servers that a drill takes away and gives back: PostgreSQL, Valkey, RabbitMQ."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Protocol, Self

from iam_portal.launchers import placement
from iam_portal.launchers.children import Child, spawn
from iam_portal.launchers.postgres import EmbeddedPostgres
from iam_portal.launchers.valkey import EmbeddedValkey, find_binary, free_port
from tests.drills.network import HERE, THERE, Network
from tests.support.database import bindir

_START_SECONDS = 90.0
_ERLANG = "/usr/lib/rabbitmq/bin/rabbitmq-server"


class Primary(EmbeddedPostgres):
    """The database's server; where there is a network of its own for it, it is reached by that alone."""

    # A small disk, a replica that may be away for a while, and a start that is soon over.
    more_settings = ("max_wal_size=96MB", "min_wal_size=32MB", "wal_keep_size=64MB", "wal_segment_size=16MB")

    def __init__(self, data_dir: Path, *, network: Network | None, log: Path) -> None:
        super().__init__(data_dir, fast=True, bindir=bindir(), log=log)
        self._network = network
        listens = (f"listen_addresses={THERE}",) if network else ()
        self.more_settings = (*self.more_settings[:3], *listens)

    @property
    def host(self) -> str:
        """As libpq takes it."""
        return THERE if self._network else str(self._sockets)

    @property
    def alive_number(self) -> int:
        """Of its first process."""
        assert self._child is not None
        return self._child.process.pid

    def stop_at_once(self) -> None:
        """``pg_ctl stop -m immediate``: no transaction ends, and the next start replays the log."""
        assert self._child is not None
        self._child.process.send_signal(signal.SIGQUIT)
        self._child.process.wait(30)

    def crash(self) -> None:
        """Its processes are gone the same moment."""
        assert self._child is not None
        self._child.kill()

    def come_back(self) -> None:
        """At the same address."""
        assert self._placement is not None and self._sockets is not None
        self._wait_for_predecessor(self._placement.data_dir)
        self._child = self._launch(self._placement, self._sockets)
        self._wait_until_ready()

    def _initialise(self, placed: placement.Placement) -> None:
        super()._initialise(placed)
        with (placed.data_dir / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {HERE}/32 trust\n")

    def _launch(self, placed: placement.Placement, sockets: Path) -> Child:
        with self._network.inside() if self._network else nullcontext():
            return super()._launch(placed, sockets)


class Broker(Protocol):
    """What Celery speaks to."""

    name: str

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def url(self) -> str: ...

    def go_away(self) -> None: ...

    def come_back(self) -> None: ...


class Valkey(EmbeddedValkey):
    """One that keeps its port and password over a crash, and nothing else."""

    name = "Valkey"

    def go_away(self) -> None:
        assert self._child is not None
        self._child.kill()

    def come_back(self) -> None:
        assert self._directory is not None
        self._child = self._launch(find_binary(), self._directory)
        assert self._answers()


class RabbitMQ:
    """Debian's, as a child of ours with a port mapper of its own, which would stay behind otherwise."""

    name = "RabbitMQ"

    def __init__(self, log: Path) -> None:
        self.log = log
        self._home = Path()
        self._children: list[Child] = []
        self._port, self._mapper, self._nodes = (free_port() for _ in range(3))

    @staticmethod
    def installed() -> bool:
        return Path(_ERLANG).exists() and shutil.which("epmd") is not None

    def start(self) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="iam-"))
        self._launch("epmd", "-address", "127.0.0.1", "-port", str(self._mapper))
        self.come_back()

    def stop(self) -> None:
        while self._children:
            self._children.pop().kill()
        shutil.rmtree(self._home, ignore_errors=True)

    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self._port}//"

    def go_away(self) -> None:
        self._children.pop().kill()

    def come_back(self) -> None:
        self._launch(_ERLANG)
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                probe.settimeout(2)
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            assert self._children[-1].alive(), self.log.read_text()[-2000:]
            time.sleep(0.3)
        raise AssertionError("RabbitMQ does not listen.")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _launch(self, *command: str) -> None:
        home = str(self._home)
        environment = {
            "PATH": os.defpath + ":/usr/sbin:/sbin",
            "HOME": home,
            "LANG": "C.UTF-8",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._mapper),
            "RABBITMQ_NODENAME": "drill@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self._port),
            "RABBITMQ_DIST_PORT": str(self._nodes),
            "RABBITMQ_CONF_ENV_FILE": f"{home}/none.conf",
            "RABBITMQ_CONFIG_FILE": f"{home}/rabbitmq",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{home}/plugins",
            "RABBITMQ_MNESIA_BASE": f"{home}/data",
            "RABBITMQ_LOG_BASE": f"{home}/log",
            "RABBITMQ_PID_FILE": f"{home}/pid",
        }
        (self._home / "plugins").write_text("[].\n")
        child = spawn("broker", command, log=self.log, environment=environment, directory=self._home)
        self._children.append(child)


def first_line(*command: str) -> str:
    """The first line that a program prints about itself."""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.split("\n")[0]
