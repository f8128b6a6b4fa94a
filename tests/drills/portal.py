"""A portal with everything that a drill may break: a database with a replica, a broker, all its processes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Self
from urllib.parse import quote

from iam_portal.launchers.children import Child, LaunchError, run
from iam_portal.launchers.demo import Story, read_story
from iam_portal.launchers.portal import ROOT, LocalPortal, Servers
from iam_portal.launchers.postgres import DATABASE, OWNER, WEB
from iam_portal.launchers.processes import Supervisor
from iam_portal.launchers.valkey import free_port
from tests.drills.keeper import Keeper
from tests.drills.network import Network, possible
from tests.drills.servers import Broker, Primary, Valkey
from tests.support.machines import Replica

DISK = 700  # megabytes for the database's files, where the drills may mount
_SETTINGS = {
    "PORTAL_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
    "PORTAL_WEBHOOK_INSECURE_HTTP": "true",
}
_RUN_JOB = """
import sys, django
django.setup()
from iam_portal.celery import app
app.loader.import_default_modules()
app.tasks[sys.argv[1]].apply(throw=True)
"""


class DrilledPortal:
    """Its processes run inside :meth:`running`, by a broker that the caller chooses."""

    def __init__(self, directory: Path) -> None:
        self._kept = ExitStack()
        self.directory = directory
        self.disk = directory / "disk"
        self.network = Network() if possible() else None
        self.valkey = Valkey(directory / "broker.log")
        self.primary = Primary(self.disk / "postgres", network=self.network, log=directory / "database.log")
        self._supervisor = Supervisor()
        self.local = LocalPortal(directory, free_port(), self._supervisor, settings=_SETTINGS)
        self.story: Story = {}
        self._of_worker: dict[str, str] = {}

    def __enter__(self) -> Self:
        with ExitStack() as kept:
            kept.callback(self._supervisor.stop)
            if self.network:
                kept.enter_context(self.network)
                kept.enter_context(_mounted(self.disk, DISK))
            self.disk.mkdir(exist_ok=True)
            kept.enter_context(self.primary)
            kept.enter_context(self.valkey)
            self.replica = Replica(self.directory / "replica", primary=self.primary.url(OWNER, "postgres"))
            kept.enter_context(self.replica)
            self._fill()
            self._kept = kept.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._kept.close()

    def _fill(self) -> None:
        self.local.servers = Servers(self.address_of(WEB), self.address_of(OWNER), self.valkey.url())
        self.manage("migrate", "--verbosity", "0")
        self.manage("collectstatic", "--no-input", "--verbosity", "0")
        self.manage("seed_demo", "--dir", str(self.directory))
        self.story = {**read_story(self.directory), "base": self.address}

    def address_of(self, user: str) -> str:
        """The database as a multi-host address: whichever server takes writes."""
        hosts = f"{self.primary.host},{self.replica_host}"
        return f"postgres://{user}@/{DATABASE}?host={quote(hosts)}&target_session_attrs=read-write"

    @property
    def replica_host(self) -> str:
        return self.replica.url().rpartition("host=")[2].replace("%2F", "/")

    @property
    def address(self) -> str:
        return self.local.address

    @property
    def environment(self) -> dict[str, str]:
        return self.local.environment

    def manage(self, *arguments: str) -> str:
        return self.local.manage(*arguments)

    def run_job(self, name: str) -> None:
        """One run of a scheduled job, by its task's name, in a process of its own, to its end."""
        run([sys.executable, "-c", _RUN_JOB, name], environment=self.environment, directory=ROOT)

    @contextmanager
    def running(self) -> Iterator[Keeper]:
        """Web, event service, worker and schedule, kept alive."""
        local = self.local
        starts = {
            "web": lambda: self._own(local.start_web(workers=2)),
            "events": lambda: self._own(local.start_events()),
            "worker": self._start_worker,
            "beat": lambda: self._own(local.start_beat()),
        }
        with Keeper(starts) as self.keeper:
            self.wait()
            yield self.keeper

    def wait(self) -> None:
        """Until all of them are ready; where a machine is busy with much else, that takes its time."""
        worker = self.keeper.children["worker"]
        for ready in (self.local.wait_ready, self.local.wait_events, lambda: self.local.wait_worker(worker)):
            for last in (False, False, True):
                try:
                    ready()
                    break
                except LaunchError:
                    if last:
                        raise

    @contextmanager
    def by_broker(self, broker: Broker) -> Iterator[None]:
        """All processes speak to this one meanwhile."""
        for url in (broker.url(), self.valkey.url()):
            self.local.servers.broker = url
            self.keeper.restart_all()
            self.wait()
            if url == broker.url():
                yield

    @contextmanager
    def worker_in(self, **environment: str) -> Iterator[None]:
        """The only worker, in an environment of its own meanwhile."""
        self._of_worker = environment
        self.keeper.restart("worker")
        try:
            self.wait()
            yield
        finally:
            self._of_worker = {}
            self.keeper.restart("worker")
            self.wait()

    @contextmanager
    def another_web(self, **environment: str) -> Iterator[str]:
        """One more web server, in an environment of its own; its address."""
        settings = {**_SETTINGS, "PORTAL_BASE_URL": self.address, **environment}
        beside = replace(self.local, port=free_port(), settings=settings)
        child = self._own(beside.start_web(workers=1))
        try:
            with suppress(LaunchError):
                beside.wait_ready()
            beside.wait_ready()
            yield beside.address
        finally:
            child.stop()

    def _start_worker(self) -> Child:
        return self._own(replace(self.local, settings={**_SETTINGS, **self._of_worker}).start_worker())

    def _own(self, child: Child) -> Child:
        """Whoever asked for it ends it, not the supervisor."""
        self._supervisor.forget(child)
        return child


@contextmanager
def _mounted(folder: Path, megabytes: int) -> Iterator[None]:
    """A small disk in memory."""
    folder.mkdir()
    options = f"size={megabytes}m,mode=0711"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, f"iam-{os.getpid()}", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
