"""The job's act: tell the boundaries that passed, compare everything with the facts, heal what differs."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from applications import boundaries, readmodel
from applications.actions import contracts, healing
from applications.actions.availability import Turn, announce
from applications.models import Contract, ContractState, ContractTold, Watermark
from applications.policies import lock_applications
from iam_portal.gate import Actor
from tenants.models.batches import first

_LOCK = "iam:availability-job"
# Notes of what was told are kept for far longer than runs overlap.
KEPT = timedelta(days=7)


@dataclass(slots=True)
class Watched:
    """What one run did. ``busy``: another process held the lock, nothing was done.

    ``announced`` counts changes of availability, ``passed`` boundaries of contracts.
    """

    announced: int = 0
    passed: int = 0
    healed: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    busy: bool = False


def run(*, at: datetime) -> Watched:
    """The run of each minute: tell what passed, then compare everything and heal."""
    done = tell(at=at)
    if not done.busy:
        while forget_told(at=at):
            pass
        done.healed = healing.heal(at=at)
    return done


def forget_told(*, at: datetime, most: int = 1000) -> int:
    """Delete notes that no run looks at any more, up to so many in one transaction. How many there were."""
    return first(ContractTold.objects.filter(at__lt=at - KEPT).order_by("at"), most).delete()[0]


def tell(*, at: datetime) -> Watched:
    """Tell what passed, in one transaction: killed at any point it has done nothing, and the next does it."""
    done = Watched()
    with transaction.atomic():
        if not _alone():
            done.busy = True
            return done
        mark, is_first = Watermark.objects.get_or_create(name=boundaries.WATERMARK, defaults={"at": at})
        since = None if is_first else mark.at - boundaries.OVERLAP
        passed = _passed(since, at)
        turns = _turns(since, at)
        done.passed = announce(turns, at=at, cause="boundary", passed=passed)
        done.announced = len(turns)
        Watermark.objects.filter(name=boundaries.WATERMARK, at__lt=at).update(at=at)
    return done


def _passed(since: datetime | None, at: datetime) -> list[boundaries.Boundary]:
    """Acts on the same contracts wait; what they told or moved meanwhile is left to them.

    Contracts are locked before applications, as acts do it.
    """
    found = boundaries.passed(contracts=None, after=since, until=at)
    if not found:
        return []
    ids = sorted({contract_id for contract_id, _, _ in found})
    rows = Contract.objects.filter(id__in=ids).order_by("id").select_for_update(no_key=True)
    list(rows.values_list("id"))
    return boundaries.passed(contracts=ids, after=since, until=at)


def _turns(since: datetime | None, at: datetime) -> list[Turn]:
    """The same for applications."""
    found = readmodel.passed_turns(applications=None, tenants=None, after=since, until=at)
    if not found:
        return []
    ids = lock_applications(turn[1] for turn in found)
    return readmodel.passed_turns(applications=ids, tenants=None, after=None, until=at)


def lapse_proposals(*, at: datetime) -> int:
    """Note each proposal whose date has passed, one transaction each. How many there were."""
    over = Q(answer_by__lte=at) | Q(ends_at__lte=at)
    due = Contract.objects.filter(over, state=ContractState.PROPOSED).order_by("id")
    by = Actor.system("availability job")
    return sum(
        contracts.lapse(contract_id=contract_id, by=by, at=at)
        for contract_id in due.values_list("id", flat=True)[:1000]
    )


def _alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [_LOCK])
        return bool(cursor.fetchone()[0])
