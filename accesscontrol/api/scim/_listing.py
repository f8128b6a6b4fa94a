"""Lists: a filter, an order, a page (RFC 7644 §3.4.2), from a query or from a search (§3.4.3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F, QuerySet, Value

from accesscontrol.api.scim._asking import Columns
from accesscontrol.api.scim._door import Desk
from accesscontrol.api.scim._rows import KINDS, Kind
from accesscontrol.scim import filters
from accesscontrol.scim.choosing import Chosen, read
from accesscontrol.scim.patching import folded
from accesscontrol.scim.refused import ScimRefused
from accesscontrol.scim.schemas import LIST, MOST_LISTED

DEFAULT, FARTHEST = 100, 1_000_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What a list is asked for; ``start`` counts from 1."""

    filter: filters.Filter | None
    sort_by: str
    descending: bool
    start: int
    count: int
    chosen: Chosen

    @property
    def window(self) -> slice:
        """Of all rows in their order."""
        return slice(self.start - 1, self.start - 1 + self.count)


def of_query(query: Mapping[str, str]) -> Asked:
    """From the parameters of an address."""
    return _asked({name.lower(): value for name, value in query.items()})


def of_search(body: Any) -> Asked:
    """From the body of ``/.search``."""
    return _asked(folded(body))


def listed(desk: Desk, kind: Kind, asked: Asked) -> dict[str, Any]:
    """The page and how many there are; the number of queries does not depend on either."""
    rows, order = _sought(kind.rows(desk), kind.columns(desk), asked)
    sorted_rows = rows.order_by(order.desc() if asked.descending else order.asc(), "pk")
    page = list(sorted_rows[asked.window]) if asked.count else []
    return _page(asked, rows.count(), kind.told(desk, page, asked.chosen) if page else [])


def listed_together(desk: Desk, kinds: Sequence[Kind], asked: Asked) -> dict[str, Any]:
    """The same of several kinds in one order: what has nothing to be sorted by stands last (§3.4.2.3)."""
    found = []
    for place, kind in enumerate(kinds):
        columns = kind.columns(desk)
        for other in KINDS:
            columns = columns if other is kind else columns.beside(other.columns(desk))
        rows, order = _sought(kind.rows(desk), columns, asked)
        found.append(rows.annotate(place=Value(place), value=order).values_list("place", "value", "pk"))
    together = found[0].union(*found[1:], all=True)
    in_order = together.order_by("-value" if asked.descending else "value", "place", "pk")
    page = list(in_order[asked.window]) if asked.count else []
    told: dict[str, dict[str, Any]] = {}
    for place, kind in enumerate(kinds):
        if ids := [pk for at, _value, pk in page if at == place]:
            rows = kind.rows(desk).filter(pk__in=ids)
            told |= {each["id"]: each for each in kind.told(desk, list(rows), asked.chosen)}
    resources = [told[str(pk)] for _place, _value, pk in page if str(pk) in told]
    return _page(asked, together.count(), resources)


def _sought(rows: QuerySet[Any], columns: Columns, asked: Asked) -> tuple[QuerySet[Any], Any]:
    """Those for which the filter holds, and what they are sorted by."""
    if asked.filter is not None:
        rows = rows.filter(columns.where(asked.filter))
    order = columns.order(asked.sort_by) if asked.sort_by else "pk"
    return rows, F(order) if isinstance(order, str) else order


def _page(asked: Asked, total: int, resources: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "schemas": [LIST],
        "totalResults": total,
        "startIndex": asked.start,
        "itemsPerPage": len(resources),
        "Resources": [asked.chosen.of(each) for each in resources],
    }


def _asked(said: Mapping[str, Any]) -> Asked:
    text = said.get("filter")
    if text is not None and not isinstance(text, str):
        raise ScimRefused("invalidFilter", "A filter is a text.")
    sort_by = said.get("sortby") or ""
    if not isinstance(sort_by, str):
        raise ScimRefused("invalidPath", "sortBy is the name of an attribute.")
    order = str(said.get("sortorder") or "ascending").lower()
    if order not in ("ascending", "descending"):
        raise ScimRefused("invalidValue", "sortOrder is ascending or descending.")
    return Asked(
        filter=filters.parse(text) if text else None,
        sort_by=filters.name_of(sort_by) if sort_by else "",
        descending=order == "descending",
        start=min(max(_number(said, "startindex", 1), 1), FARTHEST),
        count=min(max(_number(said, "count", DEFAULT), 0), MOST_LISTED),
        chosen=read(said.get("attributes"), said.get("excludedattributes")),
    )


def _number(said: Mapping[str, Any], name: str, default: int) -> int:
    """Less than the least is the least, more than the most is the most (RFC 7644 §3.4.2.4)."""
    value = said.get(name)
    if value is None:
        return default
    text = str(value) if not isinstance(value, bool) else ""
    bare = text.removeprefix("-")
    if not (bare.isascii() and bare.isdigit()) or len(bare) > 18:
        raise ScimRefused("invalidValue", f"{name} is a whole number.")
    return int(text)
