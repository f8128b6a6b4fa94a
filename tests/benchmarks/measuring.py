"""Effort and statements of something done, several times over; and what two worlds say of it, as a table.

The effort is the time on the processor of this process and of its database process together: other programs
on the machine hardly change it. The clock on the wall says the same where nothing else runs.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

from django.db import connection

Done = TypeVar("Done")


@contextmanager
def counting() -> Iterator[list[str]]:
    """Collects every statement that this connection sends."""
    sent: list[str] = []

    def note(
        execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Mapping[str, Any]
    ) -> Any:
        if many:  # each row of executemany() is a statement of its own
            params = list(params)
        sent.extend([sql] * (len(params) if many else 1))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield sent


@dataclass(slots=True)
class Figures:
    """Samples by what was measured: (milliseconds, statements)."""

    samples: dict[str, list[tuple[float, int]]] = field(default_factory=lambda: defaultdict(list))

    def take(self, what: str, act: Callable[[], Done]) -> Done:
        """Do it once, and note what it took. The commit is part of it."""
        with counting() as sent:
            before = _effort()
            done = act()
            milliseconds = _effort() - before
        self.samples[what].append((milliseconds, len(sent)))
        return done

    def milliseconds(self, what: str) -> float:
        """The median."""
        return median(milliseconds for milliseconds, _ in self.samples[what])

    def statements(self, what: str) -> str:
        """How many, or from how many to how many."""
        counts = sorted({number for _, number in self.samples[what]})
        return str(counts[0]) if len(counts) == 1 else f"{counts[0]}–{counts[-1]}"


def _effort() -> float:
    """Milliseconds on the processor so far, of both processes."""
    connection.ensure_connection()
    server = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat").read_text()
    return 1000 * time.process_time() + int(server.split()[0]) / 1_000_000


def table(small: Figures, big: Figures) -> str:
    """Both worlds side by side, in Markdown."""
    lines = [
        "| what | small: ms | big: ms | big / small | statements, small | statements, big |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for what in big.samples:
        before, after = small.milliseconds(what), big.milliseconds(what)
        counts = f"{small.statements(what)} | {big.statements(what)}"
        lines.append(f"| {what} | {before:.1f} | {after:.1f} | {after / before:.1f} | {counts} |")
    return "\n".join(lines)
