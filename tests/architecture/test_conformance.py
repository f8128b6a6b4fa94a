"""The table of conformance names places and tests that exist, and leaves no row without one."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "docs/conformance.md"
LEFT_OUT = "Left out, and why"
TEST = re.compile(r"`([\w/]+\.py)((?:::\w+)+)`")
PLACE = re.compile(r"`([\w/]+\.py)`")
# What the table speaks of, by the names in its headings; "7591" is left out as a whole.
SPECIFICATIONS = (
    *(
        "6749",
        "6750",
        "7009",
        "7523",
        "7591",
        "7636",
        "7643",
        "7644",
        "7662",
        "8414",
        "8693",
        "8705",
        "8707",
        "9068",
    ),
    *("9126", "9207", "9449", "9700"),
    *("OpenID Connect Core", "OpenID Connect Discovery", "RP-Initiated Logout", "Back-Channel"),
    *("Shared Signals", "CAEP", "8417", "8935", "8936"),
)


def rows(table: Path = TABLE) -> Iterator[tuple[str, str]]:
    """Every row of every table, below its heading; without the heads of the tables."""
    heading = ""
    lines = table.read_text().splitlines()
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith("## "):
            heading = line.removeprefix("## ")
        elif line.startswith("|") and not set(line) <= set("|-") and not set(below or "x") <= set("|-"):
            yield heading, line


@cache
def named_in(path: Path) -> frozenset[str]:
    """Names of its test functions, those of classes as ``Class::test``."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{each.name}" for each in node.body if isinstance(each, ast.FunctionDef)}
    return frozenset(found)


def test_every_row_names_a_test_that_exists() -> None:
    missing, untested, named = [], [], 0
    for heading, row in rows():
        if heading == LEFT_OUT:
            continue
        tests = TEST.findall(row)
        untested += [] if tests else [row[:100]]
        for file, name in tests:
            named += 1
            path = ROOT / "tests" / (file if "/" in file else f"accesscontrol/oauth/{file}")
            if not path.exists() or name.removeprefix("::") not in named_in(path):
                missing.append(f"{file}{name}")
    assert (missing, untested) == ([], [])
    assert named > 100


def test_every_place_exists() -> None:
    for place in PLACE.findall(TABLE.read_text()):
        candidates = (ROOT / place, ROOT / "accesscontrol/oauth" / place, ROOT / "tests" / place)
        assert any(path.exists() for path in candidates), place


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_every_specification_is_spoken_of(name: str) -> None:
    headings = {heading for heading, _ in rows()}
    left_out = " ".join(row for heading, row in rows() if heading == LEFT_OUT)
    assert any(name in heading for heading in headings) or (name == "7591" and name in left_out)


def test_what_is_left_out_has_a_reason() -> None:
    for heading, row in rows():
        if heading == LEFT_OUT:
            what, why = (part.strip() for part in row.strip("|").split("|"))
            assert what and len(why) > 5, row
