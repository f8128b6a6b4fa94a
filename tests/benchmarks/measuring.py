"""Time and statements of something done, several times over; and what two worlds say of it, as a table."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
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
    """Samples by what was measured: (seconds, statements)."""

    samples: dict[str, list[tuple[float, int]]] = field(default_factory=lambda: defaultdict(list))

    def take(self, what: str, act: Callable[[], Done]) -> Done:
        """Do it once, and note what it took. The commit is part of it."""
        with counting() as sent:
            before = time.perf_counter()
            done = act()
            seconds = time.perf_counter() - before
        self.samples[what].append((seconds, len(sent)))
        return done

    def milliseconds(self, what: str) -> float:
        """The median."""
        return 1000 * median(seconds for seconds, _ in self.samples[what])

    def statements(self, what: str) -> str:
        """How many, or from how many to how many."""
        counts = sorted({number for _, number in self.samples[what]})
        return str(counts[0]) if len(counts) == 1 else f"{counts[0]}–{counts[-1]}"


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
