"""The table of `make bench` says what its rounds say; no peer is needed for that."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks import documents
from tests.benchmarks.beside import processors
from tests.benchmarks.beside.loading import Job, Round
from tests.benchmarks.beside.rows import FLOOR, INTROSPECTION, OTHER, TOKEN, Row, compared, table


def _round(requests: int, *, errors: int = 0, server: float = 0.0) -> Round:
    return Round(
        requests=requests, seconds=2.0, p50=1.0, p99=9.0, errors=errors, sample="", tool=0.1, server=server,
        database=0.5,
    )  # fmt: skip


def _row(name: str, kind: str, *rounds: Round, ours: bool = False) -> Row:
    return Row(
        name=name, kind=kind, origin="", process=0, job=lambda: Job(path="/"), ours=ours, rounds=list(rounds)
    )


def test_medians_of_the_rounds_and_the_sum_of_errors() -> None:
    rounds = [
        _round(1_000, server=1.0),
        _round(4_000, errors=2, server=1.0),
        _round(2_000, errors=1, server=3),
    ]

    figures = _row("x", TOKEN, *rounds).figures()

    assert figures["requests_per_second"] == 1_000
    assert figures["rounds_requests_per_second"] == [500, 2_000, 1_000]
    assert figures["server_cpu_us"] == 1_000  # of 1,000, 250 and 1,500
    assert figures["database_cpu_us"] == 250
    assert figures["errors"] == 3


def test_each_row_is_compared_with_ours_of_its_kind() -> None:
    rows = [
        _row("ours", TOKEN, _round(4_000), ours=True),
        _row("ours", INTROSPECTION, _round(8_000), ours=True),
        _row("ours, signed", TOKEN, _round(2_000)),
        _row("theirs", INTROSPECTION, _round(2_000)),
        _row("empty", FLOOR, _round(40_000)),
        _row("a page", OTHER, _round(100)),
    ]

    assert [row["ratio_to_ours"] for row in compared(rows)] == [1, 1, 0.5, 0.25, 10, None]
    assert [row["ratio_to_ours"] for row in compared(rows[3:4])] == [None]


def test_a_round_without_an_answer_is_a_row_all_the_same() -> None:
    (figures,) = compared([_row("dead", TOKEN, _round(0, errors=32), ours=True)])

    assert (figures["requests_per_second"], figures["errors"], figures["ratio_to_ours"]) == (0, 32, None)


def test_the_table_lines_up_and_the_rest_is_json() -> None:
    found = compared([_row("ours", TOKEN, _round(9_000), ours=True), _row("theirs", TOKEN, _round(15))])

    heading, rule, *lines = table(found).splitlines()

    assert len({len(line) for line in (heading, rule, *lines)}) == 1
    assert [line.split("|")[2].strip() for line in lines] == ["4,500", "7.5"]
    assert json.loads(json.dumps(found)) == found


def test_a_table_is_put_between_its_marks_and_nowhere_else(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text("# One\n<!-- bench -->\nold\n<!-- /bench -->\ntwo\n")

    documents.put(document, "bench", "| new |\n")

    assert document.read_text() == "# One\n<!-- bench -->\n\n| new |\n\n<!-- /bench -->\ntwo\n"
    with pytest.raises(ValueError, match="no place for growth"):
        documents.put(document, "growth", "x")


def test_the_time_of_a_process_and_of_those_below_it() -> None:
    """Those that work still, and those that have ended and were waited for."""
    burn = "import time\nwhile time.process_time() < 0.2: pass\n"
    code = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {burn!r}])\n{burn}print(); input()"
    before = processors.seconds(os.getpid())
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        spent = processors.seconds(child.pid)
        assert processors.parent(child.pid) == os.getpid()
        assert processors.seconds(os.getpid()) - before >= spent
        child.communicate(b"\n")

    assert 0.35 <= spent < 4  # what has ended counts in ticks
