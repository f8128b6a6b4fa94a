"""What the counts say: of one contract, of contracts that nobody uses, of single calls."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, Max, OuterRef, Q, QuerySet, Sum

from applications.models import (
    Availability,
    Contract,
    ContractPause,
    ContractState,
    ContractUsage,
    Watermark,
)
from iam_portal.walls import cross_tenant

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
    """One caller of one target; ``application_id`` is missing where the reader may not know the caller.

    ``name`` also where the caller is neither his own nor available to him.
    """

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
    """The last token of each (tenant, caller, target), as far as there was one. One statement.

    Of the tenant in scope; a caller that may name calls in others crosses the wall himself.
    """
    columns = [list(column) for column in zip(*calls, strict=True)] or [[], [], []]
    with connection.cursor() as cursor:
        cursor.execute(_LAST, columns)
        return {(tenant, caller, target): at for tenant, caller, target, at in cursor.fetchall()}


def last_used_by(contract_ids: Collection[UUID], *, target_id: str) -> dict[UUID, datetime]:
    """The last token for the target by each of the contracts, which are the reader's own."""
    with cross_tenant():  # the rows are of the tenant in which the tokens act
        rows = ContractUsage.objects.filter(contract_id__in=contract_ids, target_id=target_id).order_by()
        return dict(rows.values_list("contract_id").annotate(Max("last_used_at")))


def of_contract(contract: Contract, *, tenant_id: UUID, days: int, at: datetime) -> Usage:
    """As this side may read it.

    The consumer knows who acts in it or for it. The provider learns callers of targets that it owns, whose
    ids it reads in each token anyway, and its own; of others it learns how many tokens they got.
    """
    since = (at - timedelta(days=days)).date()
    with cross_tenant():  # the rows are of the tenant in which the tokens act; the contract is the reader's
        rows = ContractUsage.objects.filter(contract=contract)
        spells = tuple(rows.filter(day__gt=since).values_list("day").annotate(Sum("tokens")).order_by("day"))
        last_use = rows.aggregate(last=Max("last_used_at"))["last"]
        callers = _callers(rows.filter(day__gt=since), contract, tenant_id, at)
    return Usage(
        tokens=sum(tokens for _, tokens in spells), last_used_at=last_use, days=spells, callers=callers
    )


def _callers(
    rows: QuerySet[ContractUsage], contract: Contract, tenant_id: UUID, at: datetime
) -> tuple[Caller, ...]:
    here = Availability.objects.at(at).filter(tenant=tenant_id, application=OuterRef("caller"))
    columns = ("caller_id", "caller__display_name", "target_id", "caller__owner_id", "target__owner_id")
    counted = rows.annotate(is_here=Exists(here)).values_list(*columns, "is_here")
    found: dict[tuple[str | None, str | None, str], tuple[int, datetime]] = {}
    for caller_id, name, target_id, owner, targets_owner, is_here, tokens, last in counted.annotate(
        Sum("tokens"), Max("last_used_at")
    ).order_by("target_id", "caller_id"):
        is_known = tenant_id in (contract.consumer_id, owner, targets_owner)
        is_named = is_known and (is_here or owner == tenant_id)
        key = (caller_id if is_known else None, name if is_named else None, target_id)
        before = found.get(key)
        found[key] = (before[0] + tokens, max(before[1], last)) if before else (tokens, last)
    return tuple(Caller(*key, *counts) for key, counts in found.items())


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
    rows = rows.exclude(Exists(paused))
    with cross_tenant():  # asked here: where the rows are read, the other side's counts are behind the wall
        ids = list(rows.exclude(Exists(used)).order_by().values_list("id", flat=True))
    return rows.filter(id__in=ids)


def counted_since() -> datetime | None:
    """When counting began: with the migration that made its table."""
    found: Any = Watermark.objects.filter(name="usage").values_list("at", flat=True).first()
    return found
