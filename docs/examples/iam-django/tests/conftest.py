"""A portal that says what a test wants it to say, on loopback; and a clock that is moved."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import django
import pytest
from django.conf import settings
from iam_django import Portal

TENANT = "7b1d4a52-1111-4222-8333-444455556666"
CLIENT = "acme.meter"

settings.configure(
    SECRET_KEY="x" * 50,
    ALLOWED_HOSTS=["testserver"],
    ROOT_URLCONF="urls_of_tests",
    MIDDLEWARE=["iam_django.middleware.IamMiddleware"],
    DATABASES={},
    IAM={"BASE": "http://127.0.0.1:9", "CLIENT_ID": CLIENT, "CLIENT_SECRET": "s"},
)
django.setup()


@dataclass
class Clock:
    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Fake:
    """``answers``: by path a status and a body, or a function of what was asked."""

    base: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str], str]] = field(default_factory=list)

    @property
    def portal(self) -> Portal:
        return Portal(self.base, CLIENT, "se/cret", timeout=1.0)


@pytest.fixture
def fake() -> Iterator[Fake]:
    made = Fake()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            asked = dict(parse_qsl(parts.query) + parse_qsl(body))
            made.asked.append((parts.path, asked, self.headers.get("Authorization", "")))
            found = made.answers.get(parts.path, (404, {}))
            status, said = found(asked) if callable(found) else found
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(said if isinstance(said, bytes) else json.dumps(said).encode())

        def do_GET(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            self.answer()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    made.base = f"http://127.0.0.1:{server.server_address[1]}"
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def clock() -> Clock:
    return Clock()


Tokens = Callable[..., str]


@pytest.fixture
def token(fake: Fake, clock: Clock) -> Tokens:
    """An unsigned one, which names its issuer as ours do."""

    def made(**claims: Any) -> str:
        said = {**claims_of(fake, clock), **claims}
        parts = (json.dumps(part).encode() for part in ({"alg": "none"}, said))
        return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + ".x"

    return made


def claims_of(fake: Fake, clock: Clock) -> dict[str, Any]:
    now = int(clock.now)
    return {
        "iss": fake.portal.issuer(TENANT),
        "sub": "someone",
        "client_id": "beta.reader",
        "aud": CLIENT,
        "tid": TENANT,
        "exp": now + 300,
        "nbf": now,
        "roles": ["urn:iam:application-role:x:acme.meter:viewer"],
    }
