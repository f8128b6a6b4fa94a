"""What 1,000 waiting readers cost: tokens a second with and without them, and how soon an event reaches them.

``python -m tests.benchmarks.live_readers`` starts a whole portal of its own (one web process, one event
service) and prints figures. Rounds with and without readers take turns, so that the machine's other work
falls on both.
"""

import argparse
import asyncio
import http.client
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import psycopg

from iam_portal.launchers.children import run
from iam_portal.launchers.portal import ROOT
from iam_portal.launchers.story_check import Credentials
from tests.support.portal import RunningPortal

API = "/iam/application-management/v1"
TENANTS = 10
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class Caller:
    """A service that acts on the portal, in a tenant of its own."""

    tenant_id: str
    client_id: str
    secret: str

    def form(self) -> str:
        return urlencode(
            {"grant_type": "client_credentials", "scope": "aud:iam-portal", "tenant_id": self.tenant_id}
        )

    def headers(self) -> dict[str, str]:
        return {**FORM, "Authorization": Credentials(self.client_id, self.secret).basic}


@dataclass
class Crowd:
    """Readers of all tenants, and when each event reached each reader of its tenant."""

    arrived: dict[str, list[float]] = field(default_factory=dict)
    connected: int = 0
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)

    async def read(self, port: int, path: str, token: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: text/event-stream"]
        writer.write(("\r\n".join([*lines, f"Authorization: Bearer {token}"]) + "\r\n\r\n").encode())
        try:
            assert b" 200 " in (first := await reader.readline()), first
            self.connected += 1
            async for line in reader:
                if line.startswith(b"data:"):
                    subject = json.loads(line[5:])["subject"]
                    self.arrived.setdefault(subject, []).append(time.monotonic())
        finally:
            writer.close()


class Load:
    """Threads that get tokens, one after the other, as fast as they are given."""

    def __init__(self, port: int, callers: list[Caller]) -> None:
        self._port, self._sent = port, [(caller.form(), caller.headers()) for caller in callers]

    def rate(self, seconds: float, threads: int = 4) -> float:
        """Tokens in a second."""
        counts, end = [0] * threads, time.monotonic() + seconds

        def ask(number: int) -> None:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
            while time.monotonic() < end:
                connection.request("POST", "/oauth2/token", *self._sent[counts[number] % TENANTS])
                reply = connection.getresponse()
                reply.read()
                assert reply.status == 200
                counts[number] += 1
            connection.close()

        workers = [threading.Thread(target=ask, args=[number]) for number in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return sum(counts) / seconds


def call(port: int, method: str, path: str, body: str, headers: dict[str, str]) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, body, headers)
    reply = connection.getresponse()
    answer = json.loads(reply.read())
    connection.close()
    assert reply.status in (200, 201), answer
    return answer


async def measure(portal: RunningPortal, callers: list[Caller], readers: int, seconds: float) -> None:
    port = urlsplit(portal.address).port or 0
    live = urlsplit(portal.environment["PORTAL_EVENTS_URL"]).port or 0
    load, rates = Load(port, callers), {"none": [], "waiting": [], "acts": []}
    await asyncio.to_thread(load.rate, 2.0)
    for turn in range(3):
        rates["none"].append(await asyncio.to_thread(load.rate, seconds))
        crowd = Crowd()
        tokens = [
            call(port, "POST", "/oauth2/token", each.form(), each.headers())["access_token"]
            for each in callers
        ]
        begin = time.monotonic()
        for number in range(readers):
            caller, token = callers[number % TENANTS], tokens[number % TENANTS]
            path = f"{API}/tenants/{caller.tenant_id}/events?after=latest"
            crowd.tasks.append(asyncio.create_task(crowd.read(live, path, token)))
        while crowd.connected < readers:
            await asyncio.sleep(0.05)
            assert not any(task.done() for task in crowd.tasks)
        print(f"round {turn + 1}: {readers} readers connected in {time.monotonic() - begin:.1f} s")
        rates["waiting"].append(await asyncio.to_thread(load.rate, seconds))
        delays = await act(port, crowd, callers[0], tokens[0], readers // TENANTS)
        report(
            f"an event reached all {readers // TENANTS} readers of its tenant after the act's reply", delays
        )
        busy = asyncio.create_task(asyncio.to_thread(load.rate, seconds))
        delays = await act(port, crowd, callers[1], tokens[1], readers // TENANTS)
        rates["acts"].append(await busy)
        report("the same while tokens are asked for", delays)
        for task in crowd.tasks:
            task.cancel()
        await asyncio.gather(*crowd.tasks, return_exceptions=True)
    none, waiting, acts = (statistics.median(rates[name]) for name in ("none", "waiting", "acts"))
    print(f"tokens a second: {none:.0f} with no reader, {waiting:.0f} with {readers} waiting", end=" ")
    print(f"(ratio {waiting / none:.2f}), {acts:.0f} with {readers} and events")


def report(what: str, delays: list[float]) -> None:
    middle, longest = statistics.median(delays) * 1000, max(delays) * 1000
    print(f"  {what}: median {middle:.0f} ms, longest {longest:.0f} ms")


async def act(port: int, crowd: Crowd, caller: Caller, token: str, readers: int) -> list[float]:
    """Ten applications are registered; how long after each reply had every reader its event."""
    delays = []
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    for _ in range(10):
        name = f"made-{time.monotonic_ns()}"
        body = json.dumps({"name": name, "displayName": name})
        path = f"{API}/tenants/{caller.tenant_id}/applications"
        made = await asyncio.to_thread(call, port, "POST", path, body, headers)
        replied = time.monotonic()
        subject = made["applicationId"]
        while len(crowd.arrived.get(subject, ())) < readers:
            await asyncio.sleep(0.002)
            assert time.monotonic() < replied + 30, "an event did not arrive"
        delays.append(max(0.0, max(crowd.arrived[subject]) - replied))
    return delays


def writer_cost(owner: str, rows: int = 200) -> None:
    """One event in a transaction of its own, with and without the trigger that tells a listener; in turns."""
    insert = """
        INSERT INTO applications_event (event_id, type, tenant_id, subject, at, data)
        SELECT gen_random_uuid(), 'iam.none.v1', id, 'x', now(), '{}' FROM tenants_tenant LIMIT 1
    """
    taken: dict[str, list[float]] = {"DISABLE": [], "ENABLE": []}
    with (
        psycopg.connect(owner, autocommit=True) as database,
        psycopg.connect(owner, autocommit=True) as heard,
    ):
        heard.execute("LISTEN iam_events")
        for _ in range(20):
            for way, measured in taken.items():
                database.execute(f"ALTER TABLE applications_event {way} TRIGGER event_told")
                begin = time.monotonic()
                for _ in range(rows):
                    database.execute(insert)
                measured.append((time.monotonic() - begin) / rows * 1e6)
                list(heard.notifies(timeout=0))
    without, told = (statistics.median(measured) for measured in taken.values())
    print(f"a transaction with one event: {without:.0f} µs without the message, {told:.0f} µs with it")


def make_world() -> None:
    """In the portal's environment: tenants with a service each; their credentials as JSON."""
    from datetime import UTC, datetime

    import django

    django.setup()
    from applications.actions import applications, clients
    from tests.support.factories import SYSTEM, make_tenant
    from tests.support.knocking import give

    made, at = [], datetime.now(UTC)
    for number in range(TENANTS):
        tenant = make_tenant(f"tenant-{number}", at=at)
        details = applications.Details(name="reader", display_name="Reader")
        named = {"application_id": f"{tenant.slug}.reader"}
        row = applications.register(owner=tenant, details=details, by=SYSTEM, at=at, **named)
        _, secret = clients.add_secret(tenant=tenant, client_id=row.id, by=SYSTEM, at=at)
        give(tenant, "module-manager", principal_application_id=row.id)
        made.append([str(tenant.id), row.id, secret])
    print(json.dumps(made))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--readers", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--world", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.world:
        make_world()
        return
    for limit in ("STREAMS_PER_CALLER", "STREAMS_PER_TENANT", "UNREAD_PER_ADDRESS"):
        os.environ[f"PORTAL_EVENT_{limit}"] = str(options.readers)
    with tempfile.TemporaryDirectory(prefix="iam-bench-") as directory:
        Path(directory).chmod(0o711)
        with RunningPortal(Path(directory) / "portal") as portal:
            command = [sys.executable, "-m", "tests.benchmarks.live_readers", "--world"]
            said = run(command, environment=portal.environment, directory=ROOT)
            callers = [Caller(*each) for each in json.loads(said.splitlines()[-1])]
            asyncio.run(measure(portal, callers, options.readers, options.seconds))
            portal.events.stop()  # what it does with the events is not the writer's
            writer_cost(portal.environment["DATABASE_OWNER_URL"])


if __name__ == "__main__":
    main()
