"""Nothing is forgotten by ordinary runs: whatever is left out today has its day."""

from dataclasses import dataclass
from typing import Any, cast

import pytest

from iam_portal.launchers.portal import ROOT
from tests.support import spreading, turns

DAYS = range(740_000, 740_000 + 120)  # all turns come round in them


@dataclass(frozen=True)
class Mark:
    args: tuple[int]


@dataclass(frozen=True)
class Case:
    """As much of an item as is looked at."""

    nodeid: str
    share: int = 0

    def get_closest_marker(self, name: str) -> Mark | None:
        return Mark((self.share,)) if self.share and name == "exhaustive" else None


def left_out(tests: list[Case], day: int, monkeypatch: pytest.MonkeyPatch) -> set[Case]:
    monkeypatch.setenv(spreading.DAY, str(day))
    away = {test for test in tests if spreading.has_another_day(test.nodeid.partition("::")[0])}
    return away | cast(set[Case], set(spreading.not_today(cast(list[Any], tests))))


def test_every_file_that_takes_turns_is_there() -> None:
    assert [file for file in turns.TURNS if not (ROOT / file).exists()] == []


def test_whatever_stands_on_a_portal_takes_turns() -> None:
    """A new file begins in no group: say in which it comes."""
    found = {
        path.relative_to(ROOT).as_posix()
        for folder in ("journeys", "browser")
        for path in (ROOT / "tests" / folder).rglob("test_*.py")
    }
    assert found - set(turns.TURNS) == set()


def test_every_file_has_its_day() -> None:
    for file, (days, _) in turns.TURNS.items():
        assert sum(turns.turn(file, day) is not None for day in DAYS) == len(DAYS) // days, file


def test_on_each_day_one_portal_is_enough() -> None:
    for day in DAYS[:10]:
        today = [file for file in turns.TURNS if turns.turn(file, day) is not None]
        units = {
            spreading.unit(file) for file in today if file.startswith(("tests/browser", "tests/journeys"))
        }
        assert len(units) == 1, units


@pytest.mark.parametrize("file", ["tests/tenants/test_cheap.py", "tests/browser/test_pages.py"])
def test_every_exhaustive_test_has_its_day(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in a file that takes turns: it goes by them, or some would never meet."""
    alike = [Case(f"{file}::test_all[{number}]", share=3) for number in range(7)]
    alone = Case(f"{file}::test_alone", share=4)
    taken: dict[Case, int] = dict.fromkeys([*alike, alone], 0)
    for day in DAYS:
        for test in set(taken) - left_out(list(taken), day, monkeypatch):
            taken[test] += 1
    coming = len(DAYS) // turns.TURNS.get(file, (1, 0))[0]
    assert {taken[test] for test in alike} == {coming // 3}
    assert taken[alone] == coming // 4


def test_what_is_in_no_table_and_has_no_mark_comes_every_day(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Case("tests/tenants/test_cheap.py::test_it")
    assert all(left_out([plain], day, monkeypatch) == set() for day in DAYS)
