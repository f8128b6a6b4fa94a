"""Do the small questions cost the same with 10 and with 10,000 organizations? ``make bench-growth``

One world after the other on a PostgreSQL of its own, each asked through the portal's WSGI application in this
process. Prints a table; writes the figures as JSON and as the picture of ``docs/performance.md``.
"""

import argparse
import io
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import django
import psycopg

# Its own server: the one that keeps the tests' databases is no place for a world of 10,000 organizations.
os.environ.pop("TEST_DATABASE_OWNER_URL", None)
os.environ["PORTAL_ENVIRONMENT"] = "test"
os.environ["DJANGO_SETTINGS_MODULE"] = "iam_portal.settings"
django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection, connections  # noqa: E402
from django.utils import timezone  # noqa: E402

from accesscontrol.oauth.short.lines import KeptReader  # noqa: E402
from applications.actions import pauses  # noqa: E402
from iam_portal.launchers.portal import ROOT  # noqa: E402
from iam_portal.wsgi import application  # noqa: E402
from tenants.models import Tenant  # noqa: E402
from tests.benchmarks import documents  # noqa: E402
from tests.benchmarks.beside.loading import Job  # noqa: E402
from tests.benchmarks.beside.ours import Story  # noqa: E402
from tests.benchmarks.beside.processors import alone  # noqa: E402
from tests.benchmarks.beside.world import Told, make  # noqa: E402
from tests.benchmarks.curves import Chart  # noqa: E402
from tests.benchmarks.world import World  # noqa: E402
from tests.support import database  # noqa: E402
from tests.support.factories import SYSTEM  # noqa: E402

SIZES = (10, 100, 1_000, 10_000)
WARM, ROUNDS, PAUSES = 10, 60, 15
PICTURES = ROOT / "docs/pictures"
_BACKENDS = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
)


@dataclass(slots=True)
class Measured:
    """Of one thing in one world: milliseconds on the processors of both sides, and statements."""

    milliseconds: list[float] = field(default_factory=list)
    statements: list[int] = field(default_factory=list)

    def figures(self) -> dict[str, float]:
        return {"ms": round(median(self.milliseconds), 2), "statements": int(median(self.statements))}


