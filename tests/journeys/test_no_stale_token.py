"""Tokens and introspections without pause while rights are taken and given: not one stale answer.

Three web servers: the portal's own, one that is stopped in the middle of changes, and one whose line to the
database is slow and breaks; and two token services, one on each of these lines. A request counts when it
began after the reply to a change, and ended before the next change was asked for. ``make stale`` does it for
longer (``STALE_ROUNDS``; each takes all the changes).
"""

import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

import psycopg
import pytest

from iam_portal.launchers.children import Child
from iam_portal.launchers.story_check import Credentials
from tests.support.bad_line import BadLine
from tests.support.browsing import Login
from tests.support.console import Console
from tests.support.portal import RunningPortal
from tests.support.pressing import Asked, Load, Told
from tests.support.stage import made_of
from tests.support.taking_away import ROLE, Change, Play

pytestmark = pytest.mark.slow
OPERATOR = Login("platform", "ines.calder", "correct-horse-platform")
ROUNDS = int(os.environ.get("STALE_ROUNDS", "1"))
EACH = 2  # requests of each thread after a change, before the next one
AT_MOST = 20.0  # seconds that they are waited for
NAME = "iam-beside"  # of the connections of the other servers
TOKENS, INTROSPECTIONS = "token", "introspection"


def asked(url: str, holder: Credentials, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """Status 0: broken off."""
    request = Request(url, urlencode(form).encode(), {"Authorization": holder.basic})
    try:
        with urlopen(request, timeout=60) as reply:
            return reply.status, json.load(reply)
    except HTTPError as refused:
        with refused:
            return refused.code, {}
    except OSError:
        return 0, {}


@dataclass
class House:
    """The portal's own web server and those beside it, and what can be done to them."""

    portal: RunningPortal
    bases: list[str]
    stopped: Child
    line: BadLine
    dice: random.Random = field(default_factory=lambda: random.Random(7))

    def disturbances(self) -> list[Callable[[], Any]]:
        """Each is a context around a change, and the moments after it."""
        return [nullcontext, self.standing_still, self.slow, self.lines_cut, self.broken]

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """From before the change until some time after the reply to it."""
        os.killpg(self.stopped.process.pid, signal.SIGSTOP)
        waking = threading.Timer(self.dice.uniform(0.1, 0.4), self._wake)
        waking.start()
        try:
            yield
        finally:
            waking.join()

    def _wake(self) -> None:
        os.killpg(self.stopped.process.pid, signal.SIGCONT)

    @contextmanager
    def slow(self) -> Iterator[None]:
        with self.line.slow(self.dice.uniform(0.01, 0.05)):
            yield

    @contextmanager
    def lines_cut(self) -> Iterator[None]:
        """Those on which the short way confirms, at any moment, in each process."""
        with self._again_and_again(lambda: self._end_connections("iam-short")):
            yield

    @contextmanager
    def broken(self) -> Iterator[None]:
        """All connections of the servers beside, by the database and on the way to it."""
        with self._again_and_again(lambda: (self._end_connections(NAME), self.line.cut())):
            yield

    @contextmanager
    def _again_and_again(self, act: Callable[[], object]) -> Iterator[None]:
        over = threading.Event()

        def run() -> None:
            while not over.wait(self.dice.uniform(0.0, 0.1)):
                act()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _end_connections(self, name: str) -> None:
        with psycopg.connect(self.portal.environment["DATABASE_OWNER_URL"], autocommit=True) as owner:
            owner.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = %s",
                [name],
            )


@pytest.fixture
def house(running_portal: RunningPortal) -> Iterator[House]:
    address = running_portal.environment["DATABASE_URL"]
    with ExitStack() as stack:
        line = stack.enter_context(BadLine(address))
        webs = [
            stack.enter_context(running_portal.another_web(DATABASE_URL=named(each)))
            for each in (address, line.address)
        ]
        services = [
            stack.enter_context(running_portal.token_service(DATABASE_URL=named(each)))
            for each in (address, line.address)
        ]
        bases = [running_portal.address, *(base for base, _ in (*webs, *services))]
        yield House(running_portal, bases, webs[0][1], line)


