"""What the search of the console looks through: apps add kinds in ``AppConfig.ready``, none is asked upward.

Whatever is searched for starts from the tenant of the page and from kinds that its person may read. So what
is foreign is found as little as what is nowhere, by the same statements.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, Count, F, Func, IntegerField, Q, QuerySet, Value, When, Window
from django.utils.functional import Promise

from iam_portal.spelled import Spelled
from tenants.http.pages import TenantPage
from tenants.http.paging import COUNTED

MOST = 10  # of a kind
_UUID = re.compile(r"(?<![0-9a-f])[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}(?![0-9a-f])", re.I)
_URN = re.compile(r"urn:iam:([a-z-]+):([^\s\"'`,;<>()\[\]{}]+)")
# ``"contractId": "…"``, ``request_id=…``, ``aud:…``: what stands before a value in logs and tokens.
_BEFORE = re.compile(r"\A[\s\"'`(\[{<]*(?:[A-Za-z_]\w*[\"']?\s*[:=]\s*)?[\"'`]?")
_AFTER = re.compile(r"[\s\"'`)\]}>,;.]*\Z")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,63}\Z")


@dataclass(frozen=True, slots=True)
class Pasted:
    """What may be an id in a text that came out of a log, a token or an address.

    ``urn`` is its kind and its parts; ``word`` anything that has the form of an id of ours.
    """

    uuid: UUID | None = None
    urn: tuple[str, tuple[str, ...]] | None = None
    word: str = ""

    @classmethod
    def of(cls, text: str) -> "Pasted":
        urn, uuid = _URN.search(text), _UUID.search(text)
        inner = _AFTER.sub("", _BEFORE.sub("", text))
        return cls(
            uuid=UUID(uuid.group()) if uuid and not urn else None,
            urn=(urn.group(1), tuple(urn.group(2).rstrip(".").split(":"))) if urn else None,
            word=inner if _WORD.match(inner) else "",
        )

    @property
    def is_id(self) -> bool:
        """Whether it can be nothing else, so that no name has to be looked through."""
        return self.uuid is not None or self.urn is not None


@dataclass(frozen=True, slots=True)
class Found:
    """One thing and its page."""

    text: str
    url: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """``named`` finds by what people call it: the first few, and how many there are. ``known`` by an id.

    ``list_name`` is the page that shows all of them with ``q``; more than ``counted`` are not told by number.
    """

    key: str
    label: str | Promise
    icon: str
    permission: str
    position: int
    known: Callable[[TenantPage, Pasted], Sequence[Found]]
    named: Callable[[TenantPage, str], tuple[Sequence[Found], int]] | None = None
    list_name: str = ""
    counted: int = COUNTED


_kinds: dict[str, Kind] = {}


def register(*kinds: Kind) -> None:
    """Add kinds; one of a known key takes its place."""
    _kinds.update({kind.key: kind for kind in kinds})


def kinds(page: TenantPage) -> list[Kind]:
    """Those that the person may read, in their order."""
    readable = [kind for kind in _kinds.values() if page.can(kind.permission)]
    return sorted(readable, key=lambda kind: kind.position)


def finding(
    write: Callable[..., QuerySet[Any]], *, by: str, told: Sequence[str], most: int = 0, **types: type
) -> Callable[..., tuple[list[tuple[Any, ...]], int]]:
    """Finds the first few, ``told`` of each, and how many there are: those that begin with ``wanted`` before
    the others.

    ``write`` gives the rows for ``wanted`` and values of ``types``. ``most``: there may be so many that it
    does not pay to count further. One statement: each row carries the count of all.
    """

    def ordered(**values: Any) -> QuerySet[Any, Any]:
        rows = write(**values)
        begins = Case(When(Q(**{f"{by}__istartswith": values["wanted"]}), then=Value(0)), default=Value(1))
        count: Window | Func = Window(Count("*"), output_field=IntegerField())
        if most:
            counted = ArraySubquery(rows.order_by().values("pk")[: most + 1])
            count = Func(counted, function="cardinality", output_field=IntegerField())
        found = rows.annotate(found_rank=begins, found_count=count)
        return found.order_by("found_rank", F(by).asc(), "pk").values_list("found_count", *told)[:MOST]

    statement = Spelled(ordered, wanted=str, **types)

    def find(**values: Any) -> tuple[list[tuple[Any, ...]], int]:
        rows = statement.rows(**values)
        return [row[1:] for row in rows], rows[0][0] if rows else 0

    return find
