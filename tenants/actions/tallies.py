"""Counting against a limit, by all processes together: one statement, and none once the limit is reached."""

import hashlib
import math
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, models

from tenants.models import Tally

SLOTS = 1 << 17  # of a kind: rows of the table, at most
REMEMBERED = 10_000  # slots over their limit, in a process
_COUNT = """
INSERT INTO tenants_tally AS t (slot, began_at, number)
SELECT slot, %(at)s, 1 FROM unnest(%(slots)s::bigint[]) AS slot ORDER BY slot
ON CONFLICT (slot) DO UPDATE SET
    number = CASE WHEN t.began_at <= %(before)s THEN 1 ELSE t.number + 1 END,
    began_at = CASE WHEN t.began_at <= %(before)s THEN %(at)s ELSE t.began_at END
RETURNING slot, number, began_at
"""
_over: OrderedDict[int, datetime] = OrderedDict()
_changing = threading.Lock()


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``most`` within ``window``. ``kind`` is a small number of its own for each limit."""

    kind: int
    most: int
    window: timedelta

    def slot(self, what: str) -> int:
        """Where it is counted. Keyed: nobody can look for a name that shares the slot of another."""
        key = hashlib.sha256(settings.SECRET_KEY.encode()).digest()
        digest = hashlib.blake2b(what.encode(errors="replace"), key=key, digest_size=8).digest()
        return self.kind << 32 | int.from_bytes(digest, "big") % SLOTS


def count(counted: Mapping[Limit, str], *, at: datetime) -> int:
    """Count each of these once; the seconds to wait where a limit is passed, else 0. All are of one window.

    In a statement of its own: what is counted stays counted when the request fails. A limit that was passed
    is remembered by the process until its window ends, so a flood writes nothing.
    """
    limits = {limit.slot(what): limit for limit, what in counted.items()}
    if wait := _remembered(limits, at):
        return wait
    window = min(limit.window for limit in limits.values())
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"at": at, "slots": [*limits], "before": at - window})
        rows = cursor.fetchall()
    for slot, number, began_at in rows:
        if number > limits[slot].most:
            _remember(slot, began_at + window)
    return _remembered(limits, at)


def over(*, at: datetime) -> models.QuerySet[Tally]:
    """Rows that count for nothing any more."""
    return Tally.objects.filter(began_at__lt=at)


def forget() -> None:
    """What this process remembers; the rows stay."""
    with _changing:
        _over.clear()


def _remembered(slots: Mapping[int, Limit] | Sequence[int], at: datetime) -> int:
    with _changing:
        ends = [_over[slot] for slot in slots if slot in _over]
    left = max((end - at for end in ends), default=timedelta())
    return max(0, math.ceil(left.total_seconds()))


def _remember(slot: int, until: datetime) -> None:
    with _changing:
        _over[slot] = until
        while len(_over) > REMEMBERED:
            _over.popitem(last=False)