def named(address: str) -> str:
    return f"{address}{'&' if '?' in address else '?'}application_name={quote(NAME)}"


@dataclass(frozen=True)
class Span:
    """What must be true of all that began and ended in it."""

    change: str
    begin: float
    end: float
    expected: dict[str, bool | None]
    errors: (
        bool  # whether connections of the framework were broken off, so that a request may end in an error
    )


def test_no_stale_answer(house: House) -> None:
    play = Play(made_of(house.portal.story), operator_of(house.portal))
    spans = []
    with Load(asks(house, play)) as load:
        time.sleep(1.0)  # until all is remembered
        for number in range(ROUNDS):
            ways = house.disturbances()
            for place, (name, change) in enumerate(play.changes().items()):
                disturbed = ways[(number + place) % len(ways)]
                spans += tried(load, name, change, disturbed, errors=disturbed == house.broken)
                play.renew()
    require_prompt(load, spans)


def operator_of(portal: RunningPortal) -> Console:
    with psycopg.connect(portal.environment["DATABASE_OWNER_URL"]) as owner:
        row = owner.execute("SELECT id FROM tenants_tenant WHERE slug = %s", [OPERATOR.slug]).fetchone()
    assert row is not None
    return Console(portal.address, str(row[0]), OPERATOR)


def tried(
    load: Load, name: str, change: Change, disturbed: Callable[[], Any], *, errors: bool
) -> Iterator[Span]:
    """Done and undone."""
    taken = {TOKENS: change.tokens, INTROSPECTIONS: change.introspections}
    given = {TOKENS: True, INTROSPECTIONS: True}
    for act, expected in ((change.do, taken), (change.undo, given)):
        with disturbed():
            act()
            begin = time.monotonic()
            end = load.since(begin, each=EACH, at_most=AT_MOST)
        yield Span(name, begin, end, expected, errors)


def asks(house: House, play: Play) -> list[tuple[str, Callable[[], Told]]]:
    """At each server one who asks for tokens, and one who shows the token of the moment."""
    target, tenant = play.stage.target, play.stage.consumer.tenant_id
    door = f"iam/access-management/v1/tenants/{tenant}/openid-connect/token"
    form = {"grant_type": "client_credentials", "scope": f"{target.client_id}/{ROLE}"}

    def token_at(base: str) -> Told:
        status, _ = asked(f"{base}/{door}", play.caller, form)
        return Told(status, status == 200)

    def introspection_at(base: str) -> Told:
        status, said = asked(f"{base}/{door}/introspect", target, {"token": play.token})
        return Told(status, bool(said.get("active")))

    kinds = ((TOKENS, token_at), (INTROSPECTIONS, introspection_at))
    return [(kind, lambda b=base, q=question: q(b)) for base in house.bases for kind, question in kinds]


def require_prompt(load: Load, spans: list[Span]) -> None:
    counted: dict[str, int] = {}
    stale: list[tuple[str, Asked]] = []
    broken = [each for each in load.seen if each.status == 0 or each.status >= 500]
    for span in spans:
        inside = [each for each in load.seen if span.begin < each.began and each.ended < span.end]
        answered = [each for each in inside if each not in broken]
        counted[span.change] = counted.get(span.change, 0) + len(answered)
        stale += [
            (span.change, each) for each in answered if span.expected[each.kind] not in (None, each.yes)
        ]
    assert stale == []
    assert min(counted.values()) >= 2 * EACH, counted
    # A pool finds out that a connection is gone by using it: an error, some time after it was broken off.
    begun = min((span.begin - AT_MOST for span in spans if span.errors), default=float("inf"))
    assert [each for each in broken if each.thread in (0, 1) or each.began < begun] == []
