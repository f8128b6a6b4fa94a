"""What Envoy in front of the portal keeps away from it: before a back end that takes whatever comes."""

import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import requests

from iam_portal import bodies
from tests.accesscontrol.oauth.certifying import issued
from tests.journeys.test_certificates import TEMPLATE, files
from tests.journeys.test_gateway import OPTIONS, envoy
from tests.support import gateways
from tests.support.gateways import LOOPBACK

pytestmark = pytest.mark.journey
SECRET = "s3cret" * 8
ACT = "/iam/application-management/v1/application"


class Taker(ThreadingHTTPServer):
    """Remembers each request; says 503 to what asks for it, as a portal that is busy does."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((LOOPBACK, 0), _Answer)
        self.heard: list[tuple[str, dict[str, str], int]] = []


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        assert isinstance(self.server, Taker)
        length = int(self.headers.get("Content-Length", "-1"))
        self.rfile.read(max(length, 0))
        named = {name.lower(): ", ".join(self.headers.get_all(name, [])) for name in self.headers}
        self.server.heard.append((self.path, named, length))
        self.send_response(503 if "busy" in self.path else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@dataclass
class Front:
    taker: Taker
    port: int
    trusted: str
    own: tuple[str, str]
    pem: str

    def ask(self, method: str, path: str = ACT, **more: Any) -> requests.Response:
        address = f"https://localhost:{self.port}{path}"
        return requests.request(method, address, verify=self.trusted, timeout=20, **more)

    def raw(self, sent: bytes) -> bytes:
        """The first bytes of the answer to what is written as it is."""
        context = ssl.create_default_context(cafile=self.trusted)
        with (
            socket.create_connection((LOOPBACK, self.port), timeout=20) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as line,
        ):
            line.sendall(sent)
            return line.recv(4096)

    @property
    def last(self) -> dict[str, str]:
        return self.taker.heard[-1][1]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    directory: Path = tmp_path_factory.mktemp("front")
    trusted, key = files(issued("CN=localhost", names=("localhost",)), directory, "server")
    made = issued("CN=machine")
    own = files(made, directory, "own")
    with Taker() as taker:
        thread = threading.Thread(target=taker.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        values = {
            "LISTEN_HOST": LOOPBACK,
            "CERTIFICATE": trusted,
            "KEY": key,
            "PROXY_SECRET": SECRET,
            "PORTAL_HOST": LOOPBACK,
            "PORTAL_PORT": taker.server_address[1],
        }
        try:
            with gateways.running(TEMPLATE.name, [str(envoy()), *OPTIONS, "-c"], values) as (port, _):
                yield Front(taker, port, trusted, own, made.pem)
        finally:
            taker.shutdown()
            thread.join()


@pytest.fixture
def front(started: Front) -> Front:
    started.taker.heard.clear()
    return started


def test_what_proves_something_is_written_by_the_proxy_alone(front: Front) -> None:
    names = ("ClientCert", "Client-Cert", "Client_Cert", "Client-Cert-Chain", "X-Portal-Proxy-Secret")
    names += ("X_Portal_Proxy_Secret", "Forwarded", "X-Forwarded-Host", "X-Real-IP", "X_Forwarded_Proto")
    forged = dict.fromkeys(names, "forged") | {"X-Forwarded-Proto": "http", "X-Forwarded-For": "203.0.113.9"}
    for cert in (None, front.own):
        assert front.ask("GET", headers=forged, cert=cert).status_code == 200
        assert [
            name for name, value in front.last.items() if "forged" in value and name != "client-cert"
        ] == []
        assert (front.last["x-portal-proxy-secret"], front.last["x-forwarded-proto"]) == (SECRET, "https")
        seen = front.last["x-forwarded-for"].split(",")
        assert (seen[0], len(seen)) == ("203.0.113.9", 2), "the portal reads the last one, the proxy's own"
        shown = unquote(front.last.get("clientcert", ""))
        assert shown.strip() == (front.pem.strip() if cert else "")


def test_a_later_connection_shows_its_own_certificate(front: Front) -> None:
    """Nothing is resumed: the certificate of an earlier handshake is nobody's."""
    context = ssl.create_default_context(cafile=front.trusted)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    session: Any = None
    for chain in (front.own, None):
        if chain:
            context.load_cert_chain(*chain)
        with (
            socket.create_connection((LOOPBACK, front.port), timeout=20) as plain,
            context.wrap_socket(plain, server_hostname="localhost", session=session) as line,
        ):
            line.sendall(f"GET {ACT} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            assert line.recv(4096).startswith(b"HTTP/1.1 200")
            assert not line.session_reused
            session = line.session


def test_figures_stay_inside(front: Front) -> None:
    assert [front.ask("GET", path).status_code for path in ("/metrics", "/metrics?a=b")] == [404, 404]
    assert front.taker.heard == []


def test_a_request_is_there_when_all_of_it_is(front: Front) -> None:
    """In chunks it has no length, which the portal refuses: here it gets one."""
    assert front.ask("POST", data=iter([b"a" * 1000, b"b" * 1000])).status_code == 200
    assert [length for _, _, length in front.taker.heard] == [2000]
    assert front.ask("POST", data=b"x" * (bodies.LARGEST + 1)).status_code == 413
    head = f"POST {ACT} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n"
    with pytest.raises(TimeoutError):
        _half(front, head.encode() + b"half")
    assert len(front.taker.heard) == 1


def _half(front: Front, sent: bytes) -> None:
    context = ssl.create_default_context(cafile=front.trusted)
    with (
        socket.create_connection((LOOPBACK, front.port), timeout=1) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as line,
    ):
        line.sendall(sent)
        line.recv(10)


_TWO = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"HTTP/1.1 4"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 40_000 + b"\r\n\r\n", b"HTTP/1.1 431"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 101 + b"\r\n", b"HTTP/1.1 431"),
        (_TWO + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"HTTP/1.1 400"),
        (_TWO + b"Content-Length: 2\r\n\r\nab", b"HTTP/1.1 400"),
    ],
    ids=["HTTP/2", "long head", "many lines", "two lengths", "lengths that differ"],
)
def test_odd_requests_do_not_come_through(front: Front, sent: bytes, status: bytes) -> None:
    assert front.raw(sent).startswith(status)
    assert front.taker.heard == []


def test_nobody_has_the_proxy_repeat_a_request(front: Front) -> None:
    """From a private network, too, where Envoy would believe its own headers by default."""
    asked = {
        "x-envoy-retry-on": "5xx",
        "x-envoy-max-retries": "5",
        "x-envoy-hedge-on-per-try-timeout": "true",
    }
    reply = front.ask("POST", "/busy", data=b"{}", headers=asked)
    assert (reply.status_code, len(front.taker.heard)) == (503, 1)
    assert not set(asked) & set(front.last)
    assert not [name for name in reply.headers if name.lower().startswith("x-envoy-")]
