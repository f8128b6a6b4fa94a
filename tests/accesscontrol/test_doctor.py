"""`manage.py doctor`: what is wrong is named with what to do; half an installation is enough to ask."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import override_settings
from django.utils import timezone

from accesscontrol.actions import keys
from accesscontrol.installation import health, queues
from accesscontrol.installation.doctor import State
from accesscontrol.installation.health import Fault
from accesscontrol.installation.queues import Chains, Queues, Waiting, Webhooks
from applications import hashers
from applications.actions import clients
from iam_portal.launchers import keys as keyfiles
from iam_portal.launchers.portal import ROOT
from iam_portal.schedule import JOBS
from tenants.actions import running
from tests.accesscontrol.operating import Installation, shared, town
from tests.support.factories import SYSTEM

__all__ = ["shared", "town"]

SECRET = "postgres://iam_web:very-secret@db.example.com/iam"
OTHER = "b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXItMDA="
SMTP = "django.core.mail.backends.smtp.EmailBackend"
NONE = Waiting(0, None)
WELL = Webhooks(3, 0, None, 0, 0, NONE)


def examined() -> tuple[int, dict[str, list[dict[str, Any]]]]:
    """The exit code, and the findings by name."""
    written = io.StringIO()
    code = 0
    try:
        call_command("doctor", "--json", stdout=written)
    except SystemExit as ended:
        code = int(str(ended.code))
    told = json.loads(written.getvalue())
    assert told["ok"] is (code == 0)
    assert "very-secret" not in written.getvalue()
    found: dict[str, list[dict[str, Any]]] = {}
    for one in told["findings"]:
        found.setdefault(one["name"], []).append(one)
        assert one["mend"] or one["state"] in (State.OK, State.UNKNOWN), one
    return code, found


def waiting(**changed: Any) -> Queues:
    at = timezone.now()
    usual = {
        "tasks": 2,
        "outbox": NONE,
        "position": 7,
        "webhooks": WELL,
        "chains": Chains(0, 0, at),
        "services": 1,
        "listeners": 0,
    }
    return Queues(**{**usual, **changed})


@contextmanager
def all_well(**changed: Any) -> Iterator[None]:
    """Everything around answers; jobs have just run."""
    at = timezone.now()
    for job in JOBS.values():
        running.note(task=job["task"], started_at=at, finished_at=at)
    with (
        mock.patch.object(queues, "queues", return_value=waiting(**changed)),
        mock.patch.object(queues, "tasks_waiting", return_value=2),
    ):
        yield


@pytest.fixture(autouse=True)
def fresh(town: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    keys.forget()
    (tmp_path / "iam_portal").mkdir()
    (tmp_path / "iam_portal" / "portal.css").touch()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    with override_settings(STATIC_ROOT=str(tmp_path), PORTAL_BASE_URL="http://127.0.0.1:9"):
        yield
    keys.forget()


def test_an_installation_that_is_well(town: Installation) -> None:
    with all_well():
        code, found = examined()
    assert code == 0, found
    doubtful = {name for name, many in found.items() if any(one["state"] != "ok" for one in many)}
    assert doubtful == {"settings", "mail", "address"}, "of a test"


BROKEN: dict[str, tuple[Callable[[], AbstractContextManager[Any]], str, str]] = {
    "jobs": (nullcontext, "jobs", "None has run ever"),
    "outbox": (
        lambda: all_well(outbox=Waiting(9, timezone.now() - timedelta(minutes=5))),
        "outbox",
        "9 events wait for 5 min.",
    ),
    "history": (
        lambda: all_well(chains=Chains(0, 2, timezone.now())),
        "history",
        "The chain of 2 organizations",
    ),
    "broker": (lambda: mock.patch.object(queues, "tasks_waiting", return_value=None), "broker", "not answer"),
    "clock": (lambda: mock.patch.object(health, "SKEW", timedelta(days=-1)), "clock", "before ours"),
    "wall": (
        lambda: mock.patch("iam_portal.wall_check.gaps", return_value={"iam.E007": "The login owns tables."}),
        "wall",
        "iam.E007",
    ),
    "signer": (lambda: mock.patch.object(keys, "ALGORITHMS", ("ES256", "PS256")), "signing keys", "PS256"),
    "ring": (lambda: override_settings(PORTAL_ENCRYPTION_KEYS=[OTHER]), "signing keys", "cannot be read"),
    "peppers": (
        lambda: mock.patch.object(hashers, "peppers", return_value={2: b""}),
        "peppers",
        "need pepper 1, which is gone",
    ),
    "server": (
        lambda: mock.patch("accesscontrol.installation.doctor.stored.OLDEST_SERVER", 99),
        "server",
        "is too old",
    ),
    "static": (lambda: override_settings(STATIC_ROOT="/nowhere"), "static files", "not where web looks"),
    "counts": (
        lambda: mock.patch.dict("os.environ", PROMETHEUS_MULTIPROC_DIR="/nowhere"),
        "counts",
        "cannot be written",
    ),
    "events": (
        lambda: override_settings(PORTAL_EVENTS_URL="http://127.0.0.1:9"),
        "event service",
        "None was heard of",
    ),
    "mail": (
        lambda: override_settings(EMAIL_BACKEND=SMTP, EMAIL_HOST="127.0.0.1", EMAIL_PORT=9),
        "mail",
        "nothing listens there",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_wrong_is_named_with_what_to_do(town: Installation, what: str) -> None:
    breaking, name, text = BROKEN[what]
    acme = town.acme
    clients.add_secret(
        tenant=acme.tenant, client_id=acme.applications["planner"].id, by=SYSTEM, at=timezone.now()
    )
    with (
        mock.patch.object(queues, "tasks_waiting", return_value=2),
        mock.patch.object(queues, "queues", return_value=waiting(services=0)),
        breaking(),
    ):
        code, found = examined()
    said = [one for one in found[name] if text in one["text"]]
    assert [one["state"] for one in said] == ["error"], found[name]
    assert said[0]["mend"]
    assert code == 1


def test_unsafe_settings_of_a_production(town: Installation) -> None:
    faults = [Fault("iam.E003", "Any host name is accepted.", "Name the hosts.", serious=True)]
    with (
        override_settings(PRODUCTION=True),
        mock.patch.object(health, "faults", return_value=faults),
        all_well(),
    ):
        code, found = examined()
    assert [(one["state"], one["text"]) for one in found["settings"]] == [
        ("error", "iam.E003: Any host name is accepted.")
    ]
    assert found["counts"][1]["text"] == "Nobody can read /metrics."
    assert code == 1


def test_a_database_that_is_away_leaves_the_other_questions(town: Installation) -> None:
    fault = psycopg.OperationalError(
        f'connection failed: {SECRET}: password authentication failed for "iam_web"'
    )
    with all_well(), mock.patch.object(psycopg, "connect", side_effect=fault):
        code, found = examined()
    assert (code, found["database"][0]["text"]) == (1, "It is not reached: the login is refused.")
    assert {found[name][0]["state"] for name in ("migrations", "wall", "jobs", "peppers")} == {"unknown"}
    assert (found["broker"][0]["state"], found["static files"][0]["state"]) == ("ok", "ok")


def test_where_nothing_answers_everything_is_said_and_no_secret() -> None:
    """A production of which only the settings are there, as people call it."""
    nowhere = "127.0.0.1:9"
    environment = {
        **os.environ,
        **keyfiles.filled(keyfiles.read(ROOT / "docs" / "production.env.example")),
        "DATABASE_URL": f"postgres://iam_web:very-secret@{nowhere}/iam",
        "DATABASE_DIRECT_URL": "",
        "CELERY_BROKER_URL": f"redis://:very-secret@{nowhere}/0",
        "EMAIL_URL": f"smtp+tls://u:very-secret@{nowhere}",
        "PORTAL_BASE_URL": f"https://{nowhere}",
        "PORTAL_EVENTS_URL": f"https://{nowhere}",
        "ALLOWED_HOSTS": "127.0.0.1",
    }
    command = [sys.executable, "manage.py", "doctor", "--json"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    found = {one["name"]: one for one in json.loads(done.stdout)["findings"]}
    assert done.returncode == 1
    assert found["settings"]["state"] == "ok"
    assert {found[name]["state"] for name in ("database", "broker", "mail")} == {"error"}
    assert {found[name]["state"] for name in ("address", "event service")} == {"warning"}
    assert "very-secret" not in done.stdout + done.stderr


def test_what_breaks_a_question_keeps_no_other_from_being_asked(town: Installation) -> None:
    with all_well(), mock.patch("iam_portal.wall_check.gaps", side_effect=ValueError(SECRET)):
        code, found = examined()
    assert (found["wall"][0]["state"], found["wall"][0]["text"]) == (
        "unknown",
        "Could not be asked: ValueError.",
    )
    assert found["peppers"][0]["state"] == "ok"
    assert code == 0


def test_late_and_failing_jobs(town: Installation) -> None:
    with all_well():
        at = timezone.now()
        running.note(task="tenants.erase_late", started_at=at, finished_at=at, error="OperationalError")
        late = at - timedelta(days=2)
        running.note(task="tenants.verify_history", started_at=late, finished_at=late)
        _, found = examined()
    assert [(one["state"], one["text"]) for one in found["jobs"]] == [
        ("error", "tenants.erase_late failed 1 times in a row: OperationalError."),
        ("warning", "tenants.verify_history is late."),
    ]


def test_the_month_to_come_has_its_partition(town: Installation) -> None:
    with all_well():
        assert examined()[1]["partitions"][0]["state"] == "ok"
        with mock.patch("accesscontrol.installation.doctor.stored._MONTHS", "SELECT 1 WHERE %s IS NOT NULL"):
            assert examined()[1]["partitions"][0]["state"] == "warning"


def test_for_people_it_is_lines(town: Installation) -> None:
    written = io.StringIO()
    with all_well():
        call_command("doctor", stdout=written, no_color=True)
    lines = written.getvalue().splitlines()
    assert "ok       peppers          Every living secret of a client has its pepper." in lines
    assert lines[-1].startswith("0 to mend, ")
    for secret in (settings.SECRET_KEY, *settings.PORTAL_ENCRYPTION_KEYS, *settings.PORTAL_SECRET_PEPPERS):
        assert secret not in written.getvalue()
