"""What /metrics tells, to whom, and of how many processes."""

import http.client
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test import override_settings
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from accesscontrol.installation import gauges
from iam_portal import limits, metrics, pages, working
from iam_portal.launchers.portal import ROOT
from tests.support.live import running

TOKENS = ["first-" + "a" * 32, "second-" + "b" * 32]
LABELS = {
    "area",
    "way",
    "status",
    "outcome",
    "reason",
    "kind",
    "door",
    "task",
    "job",
    "state",
    "limit",
    "table",
    "le",
}
COUNTING = """
import os, sys, django
django.setup()
from iam_portal import metrics
metrics.answered(path="/oauth2/token", status=200, seconds=0.004)
metrics.POOL.labels("used").set(3)
os._exit(0)
"""


@pytest.fixture
def locked() -> Iterator[None]:
    with override_settings(PORTAL_METRICS_TOKENS=TOKENS):
        yield


def read(authorization: str = "") -> tuple[int, str]:
    reply = Browser().get("/metrics", headers={"Authorization": authorization} if authorization else {})
    return reply.status_code, reply.getvalue().decode()


def test_only_who_shows_a_token_reads_them(db: None, locked: None) -> None:
    for shown in ("", "Bearer", "Bearer x", f"Basic {TOKENS[0]}", f"Bearer {TOKENS[0]}x", "Bearer ä"):
        assert read(shown) == (401, ""), shown
    for token in TOKENS:
        assert read(f"Bearer {token}")[0] == 200
        assert read(f"bearer  {token}")[0] == 200


def test_they_are_read_past_the_proxy(db: None, locked: None) -> None:
    """By plain HTTP, as at event service and worker; everything else is sent to TLS."""
    with override_settings(SECURE_SSL_REDIRECT=True):
        assert read() == (401, "")
        assert read(f"Bearer {TOKENS[0]}")[0] == 200
        assert Browser().get("/metrics/").status_code == Browser().get("/readyz").status_code == 301


def test_production_without_a_token_has_none(db: None) -> None:
    with override_settings(PRODUCTION=True):
        status, body = read("Bearer x")
    assert (status, "iam_http" in body) == (404, False)
    assert read()[0] == 200, "demo and tests"


def test_no_label_names_anybody(db: None) -> None:
    text = read()[1]
    families = [family for family in text_string_to_metric_families(text) if family.name.startswith("iam_")]
    assert {family.name for family in families} >= {"iam_database_up", "iam_job_late", "iam_http_requests"}
    assert {label for family in families for sample in family.samples for label in sample.labels} <= LABELS


def test_a_database_that_is_away_leaves_the_rest(db: None) -> None:
    with (
        mock.patch.object(gauges.jobs, "scheduled", side_effect=OSError("postgres://iam_web:pw@db")),
        mock.patch("iam_portal.pages._installation", gauges.Installation(mock.Mock())),
    ):
        status, text = read()
    assert status == 200
    assert "\niam_database_up 0.0" in text
    assert "iam_http_requests_total" in text
    assert "pw@db" not in text


def test_the_installation_is_asked_once_in_ten_seconds(db: None) -> None:
    asked = gauges.Installation(mock.Mock())
    with mock.patch.object(asked, "_asked", return_value=[]) as ask:
        for _ in range(3):
            list(asked.collect())
    assert ask.call_count == 1
    assert connection.is_usable()


