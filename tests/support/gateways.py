"""Real gateways with our documented configuration, in front of an application that checks nothing."""

import os
import shutil
import socket
import string
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from iam_portal.launchers.children import Child, spawn, tail
from iam_portal.launchers.portal import ROOT
from iam_portal.launchers.valkey import free_port
from tests.support.absence import lacking
from tests.support.console import Console
from tests.support.portal import RunningPortal

DOCUMENTED = ROOT / "docs" / "gateways"
LOOPBACK = "127.0.0.1"
STARTS_WITHIN = 20.0  # seconds
PREFIX = "iam-gateway-"


class Application(ThreadingHTTPServer):
    """Answers everybody, and remembers whom."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((LOOPBACK, 0), _Answer)
        self.heard: list[dict[str, str]] = []


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Application)
        self.server.heard.append(
            {name.lower(): ", ".join(self.headers.get_all(name, [])) for name in self.headers}
        )
        # An icon of its own, or a browser asks for one whenever it likes, and a later test hears that.
        page = (
            b"<!doctype html><html lang=en><title>Application</title><link rel=icon href=data:,>"
            b"<h1>Application</h1>"
        )
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@contextmanager
def application() -> Iterator[Application]:
    """One that listens, on a port of its own."""
    with Application() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@dataclass
class Gateway:
    """A gateway and the application behind it; ``passed`` are the requests that came through."""

    port: int
    passed: list[dict[str, str]]
    process: Child

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def get(self, token: str | None = None, **headers: str) -> requests.Response:
        return self.ask("GET", token, **headers)

    def ask(self, method: str, token: str | None = None, **headers: str) -> requests.Response:
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return requests.request(method, f"{self.address}/machines", headers=headers, timeout=10)


def values_of(portal: RunningPortal, application: Application) -> dict[str, Any]:
    """What the configurations have in common: the story's target, in the tenant of its consumer."""
    story = portal.story
    tenant_id = story["consumer"]["tenantId"]
    return {
        "LISTEN_HOST": LOOPBACK,
        "ISSUER": f"{portal.address}/iam/auth/realms/{tenant_id}",
        "TENANT_ID": tenant_id,
        "APPLICATION_ID": story["target"]["applicationId"],
        "APPLICATION_HOST": LOOPBACK,
        "APPLICATION_PORT": application.server_port,
        "PORTAL_HOST": LOOPBACK,
        "PORTAL_PORT": portal.address.rpartition(":")[2],
    }


@contextmanager
def running(
    documented: str, command: Sequence[str], values: Mapping[str, Any], *, secret: str = ""
) -> Iterator[tuple[int, Child]]:
    """A gateway with a file of ours, in the foreground, at a free port. ``command`` gets the file last.

    ``secret`` is what its file of credentials holds, for the first process alone to read.
    """
    port = free_port()
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name:
        directory = Path(name)
        directory.chmod(0o711)  # workers run as somebody else and have files of their own in it
        credentials = directory / "credentials"
        credentials.touch(mode=0o600)
        credentials.write_text(secret)
        values = {**values, "LISTEN_PORT": port, "PUBLIC_ADDRESS": f"http://{LOOPBACK}:{port}"}
        filled = {**values, "RUN_DIRECTORY": directory, "CREDENTIALS_FILE": credentials}
        configuration = directory / documented
        # What is left is the gateway's own to fill in, as from its file of credentials.
        text = string.Template((DOCUMENTED / documented).read_text()).safe_substitute(filled)
        configuration.write_text(text)
        environment = {"HOME": name, "PATH": os.environ["PATH"]}
        log = directory / "output.log"
        child = spawn(
            documented, [*command, configuration], log=log, environment=environment, directory=directory
        )
        try:
            wait_for(port, child)
            yield port, child
        finally:
            child.stop()


def wait_for(port: int, child: Child) -> None:
    """Until it listens."""
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline and child.alive():
        try:
            socket.create_connection((LOOPBACK, port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"{child.name} does not listen:\n{tail(child.log, 40)}")


def apache(*modules: str) -> list[str]:
    """The command that keeps it in the foreground."""
    for module in modules:
        if not Path("/usr/lib/apache2/modules", f"{module}.so").exists():
            lacking(f"Apache's {module} is not installed (Debian: libapache2-{module.replace('_', '-')}).")
    return [_program("apache2", "apache2"), "-D", "FOREGROUND", "-c", "StartServers 1", "-f"]


def nginx(*modules: str) -> list[str]:
    """The same of nginx."""
    for module in modules:
        if not Path("/usr/lib/nginx/modules", f"{module}.so").exists():
            lacking(f"nginx's {module} is not installed (Debian: libnginx-mod-http-lua).")
        if not list(Path("/usr/lib").glob("*/lua/5.1/cjson.so")):
            lacking("Lua's cjson is not installed (Debian: lua-cjson).")
    return [_program("nginx", "nginx"), "-g", "daemon off;", "-e", "stderr", "-c"]


def _program(name: str, package: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        lacking(f"There is no {name} (Debian: {package}).")
    return found


@contextmanager
def paused(portal: RunningPortal) -> Iterator[None]:
    """The story's contract, by its provider."""
    provider, contract = Console.of(portal, "provider"), portal.story["contractId"]
    provider.call("POST", f"contracts/{contract}/pause", {})
    try:
        yield
    finally:
        provider.call("POST", f"contracts/{contract}/resume", {})
