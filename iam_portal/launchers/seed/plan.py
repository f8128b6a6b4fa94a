"""The order of the acts: each at its own moment of the past, all in one line of time."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection, transaction

Act = Callable[[datetime], None]


@dataclass(slots=True)
class Plan:
    """Acts by moment. ``anchor`` is the midnight (UTC) that begins the day of the first seeding."""

    anchor: datetime
    _acts: list[tuple[datetime, Act]] = field(default_factory=list)

    def moment(self, day: int, hour: float = 0.0) -> datetime:
        """The moment so many days after the anchor (before it, when negative)."""
        return self.anchor + timedelta(days=day, hours=hour)

    def add(self, day: int, hour: float, act: Act) -> None:
        """Have this done at that moment; what is added first comes first at the same moment."""
        self._acts.append((self.moment(day, hour), act))

    def run(self) -> int:
        """Do everything in order, each act in its own transaction: a reader of events gets small pages."""
        for at, act in sorted(self._acts, key=lambda pair: pair[0]):
            if at >= self.anchor:
                raise ValueError(f"an act of the demo lies in the future: {at}")
            with transaction.atomic(), connection.cursor() as cursor:
                # Not waiting for the disk saves seconds; what a crash would lose, the next seeding makes.
                cursor.execute("SET LOCAL synchronous_commit = off")
                act(at)
        return len(self._acts)
