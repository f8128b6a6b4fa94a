"""The job killed fifty times at random points, while contracts change: nothing is lost or told twice."""

import random
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from django.db import connection

from applications import boundaries, readmodel
from applications.actions import contracts, pauses, watch
from applications.models import Availability, Contract, Event
from iam_portal.errors import DomainError
from iam_portal.launchers.portal import ROOT
from iam_portal.walls import cross_tenant
from tenants.models import Tenant
from tests.applications.sharing import accepted, register
from tests.applications.test_job_killed import environment
from tests.support.factories import SYSTEM, make_partners, make_tenant

pytestmark = [pytest.mark.slow, pytest.mark.exhaustive(4)]

KILLS = 50
BREATH = 0.02  # seconds between acts: the job's runs are to die, not to wait for a processor
VERBS = {f"iam.contract.{verb}.v1": verb for verb in ("started", "paused", "resumed", "ended")}
Told = tuple[str, datetime]

# Each run is a process of its own, forked from one that has loaded everything. It dies before or after some
# statement; a kill between two of them is as good as either.
_MORTALS = """
    import os, random, signal, sys, django
    django.setup()
    from django.db import connection
    from django.utils import timezone
    from applications import events
    from applications.actions import watch
    chance, died = random.Random(int(sys.argv[1])), 0
    def run(left, before):
        def mortal(execute, sql, params, many, context):
            nonlocal left
            left -= 1
            if left == 0 and before:
                os.kill(os.getpid(), signal.SIGKILL)
            result = execute(sql, params, many, context)
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return result
        with connection.execute_wrapper(mortal):
            watch.run(at=timezone.now())
            events.sequence()
    while died < int(sys.argv[2]):
        left, before = chance.randint(1, 30), chance.random() < 0.5
        child = os.fork()
        if child == 0:
            try:
                run(left, before)
            finally:
                os._exit(0)
        died += os.WIFSIGNALED(os.waitpid(child, 0)[1])
    print(died)
"""


def now() -> datetime:
    return datetime.now(UTC)


def soon(chance: random.Random) -> datetime:
    return now() + timedelta(milliseconds=chance.randint(1, 80))


def live(acme: Tenant, beta: Tenant, application_id: str, seed: int, over: threading.Event) -> None:
    """Contracts of one application, one after the other, each planned and changed within a moment."""
    chance = random.Random(seed)
    try:
        while not over.is_set():
            row = accepted(acme, beta, application_id, at=now(), starts_at=soon(chance))
            for _ in range(4):
                over.wait(BREATH)
                with suppress(DomainError):  # paused already, not paused, ended meanwhile
                    _act(acme, row, chance)
            with suppress(DomainError):
                contracts.end(tenant=beta, contract_id=row.id, by=SYSTEM, at=now(), when=soon(chance))
    finally:
        connection.close()


def _act(acme: Tenant, row: Contract, chance: random.Random) -> None:
    of = {"tenant": acme, "contract_id": row.id, "by": SYSTEM}
    kind = chance.choice(["planned", "planned", "open", "resume", "cancel"])
    if kind == "planned":
        when = soon(chance)
        until = when + timedelta(milliseconds=chance.randint(1, 40))
        pauses.pause(**of, at=now(), when=max(when, now()), until=until)
    elif kind == "open":
        pauses.pause(**of, at=now())
    elif kind == "resume":
        pauses.resume(**of, at=now())
    else:
        for pause_id in row.pauses.values_list("id", flat=True):
            pauses.cancel(**of, at=now(), pause_id=pause_id)


def test_fifty_kills_while_contracts_change(committed_db: None) -> None:
    acme, beta = make_tenant("acme", at=now()), make_tenant("beta", at=now())
    make_partners(acme, beta, at=now())
    applications = [register(acme, name, now()).id for name in ("meter", "alarm")]
    watch.run(at=now())
    over = threading.Event()
    threads = [
        threading.Thread(target=live, args=[acme, beta, application_id, seed, over])
        for seed, application_id in enumerate(applications)
    ]
    for thread in threads:
        thread.start()
    try:
        died = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(_MORTALS), "7", str(KILLS)],
            cwd=ROOT,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    finally:
        over.set()
        for thread in threads:
            thread.join(30)
    assert died.stdout.strip() == str(KILLS), died.stderr
    time.sleep(0.1)  # the last plans come about
    last = watch.run(at=now())
    assert last.healed == {}
    assert readmodel.differences() == {"grants": [], "availability": []}
    _contracts_agree((acme, beta))
    _pairs_agree(beta, applications)


def _contracts_agree(sides: tuple[Tenant, Tenant]) -> None:
    assert boundaries.passed(contracts=None, after=None, until=now()) == []
    exact = 0
    rows = list(Contract.objects.prefetch_related("pauses"))
    for row in rows:
        for side in sides:
            told = _told(side, row.id)
            happened = set(_happened(row))
            assert len(told) == len(set(told)), "an event twice"
            assert happened <= set(told), "an event is missing"
            if _in_order(told):
                assert told == sorted(told, key=lambda turn: turn[1])
                assert set(told) == happened
                exact += 1
    assert len(rows) > 4
    assert exact > len(rows), "more than half of both sides"


def _told(side: Tenant, contract_id: UUID) -> list[Told]:
    with cross_tenant():
        rows = Event.objects.filter(tenant=side, subject=str(contract_id), type__in=VERBS).order_by("id")
        return [(VERBS[kind], at) for kind, at in rows.values_list("type", "at")]


def _in_order(told: list[Told]) -> bool:
    """Not so where an act took its moment, waited for the job, and went behind what the job had told."""
    return all(former[1] <= later[1] for former, later in pairwise(told))


def _happened(row: Contract) -> Iterator[Told]:
    """What the facts say, found without the job's SQL."""
    end = row.ends_at or datetime.max.replace(tzinfo=UTC)
    assert row.starts_at is not None
    if row.answered_at and row.answered_at < row.starts_at < end and row.starts_at <= now():
        yield "started", row.starts_at
    for pause in row.pauses.all():
        if pause.during.isempty:
            continue
        if pause.during.lower < end and pause.during.lower <= now():
            yield "paused", pause.during.lower
        if pause.during.upper and pause.during.upper < end and pause.during.upper <= now():
            yield "resumed", pause.during.upper
    if end <= now():
        yield "ended", end


def _pairs_agree(beta: Tenant, applications: list[str]) -> None:
    at = now()
    assert readmodel.passed_turns(applications=None, tenants=None, after=None, until=at) == []
    for application_id in applications:
        with cross_tenant():
            rows = Event.objects.filter(
                tenant=beta, application_id=application_id, type__endswith="available.v1"
            )
            told = [
                kind == "iam.application.available.v1"
                for kind in rows.order_by("id").values_list("type", flat=True)
            ]
        assert told == [number % 2 == 0 for number in range(len(told))], "an event twice"
        held = Availability.objects.filter(tenant=beta, application=application_id, during__contains=at)
        assert bool(told and told[-1]) == held.exists()
