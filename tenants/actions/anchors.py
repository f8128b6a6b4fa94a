"""Anchors: what stays in a chain for rows that retention takes away."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from iam_portal import sealing
from tenants.models import HistoryAnchor

Link = tuple[int, str]  # position and digest


def make(*, tenant_id: UUID, month: date, links: Iterable[Link], at: datetime) -> HistoryAnchor:
    """The anchor for these links, in the order of their positions; it is not stored yet."""
    spans: list[list[int]] = []
    total, count, position, digest = hashlib.sha256(), 0, 0, ""
    for position, digest in links:
        count += 1
        total.update(digest.encode())
        if spans and spans[-1][1] == position - 1:
            spans[-1][1] = position
        else:
            spans.append([position, position])
    anchor = HistoryAnchor(
        tenant_id=tenant_id,
        month=month,
        made_at=at,
        count=count,
        spans=spans,
        position=position,
        digest=digest,
        links_digest=total.hexdigest(),
    )
    anchor.seal = sealing.seal(_told(anchor))
    return anchor


class Dropped:
    """The positions whose rows were dropped, while somebody walks over them in their order."""

    def __init__(self, anchors: Iterable[HistoryAnchor]) -> None:
        self._anchors = sorted(anchors, key=lambda anchor: anchor.position)
        self._spans = sorted(
            (first, last, number)
            for number, anchor in enumerate(self._anchors)
            for first, last in _pairs(anchor.spans)
        )
        self._totals: list[Any] = [hashlib.sha256() for _ in self._anchors]
        self._next = 0

    @property
    def altered(self) -> int | None:
        """The position of the first anchor that is not as it was sealed."""
        wrong = (anchor.position for anchor in self._anchors if not _holds(anchor))
        return next(wrong, None)

    def passes(self, position: int, digest: str) -> bool:
        """Whether the row at this position was dropped; its link is counted then."""
        while self._next < len(self._spans) and self._spans[self._next][1] < position:
            self._next += 1
        if self._next == len(self._spans) or position < self._spans[self._next][0]:
            return False
        self._totals[self._spans[self._next][2]].update(digest.encode())
        return True

    def unfinished(self) -> int | None:
        """After the walk: the position of the first anchor whose links are not those it stands for."""
        for anchor, total in zip(self._anchors, self._totals, strict=True):
            if total.hexdigest() != anchor.links_digest:
                return anchor.position
        return None


def _pairs(spans: Any) -> Sequence[tuple[int, int]]:
    """Nothing, where somebody wrote other things: the seal does not hold then."""
    try:
        return [(int(first), int(last)) for first, last in spans]
    except (TypeError, ValueError):
        return []


def _holds(anchor: HistoryAnchor) -> bool:
    try:
        return sealing.unseal(anchor.seal) == _told(anchor)
    except sealing.InvalidToken:
        return False


def _told(anchor: HistoryAnchor) -> str:
    values = [str(anchor.tenant_id), anchor.month.isoformat(), anchor.count, anchor.spans]
    return json.dumps(["history-anchor", *values, anchor.position, anchor.digest, anchor.links_digest])
