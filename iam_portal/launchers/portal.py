"""The whole portal on one machine, piece by piece: the demo and the journey tests start it from here."""

import http.client
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from iam_portal.launchers import keys
from iam_portal.launchers.children import GRACE_SECONDS, Child, LaunchError, run, spawn, tail
from iam_portal.launchers.postgres import OWNER, WEB, EmbeddedPostgres
from iam_portal.launchers.processes import Stoppable, Supervisor
from iam_portal.launchers.valkey import EmbeddedValkey, free_port

ROOT = Path(__file__).resolve().parents[2]
_READY_SECONDS = 60.0
_CELERY = ("celery", "-A", "iam_portal")
WEB_THREADS = 64  # of each web process: they hold requests, few of which run at once
# What is not in front of a proxy of its own bounds by itself (docs/limits.md).
RUNNING = 2  # requests that a web process works at
BOUNDS = ("--http", "1", "--no-ws", "--http1-buffer-size", "32768", "--http1-header-read-timeout", "10000")


@dataclass
class Servers:
    """Where the portal finds its servers; what is empty is started as an embedded one."""

    database: str = ""
    owner: str = ""
    broker: str = ""

    @property
    def web(self) -> str:
        """The login of web and worker. Of one address alone, the role that migrations make is taken on."""
        if self.owner:
            return self.database
        joint = "&" if "?" in self.database else "?"
        return f"{self.database}{joint}options={quote(f'-c role={WEB}')}"


