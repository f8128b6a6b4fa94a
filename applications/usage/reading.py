"""What the counts say: of one contract, of contracts that nobody uses, of single calls."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, Max, OuterRef, Q, QuerySet, Sum

from applications.models import Contract, ContractPause, ContractState, ContractUsage, Watermark

Call = tuple[UUID, str, str]  # tenant, caller, target

_LAST = """
SELECT asked.tenant, asked.caller, asked.target, max(u.last_used_at)
FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS asked(tenant, caller, target)
JOIN applications_contractusage u
    ON u.tenant_id = asked.tenant AND u.target_id = asked.target AND u.caller_id = asked.caller
GROUP BY asked.tenant, asked.caller, asked.target
"""


@dataclass(frozen=True, slots=True)
class Caller:
    """One caller of one target; ``application_id`` is missing where the reader may not know the caller."""

    application_id: str | None
    name: str | None
    target_id: str
    tokens: int
    last_used_at: datetime


@dataclass(frozen=True, slots=True)
class Usage:
    """A contract's use in the last days; ``last_used_at`` is of all time that is kept."""

    tokens: int
    last_used_at: datetime | None
    days: tuple[tuple[date, int], ...]
    callers: tuple[Caller, ...]


def last_used(calls: Collection[Call]) -> dict[Call, datetime]:
    """The last token of each (tenant, caller, target), as far as there was one. One statement."""
    columns = [list(column) for column in zip(*calls, strict=True)] or [[], [], []]
    with connection.cursor() as cursor:
        cursor.execute(_LAST, columns)
        return {(tenant, caller, target): at for tenant, caller, target, at in cursor.fetchall()}


def of_contract(contract: Contract, *, tenant_id: UUID, days: int, at: datetime) -> Usage:
    """As this side may read it.

    The consumer knows who acts in it or for it. The provider learns callers of targets that it owns, which
    read them in each token anyway, and its own; of others it learns how many tokens they got.
    """
    rows = ContractUsage.objects.filter(contract=contract)
    recent = rows.filter(day__gt=(at - timedelta(days=days)).date())
    by_day = recent.values_list("day").annotate(Sum("tokens")).order_by("day")
    found: dict[tuple[str | None, str | None, str], tuple[int, datetime]] = {}
    pairs = recent.values_list(
        "caller_id", "caller__display_name", "target_id", "caller__owner_id", "target__owner_id"
    )
    for caller_id, name, target_id, *owners, tokens, last in pairs.annotate(
        Sum("tokens"), Max("last_used_at")
    ).order_by("target_id", "caller_id"):
        is_known = tenant_id == contract.consumer_id or tenant_id in owners
        key = (caller_id, name, target_id) if is_known else (None, None, target_id)
        before = found.get(key)
        found[key] = (before[0] + tokens, max(before[1], last)) if before else (tokens, last)
    spells = tuple((day, tokens) for day, tokens in by_day)
    return Usage(
        tokens=sum(tokens for _, tokens in spells),
        last_used_at=rows.aggregate(last=Max("last_used_at"))["last"],
        days=spells,
        callers=tuple(Caller(*key, *counts) for key, counts in found.items()),
    )


def unused(rows: QuerySet[Contract], *, days: int, at: datetime) -> QuerySet[Contract]:
    """Those that are in force, have been for so many days, and by which no token was granted in them.

    Nobody is told so before tokens have been counted for that long.
    """
    since = at - timedelta(days=days)
    counted = counted_since()
    if counted is None or counted > since:
        return rows.none()
    used = ContractUsage.objects.filter(contract=OuterRef("pk"), last_used_at__gt=since)
    paused = ContractPause.objects.filter(contract=OuterRef("pk"), during__contains=at)
    living = Q(ends_at=None) | Q(ends_at__gt=at)
    rows = rows.filter(living, state=ContractState.ACCEPTED, starts_at__lte=since)
    return rows.exclude(Exists(used)).exclude(Exists(paused))


def counted_since() -> datetime | None:
    """When counting began: with the migration that made its table."""
    found: Any = Watermark.objects.filter(name="usage").values_list("at", flat=True).first()
    return found
