"""Jobs, queues and health of the installation: what its own processes noted, before the operator's eyes."""

from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from celery import current_app
from django.conf import settings
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accesscontrol.installation import health, jobs, queues
from applications.jobs import count_usage
from iam_portal.schedule import JOBS
from tenants import jobs as noting
from tenants.actions import running
from tenants.models import EventService, JobState
from tests.accesscontrol.operating import ACCESS, Installation, operator, shared, text, town

__all__ = ["shared", "town"]

TASK = "tenants.erase_late"


def noted(task: str = TASK, *, ago: timedelta = timedelta(0), error: str = "") -> None:
    at = timezone.now() - ago
    running.note(task=task, started_at=at - timedelta(milliseconds=1500), finished_at=at, error=error)


def row_of(reply: Any, task: str = TASK) -> list[dict[str, Any]]:
    rows = [row["cells"] for row in reply.context["table"]["rows"]]
    return next(cells for cells in rows if cells[0]["note"] == task)


class TestJobs:
    """When each ran, and how it ended."""

    def test_every_job_has_its_words(self) -> None:
        assert set(jobs.NAMES) == {entry["task"] for entry in JOBS.values()}

    def test_what_never_ran_is_new_and_nothing_ran_is_said(self, town: Installation) -> None:
        shown = town.olga.get("platform/jobs")
        assert row_of(shown)[1]["word"] == "Not run yet"
        assert "No job has ever run" in text(shown)

    def test_on_time_late_failed(self, town: Installation) -> None:
        noted()
        assert row_of(town.olga.get("platform/jobs"))[1]["word"] == "On time"
        assert row_of(town.olga.get("platform/jobs"))[2]["note"] == "took 1.5 s"
        noted(ago=timedelta(minutes=7))
        late = town.olga.get("platform/jobs")
        assert row_of(late)[1]["word"] == "Late"
        assert "worker or beat is not running" in text(late)
        noted(error="OperationalError")
        noted(error="OperationalError")
        failed = town.olga.get("platform/jobs")
        assert row_of(failed)[1] == {
            "state": "failed",
            "word": "Failed",
            "note": "2 times in a row: OperationalError",
        }
        assert "1 job needs a look." in text(failed)
        noted()
        row = JobState.objects.get(task=TASK)
        assert (row.failures, row.error, row.failed_at is not None) == (0, "OperationalError", True)

    def test_a_run_is_noted_by_whoever_ran_it(self, town: Installation) -> None:
        with mock.patch.object(noting, "_notes", running.Notes()):
            current_app.tasks[TASK].apply()
            assert JobState.objects.get(task=TASK).failures == 0
            with mock.patch(
                "tenants.actions.deletion.erase_late", side_effect=ValueError("jane@example.org")
            ):
                current_app.tasks[TASK].apply()
        row = JobState.objects.get(task=TASK)
        assert (row.failures, row.error) == (1, "ValueError"), "never what it said"

    def test_a_job_of_a_second_does_not_write_each_second(self) -> None:
        notes = running.Notes()
        assert notes.worth("x", failed=False)
        assert not notes.worth("x", failed=False)
        assert notes.worth("x", failed=True)
        assert notes.worth("x", failed=True)
        assert notes.worth("x", failed=False), "that it is well again is news"

    def test_only_scheduled_ones_are_noted(self, town: Installation) -> None:
        count_usage.apply(args=([],))
        assert not JobState.objects.filter(task="applications.count_usage").exists()