def sizes(tenants: int) -> dict[str, int]:
    """A page of 50 is full in every world; half of all organizations have the most shared application."""
    return {
        "tenants": tenants,
        "applications": max(80, tenants // 5),
        "contracts": 10 * tenants + 100,
        "owners": max(4, tenants // 20),
        "wide": 1,
        "wide_consumers": tenants // 2,
        "heavy": 1,
        "heavy_contracts": 60,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=int, default=SIZES[-1], help="leave out larger worlds")
    parser.add_argument("--out", type=Path, default=PICTURES, help="folder of growth.json and growth.svg")
    options = parser.parse_args()
    wanted = [tenants for tenants in SIZES if tenants <= options.largest]
    settings.ALLOWED_HOSTS.append(urlsplit(settings.PORTAL_BASE_URL).hostname)
    connections.settings["default"]["CONN_MAX_AGE"] = None  # kept, as in service
    found = {}
    # To compare the clocks closes the connection that is measured.
    with mock.patch("iam_portal.clock._database_clock", time.time), database.prepared():
        for tenants in wanted:
            database.reseed()
            found[tenants] = _asked(tenants)
    (options.out / "growth.json").write_text(json.dumps(found, indent=2) + "\n")
    (options.out / "growth.svg").write_text(chart(found).svg())
    if options.out == PICTURES:
        documents.put(ROOT / "docs/performance.md", "growth", table(found))
    print(f"\n{table(found)}\n\nWritten to {options.out}.")


def _asked(tenants: int) -> dict[str, dict[str, float]]:
    begun = time.perf_counter()
    told = make(World(name=f"w{tenants}", at=timezone.now(), **sizes(tenants)))
    print(f"{sizes(tenants)}, built in {time.perf_counter() - begun:.0f} s", flush=True)
    found = {what: _measured(ask, ROUNDS) for what, ask in _questions(told).items()}
    found["pausing a contract"] = _paused(told)
    return {what: measured.figures() for what, measured in found.items()}


def _questions(told: Told) -> dict[str, Callable[[], object]]:
    story = Story(_send, settings.PORTAL_BASE_URL, asdict(told), 0.0)
    jobs = {
        "token": story.token(),
        "introspection": story.introspection(),
        "a page of 50 applications": story.applications(),
        "availability": story.availability(),
        "a decision": story.decision(),
    }
    return {what: _asking(job) for what, job in jobs.items()}


def _asking(job: Job) -> Callable[[], object]:
    def ask() -> None:
        _, body = _send(job)
        assert job.holds.encode() in body, body

    return ask


def _paused(told: Told) -> Measured:
    """Only the pause is measured; the contract goes on after each."""
    provider = Tenant.objects.get(id=told.provider)
    found = Measured()

    def act(verb: Callable[..., object]) -> None:
        verb(tenant=provider, contract_id=told.contract, by=SYSTEM, at=timezone.now())

    for _ in range(PAUSES):
        one = _measured(lambda: act(pauses.pause), 1, warm=0)
        found.milliseconds += one.milliseconds
        found.statements += one.statements
        act(pauses.resume)
    return found


def _measured(ask: Callable[[], object], rounds: int, *, warm: int = WARM) -> Measured:
    for _ in range(warm):
        ask()
    found, backends = Measured(), _backends()
    for _ in range(rounds):
        with _counted() as sent:
            before = _effort(backends)
            ask()
            found.milliseconds.append(1000 * (_effort(backends) - before))
        found.statements.append(len(sent))
    return found


def _backends() -> list[int]:
    """Every connection to this database: also those that are not the framework's."""
    with connection.cursor() as cursor:
        cursor.execute(_BACKENDS)
        return [pid for (pid,) in cursor.fetchall()]


def _effort(backends: list[int]) -> float:
    return time.process_time() + sum(alone(pid) for pid in backends)


@contextmanager
def _counted() -> Iterator[list[object]]:
    """Every statement that this process sends, by whichever connection."""
    sent: list[object] = []
    execute = psycopg.Cursor.execute

    def note(self: Any, query: Any, *arguments: Any, **named: Any) -> Any:
        sent.append(query)
        return execute(self, query, *arguments, **named)

    read = KeptReader.read

    def confirm(self: KeptReader, *arguments: Any) -> Any:
        sent.append("the version of what is kept")  # it goes below the cursor
        return read(self, *arguments)

    with mock.patch.object(psycopg.Cursor, "execute", note), mock.patch.object(KeptReader, "read", confirm):
        yield sent


def _send(job: Job) -> tuple[dict[str, str], bytes]:
    """Through the portal's WSGI application, as the web server calls it."""
    path, _, query = job.path.partition("?")
    host = urlsplit(settings.PORTAL_BASE_URL)
    headers = {name.upper().replace("-", "_"): value for name, value in job.headers.items()}
    environ = {
        "REQUEST_METHOD": job.method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": host.hostname or "",
        "SERVER_PORT": str(host.port or 80),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": headers.pop("CONTENT_TYPE", ""),
        "CONTENT_LENGTH": str(len(job.body.encode())),
        "HTTP_HOST": host.netloc,
        "wsgi.input": io.BytesIO(job.body.encode()),
        "wsgi.errors": io.StringIO(),
        "wsgi.url_scheme": host.scheme,
        "wsgi.version": (1, 0),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        **{f"HTTP_{name}": value for name, value in headers.items()},
    }
    begun: list[Any] = []
    answer = application(environ, lambda status, headers, *_: begun.append((status, headers)))
    try:
        body = b"".join(answer)
    finally:
        getattr(answer, "close", lambda: None)()
    ((status, fields),) = begun
    assert status.startswith(str(job.status)), (status, body)
    return {name.lower(): value for name, value in fields}, body


def chart(found: dict[int, dict[str, dict[str, float]]]) -> Chart:
    """Milliseconds over organizations; each name with its statements in the largest world."""
    places = list(found)
    names = list(found[places[-1]])
    return Chart(
        title=f"What one question costs, from {places[0]:,} to {places[-1]:,} organizations",
        across="organizations",
        up="ms on the processor, web and database together",
        places=places,
        curves={name: [found[place][name]["ms"] for place in places] for name in names},
        notes={name: f"{_statements(found, name)} statements" for name in names},
    )


def table(found: dict[int, dict[str, dict[str, float]]]) -> str:
    """The same in Markdown."""
    places = list(found)
    lines = [
        f"| organizations | {' | '.join(f'{place:,}' for place in places)} | statements |",
        "|---|" + "--:|" * (len(places) + 1),
    ]
    for name in found[places[-1]]:
        cells = [f"{found[place][name]['ms']:.1f}" for place in places]
        lines.append(f"| {name} | {' | '.join(cells)} | {_statements(found, name)} |")
    return "\n".join(lines)


def _statements(found: dict[int, dict[str, dict[str, float]]], name: str) -> str:
    counts = sorted({int(world[name]["statements"]) for world in found.values()})
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]}–{counts[-1]}"


if __name__ == "__main__":
    main()
