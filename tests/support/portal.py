"""A whole portal for journey tests: real processes, which a test may also kill and start again."""

import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Self

from iam_portal.launchers.children import Child, run
from iam_portal.launchers.demo import Story, read_story
from iam_portal.launchers.portal import ROOT, LocalPortal
from iam_portal.launchers.processes import Supervisor
from iam_portal.launchers.valkey import free_port
from tests.support.database import bindir
from tests.support.telling import Told

CERTIFICATE_HEADER = "ClientCert"  # in which a proxy that knows the portal's proof brings a certificate

_RUN_JOB = """
import sys, django
django.setup()
from iam_portal.celery import app
app.loader.import_default_modules()
app.tasks[sys.argv[1]].apply(throw=True)
"""


class RunningPortal:
    """Database, broker and web server run from the start; worker and schedule when a test wants them."""

    story: Story

    def __init__(
        self, directory: Path, *, with_seed: bool = False, told: Told | None = None, web_workers: int = 1
    ) -> None:
        """``told``: migrated and filled already, for a portal of its own."""
        self._supervisor = Supervisor()
        self.proxy_secret = secrets.token_urlsafe(32)
        self._told = told
        settings = {
            **(told.settings if told else {}),
            "PORTAL_CLIENT_CERTIFICATE_HEADER": CERTIFICATE_HEADER,
            "PORTAL_PROXY_SECRET": self.proxy_secret,
        }
        self._local = LocalPortal(
            directory, free_port(), self._supervisor, fast=True, bindir=bindir(), settings=settings
        )
        self._local.servers = told.servers if told else self._local.servers
        self._with_seed, self._web_workers = with_seed, web_workers
        self._worker: Child | None = None
        self._beat: Child | None = None
        self.story = {}

    @property
    def address(self) -> str:
        return self._local.address

    @property
    def environment(self) -> dict[str, str]:
        """For processes that a test starts beside the portal's own."""
        return self._local.environment

    @property
    def logs(self) -> Path:
        """Where each of its processes writes what it says."""
        return self._local.logs

    def manage(self, *arguments: str) -> str:
        """A management command in the portal's environment; returns what it printed."""
        return self._local.manage(*arguments)

    def mail_to(self, address: str) -> str:
        """The newest mail to somebody: the web process writes them where a real one would send them."""
        printed = (self._local.logs / "web.log").read_text()
        return next(mail for mail in reversed(printed.split("\nSubject: ")) if f"\nTo: {address}\n" in mail)

    def start_worker(self) -> None:
        assert self._worker is None, "a test before left its worker"
        self._worker = self._local.start_worker()
        self._local.wait_worker(self._worker)

    def kill_worker(self) -> None:
        """As a crash would: no time to finish or to give anything back."""
        if self._worker is not None:
            self._supervisor.forget(self._worker)
            self._worker.kill()
            self._worker = None

    def restart_events(self) -> None:
        """Stop the event service as a deployment does, and start it anew."""
        with self.without_events():
            pass

    @contextmanager
    def without_events(self) -> Iterator[None]:
        """The event service is away meanwhile, and comes back at the same address."""
        self._supervisor.forget(self.events)
        self.events.stop()
        try:
            yield
        finally:
            self.events = self._local.start_events()
            self._local.wait_events()

    def start_beat(self) -> None:
        self._beat = self._local.start_beat()

    def kill_beat(self) -> None:
        """The schedule stops; what is queued stays."""
        if self._beat is not None:
            self._supervisor.forget(self._beat)
            self._beat.kill()
            self._beat = None

    @contextmanager
    def another_web(self, workers: int = 1, port: int = 0, **settings: str) -> Iterator[tuple[str, Child]]:
        """One more web server on the same database, and its address; ``settings`` are of its own."""
        with self._beside(lambda local: local.start_web(workers=workers), port, settings) as found:
            yield found

    @contextmanager
    def token_service(self, workers: int = 1, port: int = 0, **settings: str) -> Iterator[tuple[str, Child]]:
        """The same of a token service."""
        with self._beside(lambda local: local.start_tokens(workers=workers), port, settings) as found:
            yield found

    @contextmanager
    def _beside(
        self, start: Callable[[LocalPortal], Child], port: int, settings: Mapping[str, str]
    ) -> Iterator[tuple[str, Child]]:
        settings = {**self._local.settings, "PORTAL_BASE_URL": self.address, **settings}
        beside = replace(self._local, port=port or free_port(), settings=settings)
        child = start(beside)
        try:
            beside.wait_ready()
            yield beside.address, child
        finally:
            self._supervisor.forget(child)
            child.stop()

    @contextmanager
    def another_worker(self, directory: Path) -> Iterator[tuple[int, Child]]:
        """One more worker with a port for probes, and a folder of its own for its log."""
        port = free_port()
        settings = {**self._local.settings, "PORTAL_WORKER_PORT": f"127.0.0.1:{port}"}
        beside = replace(self._local, directory=directory, settings=settings)
        child = beside.start_worker()
        try:
            beside.wait_worker(child)
            yield port, child
        finally:
            self._supervisor.forget(child)
            child.stop()

    def run_job(self, name: str) -> None:
        """One run of a scheduled job, by its task's name, in a process of its own, to its end."""
        run([sys.executable, "-c", _RUN_JOB, name], environment=self.environment, directory=ROOT)

    def __enter__(self) -> Self:
        try:
            self._local.start_broker()
            if self._told:
                self.story = {**self._told.story, "base": self.address}
            else:
                self._fill()
            self._local.start_web(workers=self._web_workers)
            self.events = self._local.start_events()
            self._local.wait_ready()
            self._local.wait_events()
        except BaseException:
            self._supervisor.stop()
            raise
        return self

    def _fill(self) -> None:
        self._local.start_database()
        self.manage("migrate", "--verbosity", "0")
        self.manage("collectstatic", "--no-input", "--verbosity", "0")
        if self._with_seed:
            self.manage("seed_demo", "--dir", str(self._local.directory))
            self.story = read_story(self._local.directory)

    def __exit__(self, *_: object) -> None:
        self._supervisor.stop()
