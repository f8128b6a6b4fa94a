"""The worker seen from outside: its tasks counted and named in every line of its log, a port for probes.

``PORTAL_WORKER_PORT`` (``127.0.0.1:9101``) is answered by the worker's parent process: ``/livez``,
``/readyz`` (200 from the moment it takes tasks until it is told to stop) and ``/metrics`` of all its
processes. A broker or a database that is away makes a worker neither dead nor unready: it comes back by
itself, and a restart would not help. One whose clock is wrong is not ready: it carries out nothing.
"""

import os
import threading
import time
from contextlib import AbstractContextManager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import structlog
from celery.signals import (
    before_task_publish,
    celeryd_init,
    setup_logging,
    task_postrun,
    task_prerun,
    worker_ready,
    worker_shutting_down,
)
from django.conf import settings

from iam_portal import exposition, metrics, telemetry
from iam_portal.clock import OWN

log = structlog.get_logger("iam.worker")

_begun: dict[str, float] = {}  # by the task's id
_spans: dict[str, AbstractContextManager[telemetry.Noted]] = {}
_state = {"status": "starting"}


@setup_logging.connect
def _keep_our_logging(**_: Any) -> None:
    """With a receiver, the library leaves the logging of the settings alone: lines of JSON here, too."""


@before_task_publish.connect
def _carry_request(*, headers: dict[str, Any] | None = None, **_: Any) -> None:
    """The request that a task comes of is named in the worker's lines."""
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    if headers is not None and request_id:
        headers["iam_request_id"] = request_id
    if headers is not None:
        headers.update(telemetry.carried())


@task_prerun.connect
def _begins(*, task_id: str, task: Any, **_: Any) -> None:
    _begun[task_id] = time.monotonic()
    request_id = _header(task, "iam_request_id")
    structlog.contextvars.clear_contextvars()
    named = {"request_id": request_id} if request_id else {}
    structlog.contextvars.bind_contextvars(task=task.name, task_id=task_id, **named)
    carrier = {"traceparent": _header(task, "traceparent")}
    span = telemetry.span(task.name, kind=telemetry.CONSUMER, carrier=carrier)
    span.__enter__()
    _spans[task_id] = span


def _header(task: Any, name: str) -> str:
    """Of the message; of a task that runs in the process that asks for it, of what it was given."""
    return str(task.request.get(name) or (task.request.headers or {}).get(name) or "")


@task_postrun.connect
def _ends(*, task_id: str, task: Any, state: str | None = None, **_: Any) -> None:
    begun = _begun.pop(task_id, None)
    if span := _spans.pop(task_id, None):
        span.__exit__(None, None, None)
    if begun is not None:
        outcome = {"FAILURE": "failed", "IGNORED": "put_off"}.get(state or "", "done")
        metrics.TASKS.labels(task.name, outcome).inc()
        metrics.TASK_SECONDS.labels(task.name).observe(time.monotonic() - begun)
        metrics.note_pool()
    structlog.contextvars.clear_contextvars()


class Door(BaseHTTPRequestHandler):
    """GET of three addresses; nothing else, and no body is read."""

    timeout = 5.0  # for the request to come
    server_version, sys_version = "iam-worker", ""

    def do_GET(self) -> None:
        """As the web answers them."""
        if self.path == "/livez":
            self._say(HTTPStatus.OK, b'{"status": "ok"}')
        elif self.path == "/readyz":
            word = _status()
            status = HTTPStatus.OK if word == "ok" else HTTPStatus.SERVICE_UNAVAILABLE
            self._say(status, f'{{"status": "{word}"}}'.encode())
        elif self.path == "/metrics":
            status = HTTPStatus(exposition.access(self.headers.get("Authorization", "")))
            body = exposition.text() if status == HTTPStatus.OK else b""
            self._say(status, body, exposition.CONTENT_TYPE)
        else:
            self._say(HTTPStatus.NOT_FOUND, b"")

    def _say(self, status: HTTPStatus, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        if status == HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", 'Bearer realm="metrics"')
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Probes are no news."""


def _status() -> str:
    """``clock_off``: it takes tasks from the broker, and carries none out."""
    word = _state["status"]
    return "clock_off" if word == "ok" and not OWN.is_right() else word


def serve(address: str) -> ThreadingHTTPServer:
    """Answer at ``host:port`` from a thread. A child of the worker lets go of the port."""
    host, _, port = address.rpartition(":")
    server = ThreadingHTTPServer((host or "127.0.0.1", int(port)), Door)
    server.daemon_threads = True
    os.register_at_fork(after_in_child=server.socket.close)
    threading.Thread(target=server.serve_forever, name="worker-port", daemon=True).start()
    return server


@celeryd_init.connect
def _worker_begins(**_: Any) -> None:
    if settings.PORTAL_WORKER_PORT:
        serve(settings.PORTAL_WORKER_PORT)


@worker_ready.connect
def _takes_tasks(**_: Any) -> None:
    _state["status"] = "ok"


@worker_shutting_down.connect
def _stops(**_: Any) -> None:
    _state["status"] = "stopping"
