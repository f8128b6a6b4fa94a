"""Half-open spans ``[start, end)`` in UTC; ``None`` is open. Pure; no Django."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

BEGINNING = datetime.min.replace(tzinfo=UTC)
FOREVER = datetime.max.replace(tzinfo=UTC)


class RangeLike(Protocol):
    """What the database adapter gives for a ``tstzrange``."""

    lower: datetime | None
    upper: datetime | None

    @property
    def isempty(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Span:
    """One stretch of time: it contains its start and not its end."""

    start: datetime | None = None
    end: datetime | None = None

    @classmethod
    def of(cls, value: RangeLike) -> "Span":
        """From a database range. An empty range becomes a span that contains no moment."""
        if value.isempty:
            return cls(BEGINNING, BEGINNING)
        return cls(value.lower, value.upper)

    def covers(self, at: datetime) -> bool:
        """Whether the moment lies inside."""
        return (self.start is None or self.start <= at) and (self.end is None or at < self.end)

    def is_past(self, at: datetime) -> bool:
        """Whether it is over at the moment."""
        return self.end is not None and self.end <= at

    def is_future(self, at: datetime) -> bool:
        """Whether it has not begun at the moment."""
        return self.start is not None and at < self.start

    @property
    def is_empty(self) -> bool:
        return self.start is not None and self.end is not None and self.end <= self.start

    def minus(self, holes: "list[Span]") -> "list[Span]":
        """What is left of this span without the holes, in order."""
        rest: list[Span] = []
        cursor = self.start or BEGINNING
        limit = self.end or FOREVER
        for hole in sorted(holes, key=lambda span: span.start or BEGINNING):
            begin, stop = hole.start or BEGINNING, hole.end or FOREVER
            if hole.is_empty or stop <= cursor or begin >= limit:
                continue
            if begin > cursor:
                rest.append(_closed(cursor, begin))
            cursor = max(cursor, stop)
        if cursor < limit:
            rest.append(_closed(cursor, limit))
        return rest


def joined(spans: list[Span]) -> list[Span]:
    """The same moments as few spans as possible, in order; those without a moment are left out."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start or BEGINNING):
        if span.is_empty:
            continue
        last = found[-1] if found else None
        if last is not None and (span.start or BEGINNING) <= (last.end or FOREVER):
            end = max(last.end or FOREVER, span.end or FOREVER)
            found[-1] = Span(last.start, None if end == FOREVER else end)
        else:
            found.append(span)
    return found


def _closed(start: datetime, end: datetime) -> Span:
    return Span(None if start == BEGINNING else start, None if end == FOREVER else end)


def boundaries(spans: list[Span]) -> list[datetime]:
    """Every moment at which one of the spans begins or ends, in order."""
    moments = {moment for span in spans for moment in (span.start, span.end) if moment is not None}
    return sorted(moments)


def earliest(*moments: datetime | None) -> datetime | None:
    """The earliest of the moments that are set."""
    known = [moment for moment in moments if moment is not None]
    return min(known) if known else None
