"""docs/limits.md says what the code does: each number, each code, each setting."""

import re
from collections.abc import Iterator
from importlib import import_module
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from django.conf import settings

from accesscontrol.oauth.providers.failing import WAYS
from iam_portal import checks
from iam_portal.admission import door
from iam_portal.errors import DomainError, Kind
from iam_portal.launchers import portal
from iam_portal.launchers.keys import filled, read
from iam_portal.launchers.portal import ROOT
from iam_portal.openapi.codes import ANYWHERE, FRAMEWORK
from tests.architecture.test_settings import DOCUMENTED

TEXT = (ROOT / "docs" / "limits.md").read_text()
_NUMBER = re.compile(r"[0-9][0-9,]*")
# What the event service refuses has a page of its own.
ELSEWHERE = {"too_many_streams"}


class Row(NamedTuple):
    """A limit as the page has it; of a table without a column, an empty text."""

    limit: str
    what: str
    most: str
    answer: str
    where: str


def rows() -> Iterator[Row]:
    columns: list[str] = []
    for line in TEXT.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if cells[:1] == ["limit"]:
            columns = cells
        elif (cells and not set(cells[0]) <= set("-")) or (cells and cells[0] == "" and columns):
            found = dict(zip(columns, cells, strict=True))
            what = next(value for name, value in found.items() if name.startswith("what"))
            most, where = found.get("most", ""), found["in the code"].strip("`")
            yield Row(found["limit"].strip("`"), what, most, found.get("answer", ""), where)


def value(where: str) -> Any:
    """What stands there: an option of the server, a setting, or a name in a module."""
    if where.startswith("--"):
        return portal.BOUNDS[portal.BOUNDS.index(where) + 1]
    if where.startswith("PORTAL_"):
        return filled(read(DOCUMENTED))[where]
    if where.startswith("django."):
        return getattr(settings, where.removeprefix("django."))
    parts = where.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = import_module(".".join(parts[:length]))
        except ImportError:
            continue
        for name in parts[length:]:
            found = getattr(found, name)
        return found
    raise AssertionError(where)


COMPARED = [row for row in rows() if _NUMBER.match(row.most) and row.where not in ("", "granian")]


@pytest.mark.parametrize("row", COMPARED, ids=lambda row: row.where)
def test_each_number_is_that_of_the_code(row: Row) -> None:
    found = _NUMBER.match(row.most)
    assert found is not None
    assert float(found[0].replace(",", "")) == float(value(row.where))


def test_the_page_has_numbers() -> None:
    assert len(COMPARED) > 25


def test_each_limit_that_refuses_stands_there() -> None:
    named = {row.limit for row in rows()} - {""}
    throttling = {each.code for each in _below(DomainError) if each.kind is Kind.THROTTLED}
    assert throttling | set(door._STATUS) <= named | ELSEWHERE
    known = throttling | set(door._STATUS) | set(FRAMEWORK) | set(WAYS)
    assert named <= known  # and none that is no more


def test_the_door_answers_as_is_said_of_it() -> None:
    answers = {row.limit: row.answer for row in rows() if row.limit in door._STATUS}
    for limit, status in door._STATUS.items():
        number = int(status[:3])
        assert answers[limit].startswith(str(number)), limit
        assert {**FRAMEWORK, **ANYWHERE}[limit][0] == number, limit
        assert limit in door._TEXTS


@pytest.mark.parametrize(
    ("running", "threads", "pool", "found"),
    [
        (2, 64, 6, []),
        (0, 64, 6, ["iam.E040"]),
        (2, 8, 6, ["iam.E040"]),
        (4, 64, 6, ["iam.E041"]),
        (3, 64, 6, []),
    ],
)
def test_no_installation_goes_without(
    monkeypatch: pytest.MonkeyPatch, running: int, threads: int, pool: int, found: list[str]
) -> None:
    own = {"default": {"OPTIONS": {"pool": {"max_size": pool}}}}
    given = SimpleNamespace(PORTAL_WEB_RUNNING=running, PORTAL_WEB_THREADS=threads, DATABASES=own)
    monkeypatch.setattr(checks, "settings", given)
    assert [each.id for each in checks.unlimited(None)] == found


def _below(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    for each in kind.__subclasses__():
        if each.__module__.partition(".")[0] in ("iam_portal", "tenants", "applications", "accesscontrol"):
            yield each
        yield from _below(each)
