"""A running installation from outside: every process counts, a worker is probed, the doctor finds faults."""

import http.client
import json
import re
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from iam_portal.launchers.portal import ROOT
from iam_portal.launchers.story_check import Portal
from tests.support.portal import RunningPortal
from tests.support.stage import made_of

pytestmark = pytest.mark.journey
TOKENS = 40
_SENDING = """
import sys, django
django.setup()
from celery import current_app
current_app.send_task(sys.argv[1])
"""
_COUNTED = re.compile(r'^iam_http_request_seconds_count\{area="token",way="(\w+)"\} (\S+)$', re.M)


def test_both_processes_of_a_web_server_are_counted_on_both_ways(running_portal: RunningPortal) -> None:
    stage = made_of(running_portal.story)
    scope = f"aud:{running_portal.story['target']['applicationId']}"
    with running_portal.another_web(workers=2) as (address, _):
        portal = Portal(address)

        def ask(_number: int) -> int:
            return portal.token(stage.caller, stage.consumer.tenant_id, scope).status

        with ThreadPoolExecutor(4) as pool:
            statuses = Counter(pool.map(ask, range(TOKENS)))
        told = {requests.get(f"{address}/metrics", timeout=20).text for _ in range(6)}
        counts = [{way: int(float(count)) for way, count in _COUNTED.findall(text)} for text in told]
    assert statuses == {200: TOKENS}
    assert all('iam_database_pool_connections{state="most"}' in text for text in told)
    assert counts[0]["short"] > TOKENS / 2
    assert {sum(each.values()) for each in counts} == {TOKENS}, "whichever process answers"


def test_a_worker_is_probed_counted_and_writes_json(running_portal: RunningPortal, tmp_path: Path) -> None:
    def get(path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", path)
        reply = connection.getresponse()
        return reply.status, reply.read().decode()

    with running_portal.another_worker(tmp_path) as (port, child):
        assert get("/livez") == (200, '{"status": "ok"}')
        assert get("/readyz") == (200, '{"status": "ok"}')
        _send(running_portal, "tenants.erase_late")
        deadline = time.monotonic() + 30
        while 'iam_task_runs_total{outcome="done",task="tenants.erase_late"} 1.0' not in get("/metrics")[1]:
            assert time.monotonic() < deadline, get("/metrics")[1]
            time.sleep(0.2)
        lines = [json.loads(line) for line in child.printed().splitlines() if line.startswith("{")]
    done = [line for line in lines if "erase_late" in line["event"] and line.get("task_id")]
    assert done, lines
    assert {line["task"] for line in done} == {"tenants.erase_late"}


def _send(portal: RunningPortal, task: str) -> None:
    subprocess.run([sys.executable, "-c", _SENDING, task], env=portal.environment, cwd=ROOT, check=True)


def test_the_doctor_finds_what_is_not_there_and_shows_no_secret(running_portal: RunningPortal) -> None:
    """Neither beat nor worker runs, and the mail of a demo is printed."""
    command = [sys.executable, "manage.py", "doctor", "--json"]
    environment = {**running_portal.environment, "EMAIL_URL": "smtp://u:very-secret@127.0.0.1:9"}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    told = json.loads(done.stdout)
    found = {one["name"]: one for one in told["findings"]}
    assert (done.returncode, told["ok"]) == (1, False)
    assert found["mail"]["text"] == "Its server is not reached: nothing listens there."
    for name in (
        "database",
        "migrations",
        "wall",
        "signing keys",
        "peppers",
        "broker",
        "address",
        "static files",
    ):
        assert found[name]["state"] == "ok", found[name]
    assert [one for one in told["findings"] if one["state"] == "unknown"] == []
    secrets = ("very-secret", environment["SECRET_KEY"], environment["PORTAL_ENCRYPTION_KEYS"])
    assert not any(secret in done.stdout + done.stderr for secret in secrets)
