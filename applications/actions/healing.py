"""The job's comparison of everything with the facts, and the mending of what differs.

The comparison locks nothing: each of its statements sees facts and what follows from them as they were at one
moment, and acts commit meanwhile. What differs is mended a part at a time, each in a transaction that holds
the applications concerned and no others.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from prometheus_client import Counter

from applications import readmodel
from applications.actions.availability import announce
from applications.models import ApplicationRole
from applications.policies import lock_applications
from iam_portal.gate import Actor
from tenants import history
from tenants.models import Tenant

HEALED = Counter("iam_readmodel_healed_rows_total", "Rows of grants and read model that differed", ["table"])
MOST = 10_000  # rows of each table that are mended in a run; what is left is the next one's
_PART = 500  # contracts, or organizations of one application
_RECORDED = 100
Rows = list[tuple[Any, ...]]
Healed = dict[str, Rows]


def heal(*, at: datetime, most: int = MOST) -> Healed:
    """Compare in one pass; only what differs is locked and mended. The rows that differed under the lock."""
    differing = readmodel.differences(most=most)
    healed: Healed = {"grants": [], "availability": []}
    contracts = sorted({row[1] for row in differing["grants"]})
    for some in _parts(contracts):
        healed["grants"] += _mended_grants(some, at)
    if contracts:  # the read model follows from the grants
        differing = readmodel.differences(most=most)
    pairs: dict[str, set[UUID]] = defaultdict(set)
    for _, tenant_id, application_id, *_ in differing["availability"]:
        pairs[application_id].add(tenant_id)
    for application_id in sorted(pairs):
        for tenants in _parts(sorted(pairs[application_id])):
            healed["availability"] += _mended_availability(application_id, tenants, at)
    return healed if any(healed.values()) else {}


def _parts(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    for first in range(0, len(ids), _PART):
        yield ids[first : first + _PART]


def _mended_grants(contracts: Collection[UUID], at: datetime) -> Rows:
    """Whoever moves grants of a contract holds the applications of its roles."""
    carried = Q(terms__contract__in=contracts) | Q(grants__contract__in=contracts)
    with transaction.atomic():
        lock_applications(ApplicationRole.objects.filter(carried).values_list("application_id", flat=True))
        rows = list(readmodel.rebuild_grants(contracts))
        _record({"grants": rows, "availability": []}, at)
    return rows


def _mended_availability(application_id: str, tenants: Collection[UUID], at: datetime) -> Rows:
    with transaction.atomic():
        ids = lock_applications([application_id])
        rows = list(readmodel.rebuild_availability(applications=ids, tenants=tenants))
        turns = readmodel.unannounced(applications=ids, tenants=tenants, at=at) if rows else []
        announce(turns, at=at, cause="healed")
        _record({"grants": [], "availability": rows}, at)
    return rows


def _record(healed: Healed, at: datetime) -> None:
    """Counted, and in the history of the platform. What an act has mended meanwhile is no concern."""
    if not any(healed.values()):
        return
    for table, rows in healed.items():
        HEALED.labels(table).inc(len(rows))
    history.record(
        action="availability.healed",
        tenants=[Tenant.objects.get(is_platform=True)],
        by=Actor.system("availability job"),
        at=at,
        subject=("job", "availability", "availability job"),
        after={
            table: [[str(value) for value in row] for row in rows[:_RECORDED]]
            for table, rows in healed.items()
        },
    )