def test_all_processes_of_a_folder_are_counted_and_the_dead_hold_nothing(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "iam_portal.settings",
    }
    for _ in range(2):
        subprocess.run([sys.executable, "-c", COUNTING], env=environment, cwd=ROOT, check=True)
    telling = (
        "import django; django.setup(); from iam_portal import exposition; print(exposition.text().decode())"
    )
    done = subprocess.run(
        [sys.executable, "-c", telling], env=environment, cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert 'iam_http_requests_total{area="token",status="200"} 2.0' in done.stdout
    assert 'iam_http_request_seconds_count{area="token",way="long"} 2.0' in done.stdout
    assert "iam_database_pool_connections{" not in done.stdout


@pytest.mark.parametrize(
    ("path", "area"),
    [
        ("/iam/access-management/v1/tenants/x/openid-connect/token", "token"),
        ("/auth/realms/x/protocol/openid-connect/token", "token"),
        ("/oauth2/token", "token"),
        ("/iam/auth/realms/x/protocol/openid-connect/token/introspect", "introspection"),
        ("/iam/access-management/v1/tenants/x/openid-connect/userinfo", "oauth"),
        ("/.well-known/oauth-authorization-server/iam/auth/realms/x", "oauth"),
        ("/iam/application-management/v1/tenants/x/applications", "rest"),
        ("/static/iam_portal/portal.css", "static"),
        ("/readyz", "probe"),
        ("/t/acme/token", "page"),
        ("/../../etc/passwd", "page"),
    ],
)
def test_where_a_request_is_counted(path: str, area: str) -> None:
    assert metrics.area(path) == area


def test_a_worker_answers_probes_and_readers(locked: None) -> None:
    server = working.serve("127.0.0.1:0")

    def get(path: str, **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=5)
        connection.request("GET", path, headers=headers)
        reply = connection.getresponse()
        return reply.status, reply.read()

    try:
        assert get("/livez") == (200, b'{"status": "ok"}')
        assert get("/readyz") == (503, b'{"status": "starting"}')
        with mock.patch.dict(working._state, {"status": "ok"}):
            assert get("/readyz")[0] == 200
        assert get("/metrics") == (401, b"")
        status, text = get("/metrics", Authorization=f"Bearer {TOKENS[1]}")
        assert (status, b"iam_task_runs" in text) == (200, True)
        assert get("/etc/passwd") == (404, b"")
    finally:
        server.shutdown()
        server.server_close()


def test_an_event_service_answers_readers(committed_db: None, locked: None) -> None:
    with running() as live:
        assert live.get("/metrics").status == 401
        reply = live.get("/metrics", {"Authorization": f"Bearer {TOKENS[0]}"})
        assert reply.status == 200
        assert b"\niam_live_waiting 0.0" in reply.body
        assert b"\niam_live_listening 1.0" in reply.body
        with override_settings(PORTAL_METRICS_TOKENS=[], PRODUCTION=True):
            assert live.get("/metrics").status == 404


def test_limits_are_counted() -> None:
    limits.refused("sign_in")
    assert REGISTRY.get_sample_value("iam_limit_refusals_total", {"limit": "sign_in"}) == 1


def test_readiness_tells_of_jobs_and_does_not_depend_on_them(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "_ready", pages.Ready(seconds=0))
    assert Browser().get("/readyz").json() == {"status": "ok", "jobs": "none"}
    with mock.patch("celery.current_app.connection_for_read", side_effect=OSError):
        assert Browser().get("/readyz").status_code == 200, "no broker: pages and tokens need none"
    with mock.patch("accesscontrol.installation.readiness.of_jobs", return_value="late"):
        assert Browser().get("/readyz").json() == {"status": "ok", "jobs": "late"}


def test_however_often_readiness_is_asked_the_database_is_asked_once_a_second(
    db: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    now, found = [5.0], iter(["", "no_database"])
    monkeypatch.setattr(pages, "_ready", pages.Ready(steady=lambda: now[0]))
    with mock.patch("accesscontrol.installation.readiness.missing", side_effect=lambda at: next(found)):
        assert [Browser().get("/readyz").status_code for _ in range(5)] == [200] * 5
        now[0] += 0.9
        assert Browser().get("/readyz").status_code == 200
        (tmp_path / "draining").touch()
        monkeypatch.setattr(pages, "_DRAINING", str(tmp_path / "draining"))
        assert Browser().get("/readyz").json() == {"status": "draining"}  # that is never remembered
        monkeypatch.setattr(pages, "_DRAINING", "")
        now[0] += 0.1
        assert Browser().get("/readyz").json() == {"status": "no_database"}
        assert Browser().get("/readyz").status_code == 503
