"""A receiver of webhooks that keeps what it was sent, and can be made to hang."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HANGS = 15.0  # longer than a worker waits


@dataclass
class Receiver:
    """By id: how often it came, which event it was, and when it came first."""

    port: int = 0
    hangs: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    times: Counter[str] = field(default_factory=Counter)
    order: list[str] = field(default_factory=list)
    arrived: list[tuple[float, str]] = field(default_factory=list)  # monotonic, and the event's own time
    different: list[str] = field(default_factory=list)
    _bodies: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def take(self, number: str, body: str) -> None:
        told = json.loads(body)
        if self._bodies.setdefault(number, body) != body or told["id"] != number:
            self.different.append(number)
        self.times[number] += 1
        if self.times[number] == 1:
            self.order.append(number)
            self.arrived.append((time.monotonic(), told["time"]))


@contextmanager
def receiving() -> Iterator[Receiver]:
    """On a port of loopback, until the end of the block."""
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            if made.hangs.is_set():
                made.over.wait(HANGS)
                self.close_connection = True
                return
            made.take(self.headers["webhook-id"], body)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a worker that was killed
    made.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
