"""What the doctor says of other servers: a replica, whoever answers at the own address, and why none."""

import smtplib
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from unittest import mock

import psycopg
import pytest
from django.conf import settings
from django.test import override_settings
from django.utils import timezone

from accesscontrol.installation.doctor import findings, reached

SECRET = "postgres://iam_web:very-secret@db.example.com/iam"


@pytest.mark.parametrize(
    ("row", "state", "text"),
    [
        ((True, timedelta(0)), "ok", "It follows closely."),
        ((True, timedelta(minutes=3)), "ok", "It follows; the last it replayed is 3 min old."),
        ((False, timedelta(0)), "error", "It follows no primary."),
        (None, "warning", "It is not reached: nothing listens there."),
    ],
)
def test_a_replica_follows_or_not(row: tuple[bool, timedelta] | None, state: str, text: str) -> None:
    line = mock.MagicMock()
    line.__enter__.return_value.execute.return_value.fetchone.return_value = row
    fault = None if row else psycopg.OperationalError("connection refused")
    with (
        mock.patch.dict(settings.DATABASES, {"replica": {}}),
        mock.patch.object(reached, "connections", mock.MagicMock()),
        mock.patch.object(reached, "_connected", return_value=line, side_effect=fault),
    ):
        [found] = reached.replica(timezone.now)
    assert (found.state, found.text) == (state, text)


class _Page(BaseHTTPRequestHandler):
    body = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.mark.parametrize(
    ("body", "state"), [(b'{"status": "ok"}', "ok"), (b"<h1>Welcome to nginx</h1>", "warning")]
)
def test_who_answers_at_the_own_address(body: bytes, state: str) -> None:
    with HTTPServer(("127.0.0.1", 0), type("Page", (_Page,), {"body": body})) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with override_settings(PORTAL_BASE_URL=f"http://127.0.0.1:{server.server_address[1]}"):
            found = list(reached.address(timezone.now))
        server.shutdown()
    assert [one.state for one in found] == [state]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (smtplib.SMTPAuthenticationError(535, b"very-secret"), "the login is refused"),
        (ConnectionRefusedError(111, "Connection refused"), "nothing listens there"),
        (OSError("[Errno -2] Name or service not known: db"), "its name is not known"),
        (TimeoutError("timed out"), "it does not answer in time"),
        (psycopg.OperationalError("SSL error: certificate verify failed"), "its certificate is not taken"),
        (RuntimeError(SECRET), "RuntimeError"),
    ],
)
def test_why_something_does_not_answer_is_said_in_our_words(fault: Exception, words: str) -> None:
    assert findings.why(fault) == words
