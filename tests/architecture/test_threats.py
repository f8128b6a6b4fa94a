"""What stands against each attack has a test; what to look for after an incident is what is recorded."""

import re

from tests.architecture.test_conformance import ROOT, TEST, named_in, rows

MODEL = ROOT / "docs/threat-model.md"
OPERATIONS = ROOT / "docs/operations.md"
ACTION = re.compile(r"`([a-z_]+\.[a-z_]+)`")
OURS = ("tenants", "applications", "accesscontrol")


def test_each_attack_has_a_test_that_exists() -> None:
    attacks = MODEL.read_text().partition("## Attacks")[2].partition("## What remains")[0]
    lines = [row for _, row in rows(MODEL) if row in attacks]
    named = [TEST.findall(row) for row in lines]
    assert len(lines) > 30
    assert [row for row, tests in zip(lines, named, strict=True) if not tests] == []
    assert [
        f"{file}{name}"
        for file, name in (each for tests in named for each in tests)
        if name.removeprefix("::") not in named_in(ROOT / "tests" / file)
    ] == []


def test_what_an_incident_looks_for_is_recorded() -> None:
    incidents = OPERATIONS.read_text().partition("### A rogue administrator")[2].partition("###")[0]
    looked_for = set(ACTION.findall(incidents))
    code = "".join(
        path.read_text()
        for top in OURS
        for path in (ROOT / top).rglob("*.py")
        if "migrations" not in path.parts
    )
    assert len(looked_for) > 10
    assert {action for action in looked_for if f'"{action}"' not in code} == set()
