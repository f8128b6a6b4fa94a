"""A receiver of webhooks on loopback, which answers as it is told and keeps what it was sent."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from typing import Any
from uuid import UUID, uuid4

from pytest_django.fixtures import Settings
from standardwebhooks import Webhook as Verifier

from applications import events
from applications.actions import webhooks
from applications.delivery import rounds, turns
from applications.models import Event, Webhook, WebhookDelivery
from iam_portal.walls import tenant_scope
from tenants.models import Tenant
from tests.support.factories import SYSTEM

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def opened_by(self, secret: str) -> Any:
        """What the receiver's own library makes of it; it raises where the signature is not this secret's."""
        return Verifier(secret).verify(self.body, self.headers)


@dataclass
class Inbox:
    """``answers`` are used up one by one; afterwards everything is accepted."""

    port: int = 0
    scheme: str = "http"
    answers: list[Answer] = field(default_factory=list)
    requests: list[Received] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/hook?key=receivers-own"

    @property
    def ids(self) -> list[str]:
        return [request.id for request in self.requests]


def says(status: int, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def sleeps(seconds: float) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(seconds)
        handler.close_connection = True

    return answer


def drips(seconds: float) -> Answer:
    """A byte of a header now and then: no single wait is long, all together are."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        end = time.monotonic() + seconds
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        with suppress(OSError):
            while time.monotonic() < end:
                handler.wfile.write(b"x")
                handler.wfile.flush()
                time.sleep(0.05)
        handler.close_connection = True

    return answer


@contextmanager
def inbox(context: ssl.SSLContext | None = None) -> Iterator[Inbox]:
    made = Inbox(scheme="https" if context else "http")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            made.requests.append(Received(self.path, headers, body))
            answer = made.answers.pop(0) if made.answers else says(204)
            answer(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # handshakes that were cut
    if context:
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


@dataclass
class Clock:
    """Stands still until it is moved."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


def loopback_allowed(settings: Settings) -> None:
    settings.PORTAL_WEBHOOK_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    settings.PORTAL_WEBHOOK_INSECURE_HTTP = True
    # On a busy machine all is slow: a receiver that is to be slow is made so by its test.
    settings.WEBHOOK_CONNECT_SECONDS, settings.WEBHOOK_WHOLE_SECONDS = 20.0, 20.0
    settings.WEBHOOK_SLOW_SECONDS = 20.0


def subscribed(
    tenant: Tenant, url: str, *types: str, at: datetime, application_id: str | None = None
) -> tuple[Webhook, str]:
    wanted = webhooks.Wanted(url, types or ("iam.contract.*",), application_id=application_id)
    with tenant_scope(tenant.id):
        return webhooks.subscribe(tenant=tenant, wanted=wanted, by=SYSTEM, at=at)


def happens(tenant: Tenant, at: datetime, type: str = "contract.paused", **more: Any) -> None:
    """An event of the tenant, with its position."""
    data = {"contractId": str(uuid4()), "cause": {"reasons": [{"text": "Grüße"}]}}
    events.emit(type=type, tenant_id=tenant.id, subject="1", at=at, data=data, **more)
    events.sequence()


def deliver(clock: Clock, only: UUID | str | None = None) -> None:
    """Everything that is due now, one after the other, in this thread; or what is of one subscription."""
    events.sequence()
    for due in turns.due(at=clock()):
        if only is not None and str(due.webhook_id) != str(only):
            continue
        while rounds.serve(webhook_id=due.webhook_id, tenant_id=due.tenant_id, clock=clock):
            pass


def now_is(webhook: Webhook) -> Webhook:
    with tenant_scope(webhook.tenant_id):
        webhook.refresh_from_db()
    return webhook


def attempts(webhook: Webhook) -> list[tuple[str, int | None, str]]:
    """Outcome, status and error of each delivery, oldest first."""
    with tenant_scope(webhook.tenant_id):
        rows = WebhookDelivery.objects.filter(webhook=webhook).order_by("id")
        return list(rows.values_list("outcome", "status", "error"))


def events_of(tenant: Tenant) -> list[Event]:
    with tenant_scope(tenant.id):
        return list(Event.objects.filter(tenant=tenant, type="iam.contract.paused.v1").order_by("position"))
