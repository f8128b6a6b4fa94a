"""A row of the table: whom it asks what, its rounds, and what they say."""

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from tests.benchmarks.beside.loading import Job, Round

TOKEN, INTROSPECTION, FLOOR, OTHER = "token", "introspection", "floor", "other"
_HEADINGS = (
    "what", "requests/s", "p50 ms", "p99 ms", "server µs", "database µs", "tool µs", "errors", "× ours",
)  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Row:
    """``kind`` says which row of ours it stands beside; ``job`` is asked before every round."""

    name: str
    kind: str
    origin: str
    process: int
    job: Callable[[], Job]
    ours: bool = False  # the row that others of its kind are compared with
    lasts: float = 1.0  # how many times as long as others, where answers are few
    warms: float = 1.0  # seconds, before the first round
    warming: Callable[[], Job] | None = None  # what is asked then, where it is not the same
    rounds: list[Round] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """The medians of its rounds; errors add up."""

        def middle(value: Callable[[Round], float], digits: int) -> float:
            return round(median(value(each) for each in self.rounds), digits)

        return {
            "name": self.name,
            "kind": self.kind,
            "requests_per_second": middle(lambda each: each.rate, 1),
            "p50_ms": middle(lambda each: each.p50, 2),
            "p99_ms": middle(lambda each: each.p99, 2),
            "server_cpu_us": middle(lambda each: each.each(each.server), 1),
            "database_cpu_us": middle(lambda each: each.each(each.database), 1),
            "load_tool_cpu_us": middle(lambda each: each.each(each.tool), 1),
            "errors": sum(each.errors for each in self.rounds),
            "rounds_requests_per_second": [round(each.rate, 1) for each in self.rounds],
        }


def compared(rows: list[Row]) -> list[dict[str, Any]]:
    """The figures of every row, with its rate as a multiple of ours of the same kind, where there is one."""
    found = [row.figures() for row in rows]
    ours = {
        row.kind: figures["requests_per_second"] for row, figures in zip(rows, found, strict=True) if row.ours
    }
    for figures in found:
        own = ours.get(TOKEN if figures["kind"] == FLOOR else figures["kind"])
        figures["ratio_to_ours"] = round(figures["requests_per_second"] / own, 3) if own else None
    return found


def table(figures: list[dict[str, Any]]) -> str:
    """All rows in Markdown, in columns that line up on a screen, too."""
    lines = [list(_HEADINGS), *(_cells(row) for row in figures)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(_HEADINGS))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    drawn = []
    for line in (lines[0], rule, *lines[1:]):
        first, *rest = line
        padded = [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
        drawn.append(f"| {' | '.join([first.ljust(widths[0]), *padded])} |")
    return "\n".join(drawn)


def _cells(row: dict[str, Any]) -> list[str]:
    rate, ratio = row["requests_per_second"], row["ratio_to_ours"]
    return [
        row["name"],
        f"{rate:,.0f}" if rate >= 100 else f"{rate:.1f}",
        f"{row['p50_ms']:.1f}",
        f"{row['p99_ms']:.1f}",
        f"{row['server_cpu_us']:,.0f}",
        f"{row['database_cpu_us']:,.0f}",
        f"{row['load_tool_cpu_us']:,.0f}",
        str(row["errors"]),
        "" if ratio is None else f"{ratio:.2f}",
    ]
