"""Paging by cursor: a page begins after the last row that was seen, whatever came or went meanwhile."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django.core import signing
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from tenants.models.lookups import among

SIZE = 25
COUNTED = 1_000  # rows of a list: of more, no page waits for the number
SALT = "iam.paging"
LONGEST = 200  # of what is searched for


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of one page, and the addresses of its neighbours."""

    rows: list[Any]
    previous_url: str | None = None
    next_url: str | None = None

    @property
    def paging(self) -> dict[str, str | None]:
        """What ``_paging.html`` takes."""
        return {"previous_url": self.previous_url, "next_url": self.next_url}


class Found(Protocol):
    """Some rows in their order, with the keys of the first and the last; ``more`` lie beyond them."""

    @property
    def rows(self) -> Sequence[Any]: ...
    @property
    def first(self) -> tuple[str, ...]: ...
    @property
    def last(self) -> tuple[str, ...]: ...
    @property
    def more(self) -> bool: ...


def page_of(
    rows: QuerySet[Any],
    *,
    request: HttpRequest,
    key: str,
    size: int = SIZE,
    descending: bool = False,
    parts: Sequence[QuerySet[Any]] = (),
) -> Page:
    """One page of the rows in the order of ``key`` (a field or an annotation), then of the primary key.

    The cursor is signed: one that we did not make, or an old one, begins at the first page. ``parts`` make up
    the rows, where an index knows the order of each but none that of all: of each a page is read.
    """
    backwards, edge = _cursor(request)
    down = descending != backwards
    sign = "-" if down else ""

    def in_order(these: QuerySet[Any]) -> QuerySet[Any]:
        beyond = _beyond(key, edge, down) if edge is not None else Q()
        return these.filter(beyond).order_by(f"{sign}{key}", f"{sign}pk")[: size + 1]

    if parts:
        rows = rows.filter(among("pk", *map(in_order, parts)))
    found = list(in_order(rows))
    further, found = len(found) > size, found[:size]
    if backwards:
        found.reverse()
    before = further if backwards else edge is not None
    after = bool(found) if backwards else further
    return Page(
        found,
        _address(request, True, key, found[0]) if before and found else None,
        _address(request, False, key, found[-1]) if after and found else None,
    )


def counted(rows: QuerySet[Any]) -> int:
    """How many, or one more than are counted."""
    return rows.order_by()[: COUNTED + 1].count()


def page_of_list(
    rows: Sequence[Any], *, request: HttpRequest, key: Callable[[Any], tuple[str, ...]], size: int = SIZE
) -> Page:
    """One page of rows that are all at hand, in the order of their keys, each of which is there once."""
    backwards, edge = _cursor(request)
    rows = sorted(rows, key=key)
    first = 0
    if edge is not None:
        seen = tuple(edge[0])
        if backwards:
            first = max(0, sum(key(row) < seen for row in rows) - size)
        else:
            first = sum(key(row) <= seen for row in rows)
    found = rows[first : first + size]
    return Page(
        found,
        _listed(request, True, key(found[0])) if found and first else None,
        _listed(request, False, key(found[-1])) if first + size < len(rows) else None,
    )


def page_of_found(
    find: Callable[[tuple[str, ...] | None, bool, int], Found], *, request: HttpRequest, size: int = SIZE
) -> Page:
    """One page of what ``find`` finds after a key, or before it (backwards), at most so many."""
    backwards, edge = _cursor(request)
    found = find(tuple(edge[0]) if edge is not None else None, backwards, size)
    before = found.more if backwards else edge is not None
    after = bool(found.rows) if backwards else found.more
    return Page(
        list(found.rows),
        _listed(request, True, found.first) if before and found.first else None,
        _listed(request, False, found.last) if after and found.last else None,
    )


def searched(request: HttpRequest, name: str = "q") -> str:
    """What was typed into a search box, without what the database cannot take."""
    return request.GET.get(name, "").replace("\0", "").strip()[:LONGEST]


def with_query(request: HttpRequest, **changes: str | None) -> str:
    """This address with other parameters; None removes one. Every change begins at the first page."""
    query = request.GET.copy()
    for name in ("cursor", *changes):
        query.pop(name, None)
    for name, value in changes.items():
        if value:
            query[name] = value
    return f"{request.path}?{query.urlencode()}" if query else request.path


def _beyond(key: str, edge: tuple[Any, Any], down: bool) -> Q:
    side = "lt" if down else "gt"
    value, pk = edge
    return Q(**{f"{key}__{side}": value}) | Q(**{key: value, f"pk__{side}": pk})


def _cursor(request: HttpRequest) -> tuple[bool, tuple[Any, Any] | None]:
    text = request.GET.get("cursor")
    if not text:
        return False, None
    try:
        path, backwards, value, pk = signing.loads(text, salt=SALT)
    except (signing.BadSignature, ValueError):
        return False, None
    # A cursor of another list would compare names with dates.
    return (backwards, (value, pk)) if path == request.path else (False, None)


def _address(request: HttpRequest, backwards: bool, key: str, row: Any) -> str:
    value = getattr(row, key)
    value = value.isoformat() if isinstance(value, datetime) else value
    pk = row.pk if isinstance(row.pk, int) else str(row.pk)
    return with_query(request).split("?")[0] + "?" + _query(request, backwards, value, pk)


def _listed(request: HttpRequest, backwards: bool, key: tuple[str, ...]) -> str:
    return f"{request.path}?{_query(request, backwards, key, '')}"


def _query(request: HttpRequest, backwards: bool, value: Any, pk: Any) -> str:
    query = request.GET.copy()
    query["cursor"] = signing.dumps([request.path, backwards, value, pk], salt=SALT)
    return query.urlencode()