@dataclass
class LocalPortal:
    """One portal in one directory, at one port of the loopback address."""

    directory: Path
    port: int
    supervisor: Supervisor
    servers: Servers = field(default_factory=Servers)
    fast: bool = False
    bindir: Path | None = None
    events_port: int = field(default_factory=free_port)
    settings: Mapping[str, str] = field(default_factory=dict)  # besides those that make it this portal

    def __post_init__(self) -> None:
        self.directory = self.directory.resolve()
        self.logs = self.directory / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        self._secrets = keys.kept(self.directory / "keys.env")

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def events_address(self) -> str:
        """Where those are answered who wait for events; each page of events names it."""
        return f"http://127.0.0.1:{self.events_port}"

    @property
    def environment(self) -> dict[str, str]:
        """What every process of this portal runs under: the caller's, with all that makes it this portal."""
        return {
            **os.environ,
            **self._secrets,
            "PORTAL_ENVIRONMENT": "demo",
            "DJANGO_SETTINGS_MODULE": "iam_portal.settings",
            "DATABASE_URL": self.servers.web,
            "DATABASE_OWNER_URL": self.servers.owner or self.servers.database,
            "CELERY_BROKER_URL": self.servers.broker,
            "PORTAL_BASE_URL": self.address,
            "PORTAL_EVENTS_URL": self.events_address,
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "PORTAL_STATIC_ROOT": str(self.directory / "static"),
            "IAM_DEMO_DIR": str(self.directory),
            "PYTHONUNBUFFERED": "1",
            **self.settings,
        }

    def start_database(self) -> str:
        """Start PostgreSQL unless one is given; return what it is, for people."""
        if self.servers.database:
            return "DATABASE_URL"
        log = self.logs / "database.log"
        data_dir = self.directory / "postgres"
        server = EmbeddedPostgres(data_dir, self.fast, bindir=self.bindir, log=log)
        self.supervisor.add(server)
        server.start()
        self.servers.database, self.servers.owner = server.url(), server.url(OWNER)
        return f"embedded PostgreSQL {server.major}"

    def start_broker(self) -> str:
        """Start Valkey unless a broker is given; return what it is, for people."""
        if self.servers.broker:
            return "CELERY_BROKER_URL"
        server = EmbeddedValkey(self.logs / "broker.log")
        self.supervisor.add(server)
        server.start()
        self.servers.broker = server.url()
        return "embedded Valkey"

    def manage(self, *arguments: str) -> str:
        """Run a management command to its end and return what it printed."""
        command = [sys.executable, "manage.py", *arguments]
        try:
            return run(command, environment=self.environment, directory=ROOT)
        except LaunchError as error:
            log = self.logs / f"{arguments[0]}.log"
            log.write_text(str(error))
            raise LaunchError(f"manage.py {arguments[0]} failed; the end of {log}:\n{tail(log)}") from error

    def start_web(self, workers: int = 2, threads: int = RUNNING) -> Child:
        """``threads`` of each process run at once; many more hold requests (:mod:`iam_portal.admission`)."""
        options = ("--interface", "wsgi", "--host", "127.0.0.1", "--port", str(self.port), *BOUNDS)
        size = ("--workers", str(workers), "--blocking-threads", str(WEB_THREADS))
        # A worker that was told to stop while it began would be waited for without end.
        end = ("--workers-kill-timeout", str(int(GRACE_SECONDS) - 2))
        command = ("granian", *options, *size, *end, "iam_portal.wsgi:application")
        return self._spawn("web", "-m", *command, besides=running(threads))

    def start_tokens(self, workers: int = 2, threads: int = RUNNING) -> Child:
        """A token service at this portal's port, as a proxy would find it: in the place of a web server."""
        command = ("manage.py", "serve_tokens", "--port", str(self.port), "--workers", str(workers))
        return self._spawn("tokens", *command, besides=running(threads))

    def start_events(self) -> Child:
        return self._spawn("events", "manage.py", "serve_events", "--port", str(self.events_port))

    def start_worker(self) -> Child:
        return self._start("worker", *_CELERY, "worker", "--concurrency", "1", "--loglevel", "INFO")

    def start_beat(self) -> Child:
        schedule = self.directory / "beat-schedule"
        return self._start("beat", *_CELERY, "beat", "--schedule", str(schedule), "--pidfile", "")

    def wait_ready(self) -> None:
        """Until /readyz answers 200."""
        self._wait_until(lambda: _answers(self.port), "web")

    def wait_events(self) -> None:
        """Until the event service listens to the database."""
        self._wait_until(lambda: _answers(self.events_port), "events")

    def wait_worker(self, worker: Child) -> None:
        """Until the worker says that it is ready: before, a web server queues mail that nobody sends."""
        self._wait_until(lambda: " ready." in worker.printed(), "worker")

    def _wait_until(self, ready: Callable[[], bool], name: str) -> None:
        """A child that ends meanwhile is the reason that it never will."""
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            if (child := self.supervisor.ended()) is not None:
                raise LaunchError(describe_end(child))
            with suppress(OSError, http.client.HTTPException):
                if ready():
                    return
            time.sleep(0.1)
        log = self.logs / f"{name}.log"
        raise LaunchError(f"The {name} process does not answer; the end of {log}:\n{tail(log)}")

    def _counts(self, name: str) -> Path:
        """Where the processes of one server write what they count; those of before are over."""
        folder = self.directory / "metrics" / f"{name}-{self.port}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def _start(self, name: str, module: str, *arguments: str) -> Child:
        return self._spawn(name, "-m", module, *arguments)

    def _spawn(self, name: str, *arguments: str, besides: Mapping[str, str] | None = None) -> Child:
        command = [sys.executable, *arguments]
        log = self.logs / f"{name}.log"
        counts = {"PROMETHEUS_MULTIPROC_DIR": str(self._counts(name))}
        environment = {**(besides or {}), **self.environment, **counts}
        child = spawn(name, command, log=log, environment=environment, directory=ROOT)
        return self.supervisor.add(child)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    finally:
        connection.close()


def running(threads: int) -> Mapping[str, str]:
    """What a web server is told of its threads besides their number: so many run at once."""
    return {"PORTAL_WEB_RUNNING": str(threads), "PORTAL_WEB_THREADS": str(WEB_THREADS)}


def describe_end(child: Stoppable) -> str:
    """Why a child is no longer there, as far as its log says."""
    return f"{child.name} has ended; the end of {child.log}:\n{tail(child.log)}"
