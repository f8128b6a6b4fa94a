"""Requests of one kind, sent over and over by the load tool, and what a round of them took."""

import http.client
import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from iam_portal.launchers.children import LaunchError

CONNECTIONS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One request, and what its answer must be. ``bodies``, where each may be sent once only.

    ``draws``, where many ask: for each request what is its own (headers, path, body), and ``order``, in which
    they come, over and over, or ``once``.
    """

    path: str
    method: str = "POST"
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    status: int = 200
    holds: str = ""
    bodies: Sequence[str] = ()
    draws: Sequence[Mapping[str, Any]] = ()
    order: Sequence[int] = ()
    once: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round took: all times of the processor in seconds."""

    requests: int
    seconds: float
    p50: float  # ms
    p99: float  # ms
    errors: int  # no answer, or another than the one expected
    sample: str  # of a wrong answer
    tool: float
    server: float = 0.0
    database: float = 0.0

    @property
    def rate(self) -> float:
        return self.requests / self.seconds

    def each(self, spent: float) -> float:
        """Microseconds for each request."""
        return 1e6 * spent / max(self.requests, 1)


@dataclass(frozen=True, slots=True)
class Tool:
    """The load tool and its Node.js, as `make bench` installed them."""

    node: Path
    script: Path

    def run(self, origin: str, job: Job, seconds: float) -> dict[str, Any]:
        """One round against this origin; what the tool itself found."""
        request: dict[str, Any] = {"path": job.path, "method": job.method, "headers": job.headers}
        if job.body:
            request["body"] = job.body
        told = {
            "origin": origin,
            "connections": CONNECTIONS,
            "seconds": seconds,
            "request": request,
            "bodies": list(job.bodies),
            "draws": list(job.draws),
            "order": list(job.order),
            "once": job.once,
            "status": job.status,
            "holds": job.holds,
        }
        try:
            done = subprocess.run(
                [str(self.node), str(self.script)],
                input=json.dumps(told),
                capture_output=True,
                text=True,
                timeout=seconds + 120,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise LaunchError(f"The load tool has no end at {origin}{job.path}.") from error
        if done.returncode != 0:
            raise LaunchError(f"The load tool failed:\n{done.stderr}")
        found: dict[str, Any] = json.loads(done.stdout)
        return found


def sent(port: int, job: Job) -> tuple[dict[str, str], bytes]:
    """One request, by ourselves: headers, by their names in lower case, and body of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(job.method, job.path, job.body or None, job.headers)
        reply = connection.getresponse()
        body = reply.read()
    finally:
        connection.close()
    if reply.status != job.status:
        raise LaunchError(f"{job.path} answers {reply.status}: {body[:300]!r}")
    return {name.lower(): value for name, value in reply.headers.items()}, body


def measured(
    tool: Tool,
    origin: str,
    job: Job,
    length: float,
    *,
    server: Callable[[], float],
    database: Callable[[], float],
) -> Round:
    """A round, with the processor's time of the server and of the database beside it."""
    before = server(), database()
    found = tool.run(origin, job, length)
    after = server(), database()
    return Round(
        requests=found["requests"],
        seconds=found["seconds"],
        p50=found["p50"],
        p99=found["p99"],
        errors=found["errors"],
        sample=found["sample"],
        tool=found["processor"],
        server=after[0] - before[0],
        database=after[1] - before[1],
    )
