"""The table of `make bench` says what its rounds say; no peer is needed for that."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.benchmarks import documents
from tests.benchmarks.beside import processors
from tests.benchmarks.beside.loading import Job, Round, load
from tests.benchmarks.beside.rows import FLOOR, INTROSPECTION, OTHER, TOKEN, Row, compared, table

with_tool = pytest.mark.skipif(shutil.which("wrk") is None, reason="needs wrk (Debian: wrk)")


class _Counting(BaseHTTPRequestHandler):
    """Says how often it was asked with this body; every hundredth answer is that there is none."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet
    asked: list[tuple[str, str, str]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.asked.append((self.path, self.headers["Authorization"] or "", body))
        status, answer = (503, b"later") if len(self.asked) % 100 == 0 else (200, b'{"fine": "{body}"}')
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Nothing."""


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A round ends in the middle of requests."""


@pytest.fixture
def counting() -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """A server, and what it was asked."""
    handler = type("Handler", (_Counting,), {"asked": []})
    with _Quiet(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}", handler.asked  # type: ignore[attr-defined]
        server.shutdown()


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


@with_tool
def test_the_load_is_what_was_told_and_each_wrong_answer_is_counted(counting) -> None:
    origin, asked = counting
    draws = [
        {"path": f"/{n}", "headers": {"Authorization": f"of {n}"}, "body": f"{n}\r\nü"} for n in range(3)
    ]
    job = Job(path="/", draws=draws, order=[2, 0, 2, 1], holds='"fine"')

    took = load(origin, job, 1)

    assert set(asked) == {(f"/{n}", f"of {n}", f"{n}\r\nü") for n in range(3)}
    share = sum(path == "/2" for path, *_ in asked) / len(asked)
    assert 0.45 < share < 0.55  # half of the order
    assert took.requests > 100
    assert took.errors == pytest.approx(took.requests / 100, abs=2)
    assert took.sample == "503 later"
    assert 0 < took.p50 <= took.p99
    assert took.tool > 0


@with_tool
def test_a_round_ends_soon_after_the_last_of_its_requests_or_counts_what_is_sent_again(counting) -> None:
    origin, asked = counting
    order = [place % 3 for place in range(90)]
    ends = Job(path="/", draws=[{"body": f"{n}"} for n in range(3)], order=order, once=True, holds="fine")

    took = load(origin, ends, 60)

    assert took.seconds < 30
    assert {body for *_, body in asked[:90]} == {"0", "1", "2"}
    assert took.errors <= 1 + took.requests / 100

    twice = load(origin, Job(path="/", bodies=["a", "b"] * 20, holds="fine"), 1)
    assert twice.errors > 40  # each that was sent once more
