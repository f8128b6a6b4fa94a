"""Requests of one kind, sent over and over by the load tool, and what a round of them took."""

import http.client
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from iam_portal.launchers.children import LaunchError

CONNECTIONS = 32
SCRIPT = Path(__file__).with_name("load.lua")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One request, and what its answer must be. ``bodies``, where each may be sent once only.

    ``draws``, where many ask: for each request what is its own (headers, path, body), and ``order``, in which
    they come, over and over, or ``once`` (about: the tool ends within a tenth of a second).
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


def checked_tool() -> None:
    """Is there a load tool?"""
    if shutil.which("wrk") is None:
        raise LaunchError("The load comes from wrk, which is not installed (Debian: wrk).")


def load(origin: str, job: Job, seconds: float) -> Round:
    """One round of so many whole seconds, one at least, against this origin."""
    length = max(1, round(seconds))
    with tempfile.NamedTemporaryFile() as told:
        told.writelines(_told(origin, job))
        told.flush()
        size = ["-t1", f"-c{CONNECTIONS}", f"-d{length}s", "--timeout", "60s"]
        command = ["wrk", *size, "-s", str(SCRIPT), origin, "--", told.name]
        before = _children()
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=length + 120, check=False)
        except subprocess.TimeoutExpired as error:
            raise LaunchError(f"The load tool has no end at {origin}{job.path}.") from error
        spent = _children() - before
    figures, _, sample = done.stderr.partition("\n")
    try:
        requests, took, p50, p99, errors = map(float, figures.split())
    except ValueError as error:
        raise LaunchError(f"The load tool failed:\n{done.stdout}{done.stderr}") from error
    return Round(
        requests=int(requests),
        seconds=took / 1e6,
        p50=p50 / 1e3,
        p99=p99 / 1e3,
        errors=int(errors),
        sample=sample,
        tool=spent,
    )


def _told(origin: str, job: Job) -> Iterator[bytes]:
    """What the tool reads (``load.lua``)."""
    often = "end" if job.once else "once" if job.bodies else "again"
    drawn = job.draws or [{"body": body} for body in job.bodies] or [{}]
    yield f"{job.status}\n{job.holds}\n{often}\n{len(drawn)}\n".encode()
    for own in drawn:
        raw = _raw(origin, job, own)
        yield f"{len(raw)}\n".encode() + raw
    yield "\n".join(str(place + 1) for place in job.order).encode()


def _raw(origin: str, job: Job, own: Mapping[str, Any]) -> bytes:
    """A request as it goes over the wire (RFC 9112), with what is its own."""
    body = own.get("body", job.body).encode()
    headers = {"Host": urlsplit(origin).netloc, **own.get("headers", job.headers)}
    if body:
        headers["Content-Length"] = str(len(body))
    lines = [f"{job.method} {own.get('path', job.path)} HTTP/1.1", *map(": ".join, headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _children() -> float:
    """Seconds on the processor of all that was waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


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
    origin: str,
    job: Job,
    length: float,
    *,
    server: Callable[[], float],
    database: Callable[[], float],
) -> Round:
    """A round, with the processor's time of the server and of the database beside it."""
    before = server(), database()
    found = load(origin, job, length)
    after = server(), database()
    return replace(found, server=after[0] - before[0], database=after[1] - before[1])
