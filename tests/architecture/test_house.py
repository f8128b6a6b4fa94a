"""The house stays as it was planned: layers, sizes, names, locks, and what is written about the code."""

import ast
import io
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from importlinter.cli import lint_imports
from openapi_spec_validator import validate

from iam_portal.launchers import keys
from iam_portal.launchers.portal import ROOT
from tests.support import described

pytestmark = pytest.mark.slow

OURS = ("iam_portal", "tenants", "applications", "accesscontrol")
_PEERS = "tests/benchmarks/peers"
PYTHON_LOCKS = (
    "requirements.lock",
    "requirements-dev.lock",
    "requirements-tracing.lock",
    f"{_PEERS}/requirements.lock",
)
NODE_LOCKS = ("package-lock.json", f"{_PEERS}/package-lock.json")
# file or file:function → why it may be longer
LONGER: dict[str, str] = {}
BANNED_NAMES = {"utils", "helpers", "common", "base", "misc", "manager", "managers", "service", "services"}
# Only what stands at the edge reads the clock; everything below is told the moment as ``at``.
EDGE = {"views", "api", "jobs", "management", "http", "rest", "authentication", "oauth", "templatetags"}
CLOCKS = {"timezone.now", "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time"}


def sources(*tops: str) -> Iterator[Path]:
    """Python files that people write."""
    for top in tops:
        for path in sorted((ROOT / top).rglob("*.py")):
            if "migrations" not in path.parts and "__pycache__" not in path.parts:
                yield path


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_the_layers_hold(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "logging.config.dictConfig", lambda _: None
    )  # it would silence the logs of this process
    broken = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True, no_logo=True)

    assert broken == 0, capsys.readouterr().out


def test_no_migration_is_missing() -> None:
    loader = MigrationLoader(None)
    detector = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps))

    changes = detector.changes(graph=loader.graph)

    labels = {config.label for config in apps.get_app_configs() if config.name in OURS}
    found = [
        operation.describe() for app in labels & set(changes) for operation in changes[app][0].operations
    ]
    assert found == []


def test_the_documented_environment_is_fit_for_production() -> None:
    environment = keys.filled(keys.read(ROOT / "docs" / "production.env.example"))
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]

    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_the_documented_environment_is_complete() -> None:
    """Every variable that the settings read in production, and none that they do not."""
    files = (ROOT / "iam_portal" / name for name in ("settings.py", "broadcast.py"))
    text = "".join(file.read_text() for file in files)
    read = set(re.findall(r"\benv(?:\.\w+)?\(\s*\"(\w+)\"", text))

    assert set(keys.read(ROOT / "docs" / "production.env.example")) == read


def test_files_are_short() -> None:
    long = {}
    for path in [ROOT / "manage.py", *sources(*OURS, "tests")]:
        lines = sum(1 for line in path.read_text().splitlines() if line.strip())
        most = 300 if path.name in ("settings.py", "models.py") or "models" in path.parts else 250
        if lines > most and name(path) not in LONGER:
            long[name(path)] = lines
    assert long == {}


def test_functions_are_short() -> None:
    long = {}
    for path in sources(*OURS, "tests"):
        for node in functions(path):
            lines = (node.end_lineno or 0) - node.lineno + 1
            if lines > 40 and f"{name(path)}:{node.name}" not in LONGER:
                long[f"{name(path)}:{node.name}"] = lines
    assert long == {}


def test_what_may_be_longer_still_is_there() -> None:
    assert len(LONGER) <= 3
    assert [entry for entry in LONGER if not (ROOT / entry.partition(":")[0]).is_file()] == []


def test_modules_have_names_of_their_own() -> None:
    found = [
        name(path)
        for path in sources(*OURS, "tests")
        if BANNED_NAMES & set(path.relative_to(ROOT).with_suffix("").parts)
    ]

    assert found == []


def test_the_domain_is_told_the_time() -> None:
    found = []
    for path in sources("tenants", "applications", "accesscontrol"):
        places = path.relative_to(ROOT).with_suffix("").parts[1:]
        if EDGE.isdisjoint(places):
            found += [
                f"{name(path)}:{node.lineno}"
                for node in ast.walk(tree(path))
                if isinstance(node, ast.Attribute) and ast.unparse(node) in CLOCKS
            ]
    assert found == []


def test_nothing_is_written_into_templates_but_markup() -> None:
    """The policy of every answer allows neither: what a template brought along would silently not run."""
    inline = re.compile(
        r"<script(?![^>]*\bsrc=)|<style\b|\sstyle\s*=|\son[a-z]+\s*=|javascript:", re.IGNORECASE
    )
    found = [
        f"{name(path)}:{number}: {line.strip()}"
        for path in sorted((ROOT / "templates").rglob("*.html"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if inline.search(line)
    ]
    assert found == []


def test_locks_name_no_registry() -> None:
    ways = ('"resolved"', r"^\s*(?:-i|--[a-z-]*(?:index|links)[a-z-]*)\b", r"\bpypi\.", r"registry\.")
    address = re.compile("|".join(ways), re.MULTILINE)

    locks = (*PYTHON_LOCKS, *NODE_LOCKS)
    assert [lock for lock in locks if address.search((ROOT / lock).read_text())] == []
    for lock in NODE_LOCKS:
        settings = (ROOT / lock).with_name(".npmrc").read_text().splitlines()
        assert "omit-lockfile-registry-resolved=true" in settings, lock


def test_every_locked_package_has_its_hash() -> None:
    for lock in PYTHON_LOCKS:
        text = (ROOT / lock).read_text()
        pinned = re.findall(r"^[a-z0-9][\w.-]*==.*$", text, re.MULTILINE)
        hashed = re.findall(r"^[a-z0-9][\w.-]*==.* \\\n    --hash=sha256:", text, re.MULTILINE)
        assert len(pinned) == len(hashed) > 0, lock
    for lock in NODE_LOCKS:
        packages = json.loads((ROOT / lock).read_text())["packages"]
        assert [path for path, entry in packages.items() if path and "integrity" not in entry] == [], lock


def test_every_dependency_says_what_it_is_for() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    project = tomllib.loads(text)
    wanted = [*project["project"]["dependencies"]]
    wanted += [entry for group in project["dependency-groups"].values() for entry in group]

    silent = [entry for entry in wanted if not re.search(rf'"{re.escape(entry)}",\s+# \w', text)]

    assert silent == []


def test_the_written_api_is_valid_and_what_the_code_says() -> None:
    printed = io.StringIO()
    call_command("spectacular", "--format", "openapi-json", "--fail-on-warn", stdout=printed)
    written = described.document()

    validate(written)
    assert json.loads(printed.getvalue()) == written, "run 'make openapi'"


def test_every_test_is_collected() -> None:
    """A test in a file of another name would never run, and a test_ file without tests promises some."""
    hidden, empty = [], []
    for path in sources("tests"):
        tests = [node for node in functions(path) if node.name.startswith("test_")]
        if tests and not path.name.startswith("test_"):
            hidden.append(name(path))
        if not tests and path.name.startswith("test_") and "TestCase" not in path.read_text():
            empty.append(name(path))
    assert (hidden, empty) == ([], [])
