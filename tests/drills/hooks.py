"""Webhooks without a pause, to a receiver that verifies each by the secrets that it has been given."""

import base64
import hashlib
import hmac
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from iam_portal.launchers.children import Child, LaunchError
from iam_portal.launchers.demo import Story
from iam_portal.launchers.portal import LocalPortal
from tests.support.browsing import Login
from tests.support.console import Console
from tests.support.stage import Stage

SETTINGS = {"PORTAL_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8", "PORTAL_WEBHOOK_INSECURE_HTTP": "true"}
PATIENCE = 90.0  # seconds until a delivery has come


@dataclass
class Verifying:
    """``secrets``: what it accepts now. ``by``: deliveries by the secret that each was verified with."""

    url: str
    secrets: list[str] = field(default_factory=list)
    by: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)

    def take(self, headers: Any, body: bytes) -> None:
        """As the specification of Standard Webhooks has it, without a line of the portal's."""
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        marks = headers["webhook-signature"].split()
        for secret in self.secrets:
            mark = hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256)
            if f"v1,{base64.b64encode(mark).decode()}" in marks:
                self.by[secret] += 1
                return
        self.refused.append(headers["webhook-id"])


@contextmanager
def verifying() -> Iterator[Verifying]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made.take(self.headers, self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Verifying(f"http://127.0.0.1:{server.server_address[1]}/hook")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()


def patiently(wait: Callable[[], None]) -> None:
    """Three times as long, where a machine is busy with much else."""
    for _ in range(2):
        with suppress(LaunchError):
            return wait()
    return wait()


class Hooks:
    """A contract that is paused and resumed all the time, and a worker that tells of it.

    Web and worker are those of one portal; :meth:`move_to` goes to those of the next.
    """

    def __init__(self, portal: LocalPortal, story: Story, stage: Stage, receiver: Verifying) -> None:
        self._story, self.receiver, self.stage = story, receiver, stage
        self._portal, self._over = portal, threading.Event()
        self._workers: list[Child] = []
        self._busy = threading.Lock()
        self._changes = threading.Thread(target=self._change)
        told = {"url": receiver.url, "types": ["iam.contract.*"]}
        made = self._console().call("POST", "webhooks", told)
        self._id, receiver.secrets = made["webhookId"], [made["secret"]]

    def __enter__(self) -> "Hooks":
        self.move_to(self._portal, self.stage)
        self._workers.append(self._own(self._portal.start_beat()))
        self._changes.start()
        self.go_on()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._changes.join()
        for child in self._workers:
            child.stop()

    def move_to(self, portal: LocalPortal, stage: Stage) -> None:
        """Its worker is there before the one before goes."""
        before, self._portal = self._workers[:1], portal
        self.act_by(stage)
        worker = self._own(portal.start_worker())
        patiently(lambda: portal.wait_worker(worker))
        self._workers[:1] = [worker]
        for child in before:
            child.stop()

    def act_by(self, stage: Stage) -> None:
        """Nobody acts by the one before any more."""
        with self._busy:
            self.stage = stage

    def rotate(self) -> None:
        """A new secret beside the old one; the receiver changes over; then the old one ends."""
        hook, receiver = f"webhooks/{self._id}", self.receiver
        (old,) = self._console().call("GET", hook)["secrets"]
        made = self._console().call("POST", f"{hook}/secrets", {})
        self.go_on()  # the receiver knows nothing of it yet
        receiver.secrets.append(made["secret"])
        self.go_on()
        receiver.secrets.pop(0)
        self.go_on()
        self._console().call("DELETE", f"{hook}/secrets/{old['secretId']}")
        self.go_on()

    def go_on(self, least: int = 3) -> None:
        """Until so many more came and were verified."""
        wanted, deadline = self.receiver.by.total() + least, time.monotonic() + PATIENCE
        while self.receiver.by.total() < wanted:
            assert not self.receiver.refused, self.receiver.refused
            assert time.monotonic() < deadline, "no webhook comes any more"
            time.sleep(0.1)

    def _own(self, child: Child) -> Child:
        """We end it, and what the supervisor finds ended would be a reason to wait for nothing any more."""
        self._portal.supervisor.forget(child)
        return child

    def _console(self) -> Console:
        told = self._story["provider"]
        return Console(self._portal.address, told["tenantId"], Login.of(told))

    def _change(self) -> None:
        while not self._over.wait(0.3):
            with self._busy:
                self.stage.do(self.stage.provider, "pause")
                self.stage.do(self.stage.provider, "resume")
