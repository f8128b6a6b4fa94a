"""One thing that waits for somebody, and how several are put in order."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from iam_portal.spans import FOREVER

SOON = timedelta(days=30)
# Ranks: what others wait for; what does not work; what is half done; what ends; what begins.
ANSWER, BROKEN, OPEN, ENDS, STARTS = range(5)


class Task(NamedTuple):
    """What waits, as ``_tasks.html`` draws it; a lower rank stands first.

    Of a contract's the words and the address come once it is known that the task is shown.
    """

    rank: int
    icon: str
    text: str
    note: str
    at: datetime | None
    action: dict[str, str]
    contract_id: UUID | None = None


def in_order(tasks: Iterable[Task]) -> list[Task]:
    """By rank, then by date; what has none keeps its place behind."""
    return sorted(tasks, key=lambda task: (task.rank, (task.at or FOREVER) if task.rank >= ENDS else FOREVER))
