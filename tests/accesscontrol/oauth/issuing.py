"""A host of somebody else that serves keys by TLS on loopback, under a name that this machine trusts."""

import datetime
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pytest_django.fixtures import Settings

from accesscontrol.oauth.clients import foreign
from applications.delivery import connecting

NAME = "keys.example"
DISCOVERY = "/.well-known/openid-configuration"
Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Host:
    """Answers by path; ``asked`` are the paths, in order. ``clock`` is that of the kept keys."""

    port: int = 0
    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    forms: list[tuple[dict[str, str], str]] = field(default_factory=list)  # and the Authorization of each
    now: float = 1_000_000.0

    def url(self, path: str = "/keys") -> str:
        return f"https://{NAME}:{self.port}{path}"

    def serves(self, *keys: Any, path: str = "/keys") -> str:
        """These public keys at a path, each under its thumbprint as ``kid``."""
        listed = [{**key.as_dict(private=False), "kid": key.thumbprint()} for key in keys]
        self.answers[path] = {"keys": listed}
        return self.url(path)

    def forward(self, seconds: float) -> None:
        self.now += seconds


def says(status: int = 200, body: bytes = b"{}", **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        sent = {"Content_Type": "application/json", "Content_Length": str(len(body)), **headers}
        for name, value in sent.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@cache
def certificate() -> bytes:
    """Certificate and key of the host, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM) + private


@contextmanager
def served(context: ssl.SSLContext) -> Iterator[Host]:
    made = Host()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            answer = made.answers.get(self.path, says(404))
            if not callable(answer):
                answer = says(body=json.dumps(answer).encode())
            answer(self)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            made.forms.append((dict(parse_qsl(body)), self.headers.get("Authorization", "")))
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # connections that were cut
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    made.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[Host]:
    """The host, on a network that this installation fetches keys from; nothing is kept of it yet."""
    pem = tmp_path / "host.pem"
    pem.write_bytes(certificate())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    settings.PORTAL_FOREIGN_NETWORKS = [ip_network("127.0.0.0/8")]
    # On a busy machine all is slow: a host that is to be slow is made so by its test.
    settings.FOREIGN_CONNECT_SECONDS, settings.FOREIGN_WHOLE_SECONDS = 20.0, 20.0
    monkeypatch.setattr(foreign, "QUICK", 20.0)
    real = socket.getaddrinfo

    def look_up(name: Any, port: Any, *rest: Any, **more: Any) -> Any:
        if name != NAME:
            return real(name, port, *rest, **more)
        if more.get("flags"):
            raise socket.gaierror
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    connecting._context.cache_clear()
    foreign.forget()
    with served(context) as made:
        monkeypatch.setattr(foreign._store, "clock", lambda: made.now)
        yield made
    foreign.forget()
    connecting._context.cache_clear()
