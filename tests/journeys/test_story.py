"""The story over HTTP, against the whole portal: web server, PostgreSQL, Valkey, a worker that is killed."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import psycopg
import pytest
from celery import Celery

from iam_portal.launchers import story_check
from tests.support.live import Stream
from tests.support.portal import RunningPortal
from tests.support.stage import Stage, made_of

pytestmark = [pytest.mark.journey, pytest.mark.slow]

UNAVAILABLE = "iam.application.unavailable.v1"
WATCH = "applications.watch_boundaries"


@pytest.fixture
def stage(running_portal: RunningPortal) -> Stage:
    return made_of(running_portal.story)


def test_share_pause_resume_end(stage: Stage) -> None:
    strange = stage.assert_refused("no_contract")
    unknown = stage.ask_for("x" * len(stage.target.client_id))
    alike = json.dumps(strange.body).replace(stage.target.client_id, "x" * len(stage.target.client_id))
    assert json.dumps(unknown.body) == alike, "an application that is not shared is as good as unknown"
    stage.share()
    assert stage.listed()
    token = stage.token()
    seen = stage.introspect(token)
    assert seen["active"] is True
    assert seen["caller"]["applicationId"] == stage.caller.client_id
    urn = f"urn:iam:application-role:{stage.consumer.tenant_id}:{stage.target.client_id}:viewer"
    assert seen["roles"] == [urn]

    stage.do(stage.provider, "pause", {"note": "Stocktaking"})
    assert stage.introspect(token) == {"active": False}
    reason = stage.assert_refused("contract_paused").body["reasons"][0]
    assert reason["contractId"] == stage.contract_id
    assert not stage.listed()

    stage.do(stage.provider, "resume")
    assert stage.introspect(token)["active"] is True
    assert stage.introspect(stage.token())["sub"] == seen["sub"]

    stage.do(stage.consumer, "end")
    assert stage.introspect(token) == {"active": False}
    stage.assert_refused("contract_ended")
    assert not stage.listed()


def test_dates_count_without_any_job(stage: Stage) -> None:
    """Nothing runs beside the web server: the clock alone starts and ends the contract."""
    unit = _pace(stage)
    begin = datetime.now(UTC) + timedelta(seconds=3 * unit)
    end = begin + timedelta(seconds=3 * unit)
    stage.share(startsAt=begin.isoformat(), endsAt=end.isoformat())
    assert datetime.now(UTC) < begin, "the machine is too slow for this test"
    early = stage.assert_refused("contract_not_started")
    assert datetime.fromisoformat(early.body["available_from"]) == begin

    _sleep_until(begin)
    token = stage.token()
    seen = stage.introspect(token)
    assert seen["active"] is True
    assert seen["exp"] <= end.timestamp()

    _sleep_until(end)
    assert stage.introspect(token) == {"active": False}
    stage.assert_refused("contract_ended")


def test_worker_killed_in_the_middle(stage: Stage, running_portal: RunningPortal) -> None:
    """What a killed run had begun is undone; the next tells the boundary, exactly once."""
    end = datetime.now(UTC) + timedelta(seconds=3 * _pace(stage))
    stage.share(endsAt=end.isoformat())
    _sleep_until(end)
    with psycopg.connect(running_portal.environment["DATABASE_OWNER_URL"], autocommit=True) as database:

        def told() -> int:
            sql = "SELECT count(*) FROM applications_event WHERE (type, application_id, at) = (%s, %s, %s)"
            row = database.execute(sql, [UNAVAILABLE, stage.target.client_id, end]).fetchone()
            return int(row[0]) if row else 0

        with _worker_stuck_in_job(running_portal, database):
            running_portal.kill_worker()
        _wait_for(lambda: not _job_locks(database), "the killed worker's transaction to end")
        assert told() == 0

        running_portal.start_worker()
        try:
            _send(running_portal)
            _wait_for(lambda: told() > 0, "the event")
        finally:
            running_portal.kill_worker()
        running_portal.run_job(WATCH)
        assert told() == 1


def test_the_demo_checks_itself(running_portal: RunningPortal, capsys: pytest.CaptureFixture[str]) -> None:
    assert story_check.run(running_portal.story), capsys.readouterr().out
    assert story_check.run(running_portal.story), "the first telling left something behind"


def test_events_reach_whoever_waits(stage: Stage, running_portal: RunningPortal) -> None:
    """By the address that the page names; over a restart of the event service, nothing is missed."""
    stage.share()
    token = {"Authorization": f"Bearer {stage.consumer.new_token()}"}
    page = stage.consumer.act("GET", "events?after=latest").body
    live = urlsplit(page["live"])
    assert live.port
    told: list[tuple[str, str]] = []
    last = str(page["next"])
    for act in ("pause", "resume"):
        with Stream(live.port, live.path, {**token, "Last-Event-ID": last}) as stream:
            stage.do(stage.provider, act)
            for sent in stream.events():
                told.append((sent.event, sent.data["data"].get("contractId", "")))
                if sent.event in (UNAVAILABLE, "iam.application.available.v1"):
                    break
            last = stream.last
            if act == "pause":
                running_portal.restart_events()
                assert list(stream.events()) == [], "it was ended in order"
    assert [kind for kind, contract in told if contract == stage.contract_id] == [
        "iam.contract.paused.v1",
        "iam.contract.resumed.v1",
    ]
    assert [kind for kind, _ in told if kind.startswith("iam.application.")] == [
        UNAVAILABLE,
        "iam.application.available.v1",
    ]


@contextmanager
def _worker_stuck_in_job(running: RunningPortal, database: psycopg.Connection) -> Iterator[None]:
    """A worker that has written its events and cannot commit: it waits for a row that we keep."""
    waiting = """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'
            AND query LIKE 'UPDATE "applications_watermark"%'
    """
    with psycopg.connect(running.environment["DATABASE_OWNER_URL"]) as keeper:
        kept = keeper.execute("SELECT 1 FROM applications_watermark FOR UPDATE").fetchall()
        assert kept, "the seed has run the job once"
        running.start_worker()
        _send(running)
        _wait_for(lambda: database.execute(waiting).fetchone() != (0,), "the worker to be in the middle")
        yield
        keeper.rollback()


def _job_locks(database: psycopg.Connection) -> int:
    sql = """
        SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
        WHERE datname = current_database() AND locktype = 'advisory' AND granted
    """
    row = database.execute(sql).fetchone()
    return int(row[0]) if row else 0


def _send(running: RunningPortal) -> None:
    """Ask the worker for one run. The address is named here: Celery prefers our own environment's."""
    broker = Celery(set_as_current=False)
    with broker.connection_for_write(running.environment["CELERY_BROKER_URL"]) as connection:
        broker.send_task(WATCH, connection=connection)


def _wait_for(condition: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.1)


def _sleep_until(moment: datetime) -> None:
    time.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds()) + 0.05)


def _pace(stage: Stage) -> float:
    """1 where six requests are done in a second and a half; more on a machine that is busy."""
    begin = time.monotonic()
    stage.consumer.act("GET", "applications")
    return max(1.0, 4 * (time.monotonic() - begin))
