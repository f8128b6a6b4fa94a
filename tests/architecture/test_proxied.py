"""The documented nginx in front of the portal: what it keeps inside, writes down and lets through."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from requests.adapters import HTTPAdapter

from iam_portal import bodies
from iam_portal.launchers.portal import ROOT
from iam_portal.launchers.valkey import free_port
from tests.support import rolling

EVENTS = "events.iam.example.com"
SECRET = "made-up-secret-of-a-link"
LINKS = (f"/t/acme/set-password?token={SECRET}", f"/join/{SECRET}", f"/%6aoin/{SECRET}", f"/x?y={SECRET}")


class _Portal(BaseHTTPRequestHandler):
    """Takes everything."""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        pass


@dataclass
class Standing:
    """Where a web server listens."""

    port: int


@dataclass
class Proxied:
    address: str
    folder: Path

    def ask(self, path: str, *, method: str = "GET", source: str = rolling.LOOPBACK, **options: Any) -> int:
        with requests.Session() as session:
            session.mount("http://", _From(source))
            return session.request(method, self.address + path, timeout=20, **options).status_code

    def written(self) -> str:
        return "".join(path.read_text() for path in sorted(self.folder.glob("*log")))


class _From(HTTPAdapter):
    """Another address of loopback: of somebody elsewhere."""

    def __init__(self, source: str) -> None:
        self._source = source
        super().__init__()

    def init_poolmanager(self, *args: Any, **named: Any) -> None:
        super().init_poolmanager(*args, **named, source_address=(self._source, 0))


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    """One web server is there, the other one and the event service are not."""
    with ThreadingHTTPServer((rolling.LOOPBACK, 0), _Portal) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        folder = tmp_path_factory.mktemp("proxied") / "nginx"
        with rolling.nginx([Standing(server.server_address[1]), Standing(free_port())], folder) as address:
            yield Proxied(address, folder)
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("host", ["", EVENTS])
@pytest.mark.parametrize("path", ["/metrics", "/metrics?x=1", "//metrics", "/%6detrics", "/x/../metrics"])
def test_figures_stay_inside(proxied: Proxied, host: str, path: str) -> None:
    assert proxied.ask(path, headers={"Host": host} if host else {}) == 404


def test_only_its_own_machine_asks_how_it_is(proxied: Proxied) -> None:
    assert proxied.ask("/readyz") == 200
    assert proxied.ask("/readyz", source="127.0.0.2") == 404
    assert proxied.ask("/readyz", source="127.0.0.2", headers={"X-Forwarded-For": rolling.LOOPBACK}) == 404
    assert proxied.ask("/readyz", source="127.0.0.2", headers={"Host": EVENTS}) == 404
    assert proxied.ask("/livez", source="127.0.0.2") == 200


@pytest.mark.parametrize("host", ["", EVENTS])
def test_no_log_holds_the_secret_of_a_link(proxied: Proxied, host: str) -> None:
    """Also where a web server refuses: nginx quotes the whole request in its log of errors."""
    for path in LINKS:
        for _ in range(2):
            headers = {"Referer": f"https://iam.example.com{path}"} | ({"Host": host} if host else {})
            assert proxied.ask(path, headers=headers) == (502 if host else 200)

    written = proxied.written()
    assert "/t/acme/set-password" in written and "/join/-" in written
    assert SECRET not in written
    assert not list(proxied.folder.glob("all.log")) or not (proxied.folder / "all.log").read_text()


def test_a_body_may_be_as_large_as_the_portal_takes(proxied: Proxied) -> None:
    assert proxied.ask("/", method="POST", data=b"x" * bodies.LARGEST) == 200
    assert proxied.ask("/", method="POST", data=b"x" * (bodies.LARGEST + 1)) == 413


def test_the_ingress_takes_as_much_and_keeps_figures_inside() -> None:
    ingresses = [
        found
        for found in yaml.safe_load_all((ROOT / "docs" / "kubernetes" / "ingress.yaml").read_text())
        if found["kind"] == "Ingress"
    ]
    sizes = [
        found["metadata"]["annotations"].get("nginx.ingress.kubernetes.io/proxy-body-size")
        for found in ingresses
    ]
    assert sizes[0] == f"{bodies.LARGEST // 2**20}m"
    for found in ingresses:
        (rule,) = found["spec"]["rules"]
        first = rule["http"]["paths"][0]
        assert (first["path"], first["pathType"]) == ("/metrics", "Exact")
        assert first["backend"]["service"]["name"] == "nowhere"
