"""Alerts, dashboard and documentation name what the code tells, all of it, and nothing else."""

import json
import logging
import re
import shutil
import subprocess
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from granian.log import LogLevels, configure_logging
from prometheus_client import REGISTRY

from accesscontrol.installation import gauges
from accesscontrol.oauth import metrics as _of_tokens
from applications import metrics as _of_webhooks
from applications.actions import healing as _of_the_read_model
from applications.usage import buffer as _of_usage
from iam_portal import metrics as _of_the_web
from iam_portal import replica as _of_replicas
from iam_portal.launchers.portal import ROOT
from iam_portal.live.metering import Here
from tests.support.absence import lacking

MONITORING = ROOT / "docs" / "monitoring"
TOLD_BY_IMPORT = (_of_tokens, _of_webhooks, _of_the_read_model, _of_usage, _of_the_web, _of_replicas)
_NAME = re.compile(r"\b(iam_[a-z_]+)\b")
_SERIES = ("_total", "_bucket", "_count", "_sum")


@pytest.fixture
def families(db: None) -> dict[str, str]:
    """Every metric of ours and its type."""
    live: Any = type(
        "Service", (), {"waiting": 0, "connections": (), "hub": type("Hub", (), {"listening": True})}
    )
    found = [
        *REGISTRY.collect(),
        *gauges.Installation(lambda: datetime.now(UTC)).collect(),
        *Here(live).collect(),
    ]
    assert TOLD_BY_IMPORT
    return {family.name: family.type for family in found if family.name.startswith("iam_")}


def series(families: dict[str, str]) -> set[str]:
    """As a query has to name them."""
    made = {"counter": ("_total",), "histogram": _SERIES[1:], "gauge": ("",)}
    return {f"{name}{end}" for name, kind in families.items() for end in made[kind]}


def rules() -> list[dict[str, Any]]:
    written = yaml.safe_load((MONITORING / "alerts.yml").read_text())
    return [rule for group in written["groups"] for rule in group["rules"]]


def expressions() -> list[str]:
    panels = json.loads((MONITORING / "dashboard.json").read_text())["panels"]
    return [rule["expr"] for rule in rules()] + [
        target["expr"] for panel in panels for target in panel["targets"]
    ]


def test_queries_name_what_there_is(families: dict[str, str]) -> None:
    known = series(families)
    unknown = {name for expr in expressions() for name in _NAME.findall(expr)} - known
    assert not unknown


def test_every_metric_is_used_or_explained_and_documented(families: dict[str, str]) -> None:
    operations = (ROOT / "docs" / "operations.md").read_text()
    table = operations.partition("| metric | where |")[2].partition("\n\n")[0]
    documented = {
        name
        for line in table.splitlines()
        for name in _NAME.findall(line.split("|")[1] if "|" in line else "")
    }
    assert documented == set(families)


def test_each_alert_says_what_it_is_and_what_to_do() -> None:
    found = rules()
    assert len({rule["alert"] for rule in found}) == len(found) > 15
    for rule in found:
        assert rule["labels"]["severity"] in ("page", "ticket"), rule["alert"]
        assert all(rule["annotations"][key].strip() for key in ("summary", "action")), rule["alert"]
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}, rule["alert"]
        assert rule["expr"].count("(") == rule["expr"].count(")"), rule["alert"]


def test_the_dashboard_draws_each_panel_once() -> None:
    panels = json.loads((MONITORING / "dashboard.json").read_text())["panels"]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len(set(places)) == len({panel["id"] for panel in panels}) == len(panels)


def test_the_web_server_writes_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    own = logging.getLogger("_granian")
    handlers, propagate = own.handlers, own.propagate
    configure_logging(LogLevels.info, json.loads((MONITORING / "granian-log.json").read_text()))
    own.info("Starting granian")
    own.handlers, own.propagate = handlers, propagate
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["level"], line["logger"]) == ("Starting granian", "info", "_granian")


def test_prometheus_takes_the_rules() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        lacking("promtool (Debian: prometheus) is not installed")
    for command in (["check", "rules", "alerts.yml"], ["check", "config", "--syntax-only", "prometheus.yml"]):
        done = subprocess.run(
            [promtool, *command], cwd=MONITORING, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr + done.stdout
