"""Tokens and introspections without pause while contracts change: not one stale yes, and no error.

Several web processes, one of them stopped and continued, and connections to the database killed. A request
counts when it began after the reply to a change, and ended before the next change was asked for.
"""

import base64
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import psycopg
import pytest

from iam_portal.launchers.children import Child
from tests.support.portal import RunningPortal

pytestmark = pytest.mark.slow
ROUNDS = 8
FORM = "application/x-www-form-urlencoded"


@dataclass
class Asked:
    """One request: when it began and ended, and whether it was a yes."""

    began: float
    ended: float
    status: int
    yes: bool


@dataclass
class Load:
    """Threads that ask, each at a process of its own."""

    asks: list[Callable[[], tuple[int, bool]]]
    seen: list[Asked] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Load":
        self.threads = [threading.Thread(target=self._run, args=[ask]) for ask in self.asks]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()

    def _run(self, ask: Callable[[], tuple[int, bool]]) -> None:
        while not self.over.is_set():
            began = time.monotonic()
            status, yes = ask()
            self.seen.append(Asked(began, time.monotonic(), status, yes))


def asked(url: str, holder: dict[str, Any], body: str, kind: str = FORM) -> tuple[int, dict[str, Any]]:
    name = holder.get("clientId") or holder["applicationId"]
    pair = base64.b64encode(f"{name}:{holder['clientSecret']}".encode()).decode()
    request = Request(url, body.encode(), {"Authorization": f"Basic {pair}", "Content-Type": kind})
    try:
        with urlopen(request, timeout=60) as reply:
            return reply.status, json.load(reply)
    except HTTPError as refused:
        return refused.code, json.loads(refused.read() or b"{}")


@pytest.fixture
def webs(running_portal: RunningPortal) -> Iterator[list[tuple[str, Child]]]:
    """Two more web servers on the portal's database."""
    with ExitStack() as stack:
        yield [stack.enter_context(running_portal.another_web()) for _ in range(2)]


def test_no_stale_yes(running_portal: RunningPortal, webs: list[tuple[str, Child]]) -> None:
    story = running_portal.story
    target, caller, provider = story["target"], story["caller"], story["provider"]
    tenant = story["consumer"]["tenantId"]
    door = f"iam/access-management/v1/tenants/{tenant}/openid-connect/token"
    form = f"grant_type=client_credentials&scope={quote('aud:' + target['applicationId'] + ' openid')}"
    _, first = asked(f"{running_portal.address}/{door}", caller, form)
    token = first["access_token"]
    robot = f"{running_portal.address}/iam/access-management/v1/tenants/{provider['tenantId']}"
    scope = "grant_type=client_credentials&scope=aud:iam-portal"
    _, given = asked(f"{robot}/openid-connect/token", provider["automation"], scope)

    def act(verb: str) -> None:
        url = robot.replace("access-management", "application-management")
        headers = {"Authorization": f"Bearer {given['access_token']}", "Content-Type": "application/json"}
        with urlopen(Request(f"{url}/contracts/{story['contractId']}/{verb}", b"{}", headers)):
            pass

    def token_at(base: str) -> tuple[int, bool]:
        status, _ = asked(f"{base}/{door}", caller, form)
        return status, status == 200

    def introspection_at(base: str) -> tuple[int, bool]:
        status, said = asked(f"{base}/{door}/introspect", target, f"token={token}")
        return status, bool(said.get("active"))

    bases = [running_portal.address, *(base for base, _ in webs)]
    asks = [lambda b=base, q=question: q(b) for base in bases for question in (token_at, introspection_at)]
    spans = []
    with Load(asks) as load:
        time.sleep(1.0)
        for number in range(ROUNDS):
            for verb, yes in (("pause", False), ("resume", True)):
                with disturbed(running_portal, webs[0][1], number):
                    act(verb)
                    begin = time.monotonic()
                time.sleep(0.4)
                spans.append((begin, time.monotonic(), yes))
    require_prompt(load, spans)


@contextmanager
def disturbed(portal: RunningPortal, web: Child, number: int) -> Iterator[None]:
    """In one of three rounds a process stands still during the change, in another lines are cut after it."""
    if number % 3 == 1:
        os.killpg(web.process.pid, signal.SIGSTOP)
    yield
    if number % 3 == 1:
        os.killpg(web.process.pid, signal.SIGCONT)
    if number % 3 == 2:
        kill_connections(portal)


def require_prompt(load: Load, spans: list[tuple[float, float, bool]]) -> None:
    counted = 0
    for begin, end, yes in spans:
        inside = [each for each in load.seen if begin < each.began and each.ended < end]
        counted += len(inside)
        assert [each for each in inside if each.yes is not yes] == []
    assert counted > 50
    assert [each for each in load.seen if each.status >= 500] == []


def kill_connections(portal: RunningPortal) -> None:
    """Those on which the short way confirms."""
    with psycopg.connect(portal.environment["DATABASE_OWNER_URL"], autocommit=True) as owner:
        owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'iam-short'"
        )