class TestQueues:
    """Counted over all organizations, and told of none."""

    def test_a_broker_that_is_away_is_said_and_breaks_nothing(self, town: Installation) -> None:
        with mock.patch.object(current_app, "connection_for_read", side_effect=OSError("redis://:pw@broker")):
            shown = town.olga.get("platform/jobs")
        assert shown.context["tiles"][0]["value"] == "no answer"
        assert "pw@broker" not in text(shown)

    def test_what_waits_is_counted(self, town: Installation) -> None:
        at = timezone.now()
        found = queues.queues(at=at)
        assert found.outbox.count > 0 and found.outbox.since is not None
        assert found.chains.waiting > 0
        EventService.objects.create(started_at=at, seen_at=at, waiting=7)
        EventService.objects.create(started_at=at, seen_at=at - timedelta(minutes=2), waiting=100)
        found = queues.queues(at=at)
        assert (found.services, found.listeners) == (1, 7), "who was not heard of is not there"

    def test_no_name_of_anybody(self, town: Installation) -> None:
        shown = text(town.olga.get("platform/jobs"))
        for name in ("Acme", "acme", "Fleet Planner", "jane@"):
            assert name not in shown

    def test_a_fixed_number_of_queries(self, town: Installation) -> None:
        with CaptureQueriesContext(connection) as queries:
            town.olga.get("platform/jobs")
        assert len(queries) <= 24


class TestHealth:
    """What probes are told, and why; no value of a secret."""

    def test_ready(self, town: Installation) -> None:
        shown = town.olga.get("platform/system")
        assert shown.context["page"]["state"] == "available"
        assert {one["word"] for one in shown.context["asked"]} == {"Good"}

    def test_everything_that_is_missing_is_named(self, town: Installation) -> None:
        with (
            mock.patch("accesscontrol.actions.keys.without_signer", return_value=["RS256"]),
            mock.patch("iam_portal.wall_check.gaps", return_value={"iam.E007": "The login owns tables."}),
        ):
            shown = town.olga.get("platform/system")
        assert shown.context["page"]["state"] == "failed"
        for said in ("RS256", "iam.E007", "The login owns tables."):
            assert said in text(shown)

    def test_unsafe_settings_are_named_by_the_checks_of_deployment(self, town: Installation) -> None:
        with override_settings(ALLOWED_HOSTS=["*"]):
            assert "iam.E003" in text(town.olga.get("platform/system"))

    def test_no_secret_stands_on_any_page(self, town: Installation) -> None:
        secrets = (
            settings.SECRET_KEY,
            *settings.PORTAL_ENCRYPTION_KEYS,
            *settings.PORTAL_SECRET_PEPPERS,
            *(entry.partition(":")[2] for entry in settings.PORTAL_SECRET_PEPPERS),
        )
        for path in ("jobs", "keys", "system"):
            shown = text(town.olga.get(f"platform/{path}"))
            assert [secret for secret in secrets if secret in shown] == []
            assert settings.DATABASES["default"]["NAME"] not in shown

    def test_a_clock_that_is_wrong_is_seen(self, town: Installation) -> None:
        behind = health.health(at=timezone.now(), clock=lambda: timezone.now() - timedelta(seconds=30))
        assert not behind.database.clocks_agree
        assert 29 < behind.database.ahead.total_seconds() < 31
        assert health.health(at=timezone.now(), clock=timezone.now).database.clocks_agree

    def test_the_wall_is_asked_without_any_tenant(self, town: Installation) -> None:
        """The page runs in the platform's scope, where its people are seen: that is no hole."""
        assert health.health(at=timezone.now(), clock=timezone.now).wall == {}


def test_the_same_by_rest(town: Installation) -> None:
    noted(error="OperationalError")
    reply = town.rest("GET", "system", api=ACCESS)
    told = reply.json()
    assert (reply.status_code, told["ready"], told["missing"]) == (200, True, [])
    assert "iam.E001" in told["unsafeSettings"]
    [job] = [job for job in told["jobs"] if job["task"] == TASK]
    assert (job["state"], job["error"], job["failures"]) == ("failed", "OperationalError", 1)
    assert told["queues"]["eventsWithoutPosition"] > 0
    with mock.patch("accesscontrol.actions.keys.without_signer", return_value=["RS256"]):
        assert town.rest("GET", "system", api=ACCESS).json()["missing"] == ["no_signing_key"]
    for who, status in ((town.acme, 404), (operator("rita", "organization-reader"), 403)):
        assert town.rest("GET", "system", api=ACCESS, by=who).status_code == status


@pytest.mark.parametrize("path", ["platform/jobs", "platform/system"])
def test_nobody_else(town: Installation, path: str) -> None:
    assert town.acme.get(path).status_code == 404
    assert operator("rita", "organization-reader").get(path).status_code == 403
