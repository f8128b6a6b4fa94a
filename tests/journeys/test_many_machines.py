"""An installation on several machines: two web servers, a pooler between, a replica for questions.

What one of them was told, the others know: no answer is older than the reply to a change, whoever gives it.
"""

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest
import requests

from iam_portal.launchers.portal import LocalPortal
from iam_portal.launchers.processes import Supervisor
from iam_portal.launchers.story_check import Portal
from tests.support import machines
from tests.support.portal import RunningPortal
from tests.support.stage import Side, Stage, made_of

pytestmark = pytest.mark.journey
TIMES = 15


@dataclass
class Machines:
    """The first web server is the running portal's; the other one goes through pooler and replica."""

    replica: machines.Replica
    other: LocalPortal

    def elsewhere(self, side: Side) -> Side:
        """The same organization, at the other web server."""
        return replace(side, portal=Portal(self.other.address))

    def wait_for_replica(self, side: Side) -> None:
        """Until it is asked again; one that was gone is left alone for some seconds."""
        before = self.outcomes().get("replica", 0)
        deadline = time.monotonic() + 60
        while self.outcomes().get("replica", 0) == before:
            assert time.monotonic() < deadline, self.outcomes()
            assert side.act("GET", "contracts").status == 200
            time.sleep(0.2)

    def outcomes(self) -> dict[str, float]:
        """How many questions were answered in which way, as the other web server counts them."""
        found = {}
        for line in requests.get(f"{self.other.address}/metrics", timeout=20).text.splitlines():
            name, _, value = line.rpartition(" ")
            if name.startswith("iam_replica_questions_total"):
                found[name.split('"')[1]] = float(value)
        return found


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPortal]:
    """With a server of its own: a replica copies all that is in one."""
    with RunningPortal(tmp_path_factory.mktemp("primary"), with_seed=True) as portal:
        yield portal


@pytest.fixture(scope="module")
def several(portal: RunningPortal) -> Iterator[Machines]:
    if machines.pooler() is None:
        if os.environ.get("CI"):
            pytest.fail("pgbouncer is missing in CI")
        pytest.skip("pgbouncer is not installed (Debian: pgbouncer)")
    directory = machines.beside(portal)
    supervisor = Supervisor()
    replica = machines.Replica(directory / "replica", primary=machines.owner_of(portal))
    supervisor.add(replica)
    try:
        replica.start()
        child, pooled = machines.start_pooler(portal, directory)
        supervisor.add(child)
        other = machines.another_web(
            portal,
            directory / "web",
            supervisor,
            database=pooled,
            settings={
                "DATABASE_REPLICA_URL": replica.url(database=machines.database_of(portal)),
                "DATABASE_DIRECT_URL": portal.environment["DATABASE_URL"],
            },
        )
        yield Machines(replica, other)
    finally:
        supervisor.stop()


@pytest.fixture
def stage(portal: RunningPortal) -> Stage:
    found = made_of(portal.story)
    found.share()
    return found


def test_no_list_is_older_than_the_last_reply(several: Machines, stage: Stage) -> None:
    """Changed at one web server, asked at the other at once; nearly always its replica answers."""
    asked = several.elsewhere(stage.consumer)
    before = several.outcomes().get("replica", 0)
    for _ in range(TIMES):
        stage.do(stage.provider, "pause")
        assert _in_force(asked, stage) is False
        stage.do(stage.provider, "resume")
        assert _in_force(asked, stage) is True
    assert several.outcomes()["replica"] - before >= TIMES, several.outcomes()


def test_a_replica_that_falls_behind_is_not_asked(several: Machines, stage: Stage) -> None:
    asked = several.elsewhere(stage.consumer)
    several.replica.replay(paused=True)
    try:
        stage.do(stage.provider, "pause")
        before = several.outcomes().get("behind", 0)
        assert _in_force(asked, stage) is False
        assert several.outcomes()["behind"] > before, several.outcomes()
    finally:
        several.replica.replay(paused=False)
    stage.do(stage.provider, "resume")
    assert _in_force(asked, stage) is True


def test_what_would_write_is_answered_by_the_primary(several: Machines, stage: Stage) -> None:
    """What is unknown stays so, and a change goes through at the first try."""
    refused = several.elsewhere(stage.provider).act("GET", "contracts/not-a-uuid")
    assert refused.status in (400, 404)
    made = several.elsewhere(stage.provider).act(
        "POST", "applications", {"name": "beside", "displayName": "B"}
    )
    assert made.status == 201, made


def test_tokens_and_changes_at_every_web_server(several: Machines, stage: Stage) -> None:
    """A token of one is known at the other, and falls there with the contract, the same moment."""
    elsewhere = replace(stage, portal=Portal(several.other.address))
    for first, second in ((stage, elsewhere), (elsewhere, stage)):
        token = first.token()
        assert second.introspect(token)["active"] is True
        first.do(first.provider, "pause")
        assert second.introspect(token) == {"active": False}
        second.assert_refused("contract_paused")
        second.do(second.provider, "resume")
        assert first.introspect(token)["active"] is True


def test_the_pooler_mixes_no_tenants(several: Machines, stage: Stage) -> None:
    """Many of two organizations at once over four connections: each list holds the own rows only."""
    sides = [several.elsewhere(side) for side in (stage.provider, stage.consumer)]
    wanted = [_assigned(side) for side in sides]
    assert not {*wanted[0]} & {*wanted[1]}
    begin = threading.Barrier(8)

    def ask(number: int) -> bool:
        begin.wait(20)
        return all(_assigned(sides[number % 2]) == wanted[number % 2] for _ in range(6))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(8)))


def test_a_replica_that_is_gone_costs_nothing(several: Machines, stage: Stage) -> None:
    asked = several.elsewhere(stage.consumer)
    several.replica.go_away()
    try:
        stage.do(stage.provider, "pause")
        assert _in_force(asked, stage) is False
        assert several.outcomes()["absent"] >= 1
    finally:
        several.replica.come_back()
    several.wait_for_replica(asked)


def _in_force(side: Side, stage: Stage) -> bool:
    answer = side.act("GET", "contracts?limit=200")
    assert answer.status == 200, answer
    (row,) = [row for row in answer.body["items"] if row["contractId"] == stage.contract_id]
    return bool(row["inForce"])


def _assigned(side: Side) -> list[str]:
    path = f"/iam/access-management/v1/tenants/{side.tenant_id}/assignments?limit=500"
    answer = side.portal.call("GET", path, side.new_token())
    assert answer.status == 200, answer
    return sorted(item["assignmentId"] for item in answer.body["items"])
