"""Memory of each kind of process, and the connections of the database, while a long run goes on."""

import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import psycopg

_KINDS = {"granian": "web", "serve_events": "events", "celery": "worker and schedule", "valkey": "broker"}
_PAGE = os.sysconf("SC_PAGE_SIZE")
_GROWTH = 1.15  # of the last quarter over the second: the first one fills caches
_FEWEST = 12


class Samples:
    """Of this process's descendants, and of one database."""

    def __init__(self, database: str) -> None:
        self._database = database
        self._taken: dict[str, list[float]] = defaultdict(list)

    def take(self) -> None:
        """Once more."""
        found: dict[str, float] = defaultdict(float)
        for number in _descendants(os.getpid()):
            kind, megabytes = _process(number)
            found[kind] += megabytes
        with psycopg.connect(self._database) as connection:
            counted = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            ).fetchone()
        found["connections"] = float(counted[0] - 1) if counted else 0.0
        for kind, value in found.items():
            if kind:
                self._taken[kind].append(value)

    def growth(self) -> list[str]:
        """What is larger at the end than it was once warm."""
        grown = []
        for kind, values in self._taken.items():
            early, late = _quarter(values, 1), _quarter(values, 3)
            if len(values) >= _FEWEST and late > early * _GROWTH:
                grown.append(f"{kind} grew from {early:.0f} to {late:.0f}")
        return grown

    def rows(self) -> list[dict[str, Any]]:
        """First, in each quarter, most: megabytes, or a number."""
        return [
            {
                "what": kind if kind == "connections" else f"{kind}, MB",
                "first": round(values[0]),
                **{f"quarter {part + 1}": round(_quarter(values, part)) for part in range(4)},
                "most": round(max(values)),
            }
            for kind, values in sorted(self._taken.items())
        ]

    def table(self) -> str:
        """The same in Markdown."""
        rows = self.rows()
        lines = [f"| {' | '.join(rows[0])} |", "|---" + "|--:" * (len(rows[0]) - 1) + "|"]
        return "\n".join(lines + [f"| {' | '.join(str(cell) for cell in row.values())} |" for row in rows])


def _quarter(values: list[float], part: int) -> float:
    size = max(1, len(values) // 4)
    chosen = values[part * size : (part + 1) * size] or values[-1:]
    return sum(chosen) / len(chosen)


def _descendants(root: int) -> list[int]:
    children: dict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:  # it has ended meanwhile
                continue
            children[parent].append(int(entry.name))
    found, waiting = [], [root]
    while waiting:
        below = children[waiting.pop()]
        found += below
        waiting += below
    return found


def _process(number: int) -> tuple[str, float]:
    """Its kind, empty where it is none of the portal's; and its own megabytes, without what is shared."""
    try:
        command = Path(f"/proc/{number}/cmdline").read_text().replace("\0", " ")
        _, resident, shared, *_ = map(int, Path(f"/proc/{number}/statm").read_text().split())
    except (OSError, ValueError):
        return "", 0.0
    kind = next((kind for word, kind in _KINDS.items() if word in command), "")
    return kind, (resident - shared) * _PAGE / 2**20
