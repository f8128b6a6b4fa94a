"""What a report is, and how its rows are read: a batch at a time, so that nobody waits for a slow reader."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, repeat
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.functional import Promise

from iam_portal.walls import tenant_scope
from tenants.models import Tenant

FIRST = 50  # rows that a page shows; the file has all of them
BATCH = 500
Cell = str | int | bool | datetime | None
Row = tuple[Cell, ...]
Words = str | Promise


@dataclass(frozen=True, slots=True)
class Given:
    """What is asked: of whom, at which moment, for how many days; ``types`` of contracts one may see."""

    tenant: Tenant
    at: datetime
    days: int = 0
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """``columns``: the name in a file, and the words above it. ``needs``: the permission behind the rows.

    ``about``: kind and id of what a row is of; a page shows a link in place of the last column, the id.
    ``asks``: ``at`` (a moment), or ``days``, at first ``days`` and never over ``most``: older is forgotten.
    """

    key: str
    title: Words
    lead: Words
    icon: str
    columns: tuple[tuple[str, Words], ...]
    batches: Callable[[Given], Iterator[list[Row]]]
    needs: str = ""
    asks: tuple[str, ...] = ()
    days: int = 90
    most: Callable[[], int] = lambda: 365
    about: Callable[[Row], tuple[str, str]] | None = None


def sizes() -> Iterator[int]:
    """Of the batches: at first what a page needs, and one more, by which it knows that there are others."""
    return chain([FIRST + 1], repeat(BATCH))


def in_batches(
    rows: QuerySet[Any], *, given: Given, key: str, shape: Callable[[list[Any]], list[Row]]
) -> Iterator[list[Row]]:
    """In the order of ``key``, which no row lacks, then of the primary key."""
    beyond = Q()
    for size in sizes():
        with tenant_scope(given.tenant.id):
            found = list(rows.filter(beyond).order_by(key, "pk")[:size])
            shaped = shape(found)
        yield shaped
        if len(found) < size:
            return
        edge = getattr(found[-1], key)
        beyond = Q(**{f"{key}__gt": edge}) | Q(**{key: edge, "pk__gt": found[-1].pk})
