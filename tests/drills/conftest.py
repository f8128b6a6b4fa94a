"""One portal for all drills; the table of what they found."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.drills.carrying_out import SHORT, Drills, Row
from tests.drills.portal import DrilledPortal
from tests.drills.receiver import receiving
from tests.drills.table import put, write
from tests.support.console import Console

_ROWS: list[Row] = []
# Of those that share the portal: what takes its first database away for good comes last. Others begin.
_ORDER = ("processes", "database", "network", "receivers", "clock", "broker", "failover")


def _place(item: pytest.Item) -> int:
    name = item.path.stem.removeprefix("test_")
    return _ORDER.index(name) if name in _ORDER else -1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    drills = [item for item in items if item.get_closest_marker("drill")]
    drills.sort(key=_place)
    items[:] = [item for item in items if item not in drills] + drills


@pytest.fixture(scope="session")
def drilled() -> Iterator[DrilledPortal]:
    """Not below pytest's own folder, which each run that begins beside this one closes to other users."""
    directory = Path(tempfile.mkdtemp(prefix="iam-drills-"))
    directory.chmod(0o711)  # the database's own user passes through
    with DrilledPortal(directory) as portal:
        yield portal
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def table() -> list[Row]:
    """For a drill with servers of its own: where its line goes."""
    return _ROWS


@pytest.fixture(scope="session")
def drills(drilled: DrilledPortal) -> Iterator[Drills]:
    with receiving() as receiver, drilled.running():
        told = {"url": receiver.url, "types": ["iam.contract.*"]}
        Console.of(drilled, "provider").call("POST", "webhooks", told)
        yield Drills(drilled, receiver, _ROWS)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _ROWS:
        return
    text = write(_ROWS, at=datetime.now(UTC), short=SHORT)
    terminalreporter.write_line(text)
    if where := os.environ.get("DRILLS_TABLE"):
        put(Path(where), text)
