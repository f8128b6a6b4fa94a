"""Half-open spans of time, ``(from, until)``; ``None`` is no end."""

from collections.abc import Iterable, Sequence
from datetime import datetime

Span = tuple[datetime, datetime | None]


def shared(some: Iterable[Span], others: Sequence[Span]) -> list[Span]:
    """The moments that are in both."""
    found: list[Span] = []
    for first, last in some:
        for other_first, other_last in others:
            start = max(first, other_first)
            end = other_last if last is None else last if other_last is None else min(last, other_last)
            if end is None or start < end:
                found.append((start, end))
    return found


def joined(spans: Iterable[Span]) -> list[Span]:
    """The same moments in order, without overlap: what touches becomes one."""
    found: list[Span] = []
    for first, last in sorted(spans, key=lambda span: span[0]):
        if not found or (found[-1][1] is not None and found[-1][1] < first):
            found.append((first, last))
        elif found[-1][1] is not None and (last is None or last > found[-1][1]):
            found[-1] = (found[-1][0], last)
    return found


def first_missing(after: Sequence[Span], before: Sequence[Span]) -> datetime | None:
    """The first moment of ``before`` that ``after`` lacks; both are joined."""
    for first, last in before:
        moment = first
        for start, end in after:
            if start <= moment and (end is None or end > moment):
                if end is None:
                    break
                moment = end
        else:
            if last is None or moment < last:
                return moment
    return None
