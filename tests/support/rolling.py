"""Two web servers behind a proxy, each of which goes as a deployment tells it to; and callers meanwhile."""

import os
import shutil
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import requests

from iam_portal.launchers.children import Child, spawn
from iam_portal.launchers.portal import ROOT, LocalPortal, Servers
from iam_portal.launchers.processes import Supervisor
from iam_portal.launchers.valkey import free_port
from tests.support.absence import lacking
from tests.support.machines import owner_of
from tests.support.portal import RunningPortal

LOOPBACK = "127.0.0.1"
GOES_WITHIN = 40.0  # seconds
_DEPLOYED = ROOT / "docs" / "deployment"
_SHARED = ("PORTAL_ENCRYPTION_KEYS", "PORTAL_SECRET_PEPPERS", "SECRET_KEY", "PORTAL_BASE_URL")
_NGINX = """
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{}}
http {{
    access_log {folder}/all.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxied;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{included}
}}
"""
# A balancer that asks how each one is, as Kubernetes and most others do, and repeats nothing.
_HAPROXY = """
global
    maxconn 500
defaults
    mode http
    timeout connect 2s
    timeout client 30s
    timeout server 30s
    retries 0
listen portal
    bind {host}:{port}
    option httpchk
    http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host {host}
    default-server check inter 500ms fall 2 rise 1
    timeout check 5s
{servers}
"""


class Port(Protocol):
    """Where something listens, or nothing does."""

    port: int


class Web:
    """One web server; it comes back at the same port."""

    def __init__(self, portal: RunningPortal, folder: Path, supervisor: Supervisor) -> None:
        folder.mkdir()
        self._draining = folder / "draining"
        settings = {name: portal.environment[name] for name in _SHARED}
        settings["PORTAL_DRAINING_FILE"] = str(self._draining)
        servers = Servers(
            portal.environment["DATABASE_URL"], owner_of(portal), portal.environment["CELERY_BROKER_URL"]
        )
        self._local = LocalPortal(folder, free_port(), supervisor, servers=servers, settings=settings)
        self._supervisor = supervisor
        self.port = self._local.port
        self.start()

    def start(self) -> None:
        self._child = self._local.start_web(workers=2)
        self._local.wait_ready()

    def drain(self) -> None:
        """As `preStop` does."""
        self._draining.touch()

    def go(self) -> None:
        """As a deployment stops it: asked, and never killed."""
        gone(self._child, self._supervisor)


class Tokens(Web):
    """A token service, in the same way."""

    def start(self) -> None:
        self._child = self._local.start_tokens(workers=2)
        self._local.wait_ready()


def gone(child: Child, supervisor: Supervisor) -> None:
    """SIGTERM to the first process alone; it must end by itself, and well."""
    supervisor.forget(child)
    child.process.send_signal(signal.SIGTERM)
    assert child.process.wait(GOES_WITHIN) == 0, child.printed()[-3000:]


@contextmanager
def nginx(webs: Sequence[Port], folder: Path, *, tokens: Sequence[Port] = ()) -> Iterator[str]:
    """With the documented configuration, without TLS; its logs lie in the folder.

    ``tokens``: token services in the place of web servers, where clients come for tokens.
    """
    port, unused = free_port(), free_port()
    upstreams, upstream, of_tokens = (
        (_DEPLOYED / "upstreams.conf").read_text().partition("upstream iam_portal_tokens")
    )
    upstreams = _placed(upstreams, webs) + upstream + _placed(of_tokens, tokens or webs)
    documented = (_DEPLOYED / "nginx.conf").read_text()
    lines = [line for line in documented.splitlines() if not line.strip().startswith(("ssl_", "include"))]
    text = "\n".join(lines).replace("listen 443 ssl", f"listen {LOOPBACK}:{port}")
    # The names of a portal on loopback are not those of the document.
    text = text.replace("listen 80 default_server", f"listen {LOOPBACK}:{unused}")
    text = text.replace("server_name iam.example.com", f"server_name {LOOPBACK}")
    text = text.replace("/var/log/nginx", str(folder))
    folder.mkdir()
    config = folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""  # the folders of a test are its user's alone
    config.write_text(_NGINX.format(user=user, folder=folder, included=upstreams + text))
    with _served("nginx", ["-c", str(config), "-g", "daemon off;"], folder, port) as address:
        yield address


def _placed(upstreams: str, servers: Sequence[Port]) -> str:
    for known, server in zip(("8000", "8010"), servers, strict=True):
        assert f":{known}" in upstreams
        upstreams = upstreams.replace(f":{known}", f":{server.port}")
    return upstreams


@contextmanager
def haproxy(webs: list[Web], folder: Path) -> Iterator[str]:
    port = free_port()
    servers = "\n".join(f"    server web{number} {LOOPBACK}:{web.port}" for number, web in enumerate(webs))
    folder.mkdir()
    config = folder / "haproxy.cfg"
    config.write_text(_HAPROXY.format(host=LOOPBACK, port=port, servers=servers))
    with _served("haproxy", ["-db", "-f", str(config)], folder, port) as address:
        yield address


@contextmanager
def _served(name: str, words: list[str], folder: Path, port: int) -> Iterator[str]:
    program = shutil.which(name, path="/usr/sbin:/usr/bin") or lacking(f"{name} is missing (Debian: {name}).")
    environment = {"PATH": "/usr/sbin:/usr/bin"}
    child = spawn(name, [program, *words], log=folder / "log", environment=environment, directory=folder)
    try:
        end = time.monotonic() + 20
        while True:
            with suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
                break
            assert child.alive() and time.monotonic() < end, child.printed()
            time.sleep(0.1)
        yield f"http://{LOOPBACK}:{port}"
    finally:
        child.stop()


@dataclass
class Callers:
    """Threads that ask one after the other, without a second try; what came, and what went wrong."""

    asks: list[Callable[[requests.Session], requests.Response]]
    right: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    @contextmanager
    def calling(self, threads: int) -> Iterator[None]:
        over = threading.Event()
        running = [
            threading.Thread(target=self._call, args=[number % len(self.asks), over])
            for number in range(threads)
        ]
        for thread in running:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in running:
                thread.join()

    def _call(self, which: int, over: threading.Event) -> None:
        with requests.Session() as session:
            while not over.is_set():
                try:
                    reply = self.asks[which](session)
                except requests.RequestException as error:
                    self.wrong.append(f"{which}: {error!r}")
                    time.sleep(0.1)
                    continue
                if reply.status_code == 200:
                    self.right[which] += 1
                    time.sleep(0.02)  # starting processes need the processors, too
                else:
                    self.wrong.append(f"{which}: {reply.status_code} {reply.text[:100]}")
                    time.sleep(0.1)
