"""Spans on a time line: from moments to fractions of its width. Pure; the template draws them."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.utils import timezone
from django.utils.dateformat import format as date_format
from django.utils.html import strip_tags

from iam_portal.templatetags import moments
from iam_portal.templatetags.moments import bounds as both_ends
from iam_portal.templatetags.moments import in_words
from iam_portal.templatetags.states import look

MOST_TICKS = 5
LAST_LABEL = 0.78  # a label that begins further right would be cut off on a narrow screen
DAY_STEPS = (1, 2, 5, 10, 15)
MONTH_STEPS = (1, 2, 3, 6, 12, 24, 60, 120, 240, 600)


class Bar(NamedTuple):
    """One span; ``x`` and ``width`` are SVG percentages, with a point in every language."""

    x: str
    width: str
    shape: str
    title: str
    open_end: bool
    start: float
    size: float


class Lane(NamedTuple):
    """One row of the line."""

    label: str
    url: str
    note: str
    bars: list[Bar]
    text: str


class Tick(NamedTuple):
    """A mark on the axis."""

    x: str
    label: str


class Line(NamedTuple):
    """What ``_timeline.html`` prints; ``today`` is None when it lies outside the window."""

    lanes: list[Lane]
    ticks: list[Tick]
    today: str | None
    today_anchor: str
    legend: list[tuple[str, str]]


def draw(
    rows: Iterable[Mapping[str, Any]],
    *,
    at: datetime,
    start: datetime | None = None,
    end: datetime | None = None,
) -> Line:
    """Rows with spans ``{during, state, title}``, laid on a window that holds them and ``at``."""
    rows = list(rows)
    window = _window(rows, at, start, end)
    lanes = [_lane(row, window) for row in rows]
    today = _fraction(at, window)
    return Line(
        lanes=lanes,
        ticks=[Tick(percent(_fraction(m, window)), label) for m, label in ticks(*window)],
        today=percent(today) if 0 <= today <= 1 else None,
        today_anchor="start" if today < 0.08 else "end" if today > 0.92 else "middle",
        legend=_legend(rows),
    )


def percent(fraction: float) -> str:
    """``12.50%``: never localized, SVG wants the point."""
    return f"{fraction * 100:.2f}%"


def ticks(start: datetime, end: datetime) -> Iterator[tuple[datetime, str]]:
    """At most five marks on round days or months of the active time zone, with their labels."""
    days = (end - start).days
    marks = _days(start, end, days) if days <= 62 else _months(start, end, days)
    for moment, label in marks:
        if start <= moment < end:
            yield moment, label if _fraction(moment, (start, end)) <= LAST_LABEL else ""


def _window(
    rows: list[Mapping[str, Any]], at: datetime, start: datetime | None, end: datetime | None
) -> tuple[datetime, datetime]:
    ends = [both_ends(span["during"]) for row in rows for span in row["spans"]]
    known = [at, *(moment for pair in ends for moment in pair if moment)]
    low, high = min(known), max(known)
    margin = max((high - low) / 12, timedelta(days=1))
    # What begins last and has no end would be a sliver at the edge.
    begins_last = any(lower == high and upper is None for lower, upper in ends)
    return start or low - margin, end or high + margin * (4 if begins_last else 1)


def _fraction(moment: datetime, window: tuple[datetime, datetime]) -> float:
    return (moment - window[0]) / (window[1] - window[0])


def _lane(row: Mapping[str, Any], window: tuple[datetime, datetime]) -> Lane:
    bars = [bar for span in row["spans"] if (bar := _bar(span, window))]
    bars.sort(key=lambda bar: bar.start)
    text = "; ".join(bar.title for bar in bars)
    return Lane(str(row["label"]), row.get("url", ""), row.get("note", ""), bars, text)


def _bar(span: Mapping[str, Any], window: tuple[datetime, datetime]) -> Bar | None:
    """None for a span that is empty or lies outside the window; ends are half-open."""
    lower, upper = both_ends(span["during"])
    left, right = max(lower or window[0], window[0]), min(upper or window[1], window[1])
    if left >= right:
        return None
    x = _fraction(left, window)
    width = _fraction(right, window) - x
    seen = look(span["state"])
    title = span.get("title") or f"{seen.word}, {strip_tags(in_words(span['during']))}"
    return Bar(percent(x), percent(width), seen.shape, title, upper is None, x, width)


def _legend(rows: list[Mapping[str, Any]]) -> list[tuple[str, str]]:
    states = dict.fromkeys(span["state"] for row in rows for span in row["spans"])
    return list(dict.fromkeys((look(state).shape, str(look(state).word)) for state in states))


def _days(start: datetime, end: datetime, days: int) -> Iterator[tuple[datetime, str]]:
    step = next((step for step in DAY_STEPS if days / step <= MOST_TICKS), DAY_STEPS[-1])
    midnight = timezone.localtime(start).replace(hour=0, minute=0, second=0, microsecond=0)
    for number in range(0, days + 2, step):
        moment = midnight + timedelta(days=number)
        yield moment, moments.in_year(moment)


def _months(start: datetime, end: datetime, days: int) -> Iterator[tuple[datetime, str]]:
    months = days / 30.44
    step = next((step for step in MONTH_STEPS if months / step <= MOST_TICKS), MONTH_STEPS[-1])
    first = timezone.localtime(start)
    begin = -(-(first.year * 12 + first.month - 1) // step) * step
    for index in range(begin, begin + int(months) + step + 1, step):
        moment = first.replace(
            year=index // 12, month=index % 12 + 1, day=1, hour=0, minute=0, second=0, microsecond=0
        )
        yield moment, date_format(moment, "Y" if step >= 12 else "M Y")
