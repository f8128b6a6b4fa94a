"""How soon is a changed contract visible everywhere? ``python -m tests.benchmarks.visible``

Fill the database of DATABASE_URL with `manage.py generate_load` first (DATABASE_OWNER_URL beside it). Two web
servers of the portal run on it. One is asked to pause or resume a contract; when it has replied, the other is
asked at once what follows from it. Every first answer must be of the new state.
"""

import argparse
import json
import os
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import psycopg
from django.conf import settings

from iam_portal.launchers.children import run
from iam_portal.launchers.portal import ROOT, LocalPortal, Servers
from iam_portal.launchers.processes import Supervisor
from iam_portal.launchers.story_check import Answer, Credentials, Portal
from iam_portal.launchers.valkey import free_port
from tests.benchmarks.beside import processors

os.environ.setdefault("PORTAL_ENVIRONMENT", "test")
os.environ["DJANGO_SETTINGS_MODULE"] = "iam_portal.settings"
ACL = "/iam/access-management/v1/application/acl"
RING = settings.PORTAL_ENCRYPTION_KEYS  # of this environment, as of `manage.py generate_load`
Ask = Callable[[], bool]


class Sides:
    """Who changes the contract, at one server, and who asks, at the other: whether it is as if in force."""

    def __init__(self, told: dict[str, Any], changing: Portal, asked: Portal) -> None:
        self.told, self.changing, self.asked = told, changing, asked
        self.target, self.caller, self.manager = (
            Credentials(*told[name]) for name in ("target", "caller", "manager")
        )

    def act(self, verb: str) -> Answer:
        token = self._portal_token(self.changing, self.manager, self.told["provider"])
        begun = time.perf_counter()
        path = f"tenants/{self.told['provider']}/contracts/{self.told['contract']}/{verb}"
        answer = self.changing.manage("POST", path, token)
        self.seconds = time.perf_counter() - begun
        return answer

    def questions(self) -> dict[str, Ask]:
        """Each is one request; what it takes to ask is at hand."""
        consumer, target = self.told["consumer"], self.target.client_id
        kept = self.asked.token(self.caller, consumer, f"aud:{target}").body.get("access_token", "")
        self.kept = kept or self.kept
        portal_token = self._portal_token(self.asked, self.caller, consumer)

        def read(path: str) -> dict[str, Any]:
            return self.asked.manage("GET", f"tenants/{consumer}/{path}", portal_token).body

        def acl() -> dict[str, Any]:
            address = f"{self.asked.base}{ACL}?tenantId={consumer}"
            request = urllib.request.Request(address, headers={"Authorization": self.target.basic})
            with urllib.request.urlopen(request) as reply:
                return dict(json.load(reply))

        return {
            "token": lambda: self.asked.token(self.caller, consumer, f"aud:{target}").status == 200,
            "introspection": lambda: bool(
                self.asked.introspect(self.target, consumer, self.kept).body["active"]
            ),
            "availability": lambda: bool(read(f"applications/{target}/availability")["available"]),
            "the list of applications": lambda: bool(read(f"applications?search={target}&limit=50")["items"]),
            "the ACL": lambda: bool(acl()["resources"]),
        }

    def _portal_token(self, portal: Portal, who: Credentials, tenant_id: str) -> str:
        answer = portal.token(who, tenant_id, "aud:iam-portal")
        assert answer.status == 200, answer
        return str(answer.body["access_token"])


@contextmanager
def standing() -> Iterator[tuple[Sides, list[int]]]:
    """Two servers on the given database, and all processes that work."""
    given = Servers(os.environ["DATABASE_URL"], os.environ["DATABASE_OWNER_URL"])
    with tempfile.TemporaryDirectory(prefix="iam-") as home, Supervisor() as supervisor:
        portals = [LocalPortal(Path(home), free_port(), supervisor, given) for _ in range(2)]
        for portal in portals:  # the wall of the database believes those who filled it
            portal.settings = {**portal.settings, "PORTAL_ENCRYPTION_KEYS": ",".join(RING)}
        portals[0].start_broker()
        portals[0].manage("collectstatic", "--noinput")
        command = [sys.executable, "-m", "tests.benchmarks.visible_story"]
        told = json.loads(run(command, environment=portals[0].environment, directory=ROOT).splitlines()[-1])
        children = [portal.start_web(workers=1) for portal in portals]
        for portal in portals:
            portal.wait_ready()
        roots = [child.process.pid for child in children]  # type: ignore[union-attr]
        yield Sides(told, *(Portal(portal.address) for portal in portals)), [*roots, _postmaster()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    with standing() as (sides, roots):
        found = _measured(sides, roots, options.rounds)
    print(table(found))


def _measured(sides: Sides, roots: list[int], rounds: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for number in range(-2, rounds):  # two for warming
        for verb, in_force in (("pause", False), ("resume", True)):
            questions = sides.questions()
            for ask in questions.values():
                assert ask() is not in_force
            seconds, spent = _once(sides, verb, questions, in_force, roots)
            if number >= 0:
                for what, value in (*seconds.items(), ("processor", spent)):
                    found[f"{verb}: {what}"].append(1000 * value)
    return found


def _once(
    sides: Sides, verb: str, questions: dict[str, Ask], in_force: bool, roots: list[int]
) -> tuple[dict[str, float], float]:
    """Seconds from the request: until its reply, until each answer, until all. And on the processor."""
    before = sum(map(processors.seconds, roots))
    with ThreadPoolExecutor(len(questions)) as pool:
        answer = sides.act(verb)
        assert answer.status == 200, answer
        replied = sides.seconds
        begun = time.perf_counter()

        def asked(ask: Ask) -> tuple[bool, float]:
            return ask(), time.perf_counter() - begun

        answers = dict(zip(questions, pool.map(asked, questions.values()), strict=True))
    assert {seen for seen, _ in answers.values()} == {in_force}, (verb, answers)
    seconds = {"its reply": replied}
    seconds |= {what: replied + later for what, (_, later) in answers.items()}
    return {**seconds, "all of it": max(seconds.values())}, sum(map(processors.seconds, roots)) - before


def _postmaster() -> int:
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as connection:
        (pid,) = connection.execute("SELECT pg_backend_pid()").fetchone() or (0,)
        return processors.parent(pid)


def table(found: dict[str, list[float]]) -> str:
    """Milliseconds from the request that changes it, in Markdown."""
    lines = ["| until | median, ms | p95, ms |", "|---|--:|--:|"]
    for what, values in found.items():
        lines.append(f"| {what} | {median(values):.0f} | {quantiles(values, n=20)[-1]:.0f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
