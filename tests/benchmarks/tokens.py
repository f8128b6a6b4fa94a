"""Tokens and introspections, by the short way and without it: ``python -m tests.benchmarks.tokens``.

Real processes with the demo's story: web server, PostgreSQL, and ``wrk`` as the caller, all on this machine.
What counts is the time on the processor of web server and database for each request; requests per second say
the same where nothing else runs. Options: ``--seconds``, ``--connections``, ``--threads`` of a worker.
"""

import argparse
import base64
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote
from urllib.request import Request, urlopen

from tests.support.portal import RunningPortal

TICK = 1_000_000 / os.sysconf("SC_CLK_TCK")
LUA = """
wrk.method = "POST"
wrk.body = {body}
wrk.headers["Authorization"] = {authorization}
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
"""


@dataclass
class Portal(RunningPortal):
    """With two workers, and the short way on or off."""

    directory: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__(self.directory, with_seed=True)
        self._local.settings = {**self._local.settings, "LOG_LEVEL": "INFO", **self.settings}

    def web(self, workers: int, threads: int, way: str) -> int:
        """Another web server at the same port in the place of the present one; its process id."""
        for child in [each for each in self._supervisor._running if each.name == "web"]:
            self._supervisor.forget(child)
            child.stop()
        self._local.settings = {**self._local.settings, "PORTAL_SHORT_WAY": way}
        child = self._local.start_web(workers=workers, threads=threads)
        self._local.wait_ready()
        return int(child.process.pid)


@dataclass(frozen=True)
class Door:
    """What is asked, again and again."""

    url: str
    authorization: str
    body: str

    def ask(self) -> dict[str, object]:
        headers = {"Authorization": self.authorization, "Content-Type": "application/x-www-form-urlencoded"}
        with urlopen(Request(self.url, self.body.encode(), headers)) as reply:
            said: dict[str, object] = json.load(reply)
            return said


def doors(portal: RunningPortal) -> dict[str, Door]:
    """A token for the story's target by its caller, and its introspection by the target."""
    story, tenant = portal.story, portal.story["consumer"]["tenantId"]
    base = f"{portal.address}/iam/access-management/v1/tenants/{tenant}/openid-connect/token"
    target, caller = story["target"], story["caller"]
    scope = quote(f"aud:{target['applicationId']} openid")
    token = Door(base, _basic(caller), f"grant_type=client_credentials&scope={scope}")
    value = token.ask()["access_token"]
    return {"token": token, "introspection": Door(f"{base}/introspect", _basic(target), f"token={value}")}


def measured(door: Door, *, seconds: int, connections: int) -> tuple[float, str, int]:
    """Requests a second, the 99th percentile, and how many were asked."""
    for _ in range(20):
        door.ask()
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(LUA.format(body=json.dumps(door.body), authorization=json.dumps(door.authorization)))
        script.flush()
        size = ("-t1", f"-c{connections}", f"-d{seconds}s")
        command = ["wrk", *size, "--latency", "-s", script.name, door.url]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said:
        raise RuntimeError(said)
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])  # type: ignore[index]
    late = re.search(r"99%\s+(\S+)", said)[1]  # type: ignore[index]
    return rate, late, int(re.search(r"(\d+) requests in", said)[1])  # type: ignore[index]


def microseconds(root: int) -> float:
    """Of the processor, by a process and all that it has started and that still lives."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(path.parent.name)] = int(fields[1]), int(fields[11]) + int(fields[12])
    family = {root}
    for _ in range(6):
        family |= {pid for pid, (parent, _) in parents.items() if parent in family}
    return sum(parents[pid][1] for pid in family if pid in parents) * TICK


@contextmanager
def portal() -> Iterator[Portal]:
    """Started for the measurement, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder, Portal(Path(folder)) as made:
        yield made


def main() -> None:
    asked = argparse.ArgumentParser()
    for name, number in (("seconds", 10), ("connections", 32), ("threads", 2), ("rounds", 3)):
        asked.add_argument(f"--{name}", type=int, default=number)
    given = asked.parse_args()
    with portal() as made:
        database = int(next(made.directory.rglob("postmaster.pid")).read_text().split()[0])
        for number in range(given.rounds):
            for way in ("off", "on"):
                web = made.web(2, given.threads, way)
                for name, door in doors(made).items():
                    before = microseconds(web), microseconds(database)
                    rate, late, many = measured(door, seconds=given.seconds, connections=given.connections)
                    spent = microseconds(web) - before[0], microseconds(database) - before[1]
                    costs = ", ".join(
                        f"{what} {total / many:.0f}"
                        for what, total in zip(("web", "database"), spent, strict=True)
                    )
                    print(f"{number} {way}: {name} {rate:.0f}/s, p99 {late}; µs: {costs}", flush=True)


def _basic(holder: Mapping[str, str]) -> str:
    client_id = holder.get("clientId") or holder["applicationId"]
    pair = f"{client_id}:{holder['clientSecret']}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


if __name__ == "__main__":
    main()
