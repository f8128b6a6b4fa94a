"""With worker and schedule running, planned moments are told within two seconds, and tokens are counted."""

import itertools
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import NamedTuple

import psycopg
import pytest

from tests.support.portal import RunningPortal
from tests.support.stage import Stage, made_of

pytestmark = [pytest.mark.journey, pytest.mark.slow]

PROMPT = 2.0
ROUNDS = 3  # who is late by itself is late in each of them; what held the machine up once is over by then
_NEW = """
    SELECT id, type, at, clock_timestamp() FROM applications_event
    WHERE id > %s AND tenant_id = %s AND (subject IN (%s, %s) OR application_id = %s) ORDER BY id
"""
Arrival = tuple[str, datetime, float]


@pytest.fixture
def stage(running_portal: RunningPortal) -> Iterator[Stage]:
    running_portal.start_worker()
    running_portal.start_beat()
    try:
        yield made_of(running_portal.story)
    finally:
        running_portal.kill_beat()
        running_portal.kill_worker()


def test_planned_moments_are_told_within_two_seconds(stage: Stage, running_portal: RunningPortal) -> None:
    """All of them planned by acts after the last run of the job, in a run of its own for none.

    Each is told once, in the order of time, however busy the machine; how soon, in the best of some rounds.
    """
    slow, best = _slowness(stage), float("inf")
    for number in itertools.count(1):
        plan = _planned(stage, step=timedelta(seconds=1.2 * slow))
        if plan is None:
            assert number < ROUNDS, "the machine is too slow for this test"
            slow, stage = 2 * slow, made_of(running_portal.story)
            continue
        found = _told(running_portal, stage, plan, patience=timedelta(seconds=10 * slow))
        by_kind = [(kind, at) for kind, at, _ in found]
        assert sorted(by_kind) == sorted(plan.expected)
        of_job = [pair for pair in by_kind if not pair[0].startswith("role.")]
        assert of_job == [pair for pair in plan.expected if not pair[0].startswith("role.")], (
            "the order of time"
        )
        delays = [delay for _, _, delay in found]
        print(f"\ntold after {min(delays):.2f} to {max(delays):.2f} s; this machine is {slow:.1f} times slow")
        slow = max(slow, _slowness(stage))  # the machine may have become busy meanwhile
        # At most twice as late: one turn that other work of the machine held up.
        best = min(best, max(median(delays), max(delays) / 2) / slow)
        if best < PROMPT or number == ROUNDS:
            break
        stage = made_of(running_portal.story)
    assert best < PROMPT


def test_tokens_are_counted_by_the_worker(stage: Stage) -> None:
    stage.share()
    for _ in range(3):
        stage.token()
    deadline = time.monotonic() + 60
    while (body := _usage(stage))["tokens"] < 3:
        assert time.monotonic() < deadline, body
        time.sleep(0.3)
    [entry] = body["callers"]
    assert (body["tokens"], entry["applicationId"]) == (3, stage.caller.client_id)


def _usage(stage: Stage) -> dict:
    return dict(stage.provider.act("GET", f"contracts/{stage.contract_id}/usage").body)


class Plan(NamedTuple):
    """What is to be told, and when; the caller's role ends before the contract does."""

    begin: datetime
    end: datetime
    assignment_id: str
    expected: list[tuple[str, datetime]]


def _planned(stage: Stage, step: timedelta) -> Plan | None:
    """None where the acts took so long that the first moment had come before they were done."""
    begin = datetime.now(UTC) + 4 * step
    pause, resume, until, end = (begin + number * step for number in (1, 2, 3, 4))
    stage.share(startsAt=begin.isoformat(), endsAt=end.isoformat())
    stage.do(stage.provider, "pause", {"at": pause.isoformat(), "until": resume.isoformat()})
    assignment_id = _role_until(stage, begin, until) if datetime.now(UTC) < begin - step else ""
    expected = [
        ("contract.started", begin),
        ("application.available", begin),
        ("role.assigned", begin),
        ("contract.paused", pause),
        ("application.unavailable", pause),
        ("contract.resumed", resume),
        ("application.available", resume),
        ("role.withdrawn", until),
        ("contract.ended", end),
        ("application.unavailable", end),
    ]
    return Plan(begin, end, assignment_id, expected) if assignment_id and datetime.now(UTC) < begin else None


def _role_until(stage: Stage, begin: datetime, until: datetime) -> str:
    """A second caller's assignment, with dates of its own."""
    body = {
        "principal": {"applicationId": stage.consumer.automation.client_id},
        "role": {"applicationId": stage.target.client_id, "key": "viewer"},
        "from": begin.isoformat(),
        "until": until.isoformat(),
    }
    path = f"/iam/access-management/v1/tenants/{stage.consumer.tenant_id}/assignments"
    given = stage.portal.call("POST", path, stage.consumer.new_token(), body)
    assert given.status == 201, given
    return str(given.body["assignmentId"])


def _told(portal: RunningPortal, stage: Stage, plan: Plan, patience: timedelta) -> list[Arrival]:
    with psycopg.connect(portal.environment["DATABASE_OWNER_URL"], autocommit=True) as database:
        return list(_arrivals(database, stage, plan, plan.end + patience))


def _arrivals(
    database: psycopg.Connection, stage: Stage, plan: Plan, deadline: datetime
) -> Iterator[Arrival]:
    """Each event of a planned moment, with the seconds after which it was there."""
    last, count = 0, 0
    tenant = stage.consumer.tenant_id
    subjects = [stage.contract_id, plan.assignment_id, stage.target.client_id]
    while count < len(plan.expected) and datetime.now(UTC) < deadline:
        for pk, kind, at, seen in database.execute(_NEW, [last, tenant, *subjects]).fetchall():
            last = pk
            if at >= plan.begin:
                count += 1
                yield kind.removeprefix("iam.").removesuffix(".v1"), at, (seen - at).total_seconds()
        time.sleep(0.02)


def _slowness(stage: Stage) -> float:
    """1 where two requests are done in a sixth of a second; more on a machine that is busy."""
    begin = time.monotonic()
    stage.consumer.act("GET", "applications")
    return max(1.0, 6 * (time.monotonic() - begin))
