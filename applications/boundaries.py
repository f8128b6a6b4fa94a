"""Boundaries as set-based SQL: which moments of contracts passed and were not told, and whether any did.

A boundary of an accepted contract is a planned moment: its start, the beginning or end of a pause, the moment
at which an amendment takes effect, its end. What an act did at once was told by the act (``ContractTold``).
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

WATERMARK = "availability"
# An act that committed after the last run may have planned a boundary before it: runs overlap by longer than
# a transaction can last. What was told is not told again.
OVERLAP = timedelta(minutes=15)
# So long after the watermark passed it, a boundary brings further runs each second: for acts just committing.
AFTERMATH = timedelta(seconds=5)

Boundary = tuple[UUID, str, datetime]

# Each way of beginning or ending: which rows, with the moment as ``at``; ``c`` is the contract.
_WAYS = {
    # A start that had passed at acceptance is told by the acceptance; one that an end overtook never comes.
    "started": ("applications_contract c", "c.starts_at", "c.starts_at > c.answered_at AND {before_end}"),
    # Clipped by the end, a pause ends with the contract: that is no resuming.
    "resumed": (
        "applications_contractpause p JOIN applications_contract c ON c.id = p.contract_id",
        "upper(p.during)",
        "{before_end}",
    ),
    "amended": (
        "applications_amendment m JOIN applications_contract c ON c.id = m.contract_id",
        "m.takes_effect_at",
        "m.state = 'accepted' AND m.takes_effect_at > m.answered_at AND {before_end}",
    ),
    "paused": (
        "applications_contractpause p JOIN applications_contract c ON c.id = p.contract_id",
        "lower(p.during)",
        "{before_end}",
    ),
    "ended": ("applications_contract c", "c.ends_at", "true"),
}


def _edges() -> str:
    """What ended at a moment stands last of that moment, what began with it first."""
    parts = []
    for rank, (verb, (rows, at, condition)) in enumerate(_WAYS.items()):
        wanted = condition.format(before_end=f"(c.ends_at IS NULL OR {at} < c.ends_at)")
        parts.append(
            f"""SELECT c.id AS contract_id, '{verb}' AS verb, {at} AS at, {rank} AS rank FROM {rows}
            WHERE c.state = 'accepted' AND {wanted} AND {at} <= %(until)s
                AND (%(after)s::timestamptz IS NULL OR {at} > %(after)s)
                AND (%(contracts)s::uuid[] IS NULL OR c.id = ANY(%(contracts)s))"""
        )
    return " UNION ALL ".join(parts)


_PASSED = f"""
SELECT e.contract_id, e.verb, e.at FROM ({_edges()}) e
WHERE NOT EXISTS (SELECT FROM applications_contracttold t
    WHERE t.contract_id = e.contract_id AND t.verb = e.verb AND t.at = e.at)
ORDER BY e.at, e.contract_id, e.rank
"""

_MOMENTS = (
    ("applications_availability", "lower(during)", "true"),
    ("applications_availability", "upper(during)", "true"),
    ("applications_contract", "starts_at", "state = 'accepted'"),
    ("applications_contract", "ends_at", "state IN ('accepted', 'proposed')"),
    ("applications_contract", "answer_by", "state = 'proposed'"),
    ("applications_contractpause", "lower(during)", "true"),
    ("applications_contractpause", "upper(during)", "true"),
    ("applications_amendment", "takes_effect_at", "state = 'accepted'"),
    ("applications_amendment", "answer_by", "state = 'proposed'"),
)
_NEXT = ", ".join(
    f"(SELECT min({at}) FROM {table} WHERE {condition} AND {at} > coalesce(%(after)s, '-infinity'))"
    for table, at, condition in _MOMENTS
)


def passed(*, contracts: Collection[UUID] | None, after: datetime | None, until: datetime) -> list[Boundary]:
    """Boundaries that passed and were not told, in order: (contract, verb, moment).

    ``after`` narrows the search to later ones: all before the watermark less ``OVERLAP`` have been told, and
    the notes of that are not kept for ever.
    """
    wanted = None if contracts is None else list(contracts)
    return _rows(_PASSED, {"contracts": wanted, "after": after, "until": until})


_CLAIM = """
INSERT INTO applications_contracttold (contract_id, verb, at)
SELECT * FROM unnest(%(contracts)s::uuid[], %(verbs)s::text[], %(moments)s::timestamptz[])
ON CONFLICT (contract_id, verb, at) DO NOTHING RETURNING contract_id, verb, at
"""


def claim(found: Collection[Boundary]) -> list[Boundary]:
    """Note that these are told, by whoever calls; those of them that nobody else has told, in their order.

    Another transaction that has noted one and is still at it is waited for. All note them in the order of
    :func:`passed`, so that no two wait for each other.
    """
    if not found:
        return []
    contracts, verbs, moments = (list(column) for column in zip(*found, strict=True))
    own = set(_rows(_CLAIM, {"contracts": contracts, "verbs": verbs, "moments": moments}))
    return [boundary for boundary in found if boundary in own]


def told_before() -> datetime | None:
    """Everything up to this moment has been told; ``None`` when the job has never run."""
    rows = _rows("SELECT at FROM applications_watermark WHERE name = %(name)s", {"name": WATERMARK})
    return rows[0][0] - OVERLAP if rows else None


def next_edge(*, after: datetime | None) -> datetime | None:
    """The next moment at which something begins, ends, takes effect or lapses. One statement, nine seeks."""
    found: datetime | None = _rows(f"SELECT least({_NEXT})", {"after": after})[0][0]
    return found


def is_due(*, at: datetime) -> bool:
    """Whether a boundary was passed that no run may have dealt with. What a beat of a second asks."""
    horizon = told_before()
    if horizon is None:
        return True
    edge = next_edge(after=horizon + OVERLAP - AFTERMATH)
    return edge is not None and edge <= at


_REMINDERS = """
SELECT c.id, tier.days FROM applications_contract c
CROSS JOIN LATERAL (
    SELECT min(day) AS days FROM unnest(%(days)s::int[]) AS day
    WHERE c.ends_at - make_interval(hours => 24 * day) <= %(at)s) tier
WHERE c.state = 'accepted' AND c.starts_at < c.ends_at AND c.ends_at > %(at)s
    AND c.ends_at <= %(at)s + make_interval(hours => 24 * %(most_days)s)
    AND c.answered_at < c.ends_at - make_interval(hours => 24 * tier.days)
    AND NOT EXISTS (SELECT FROM applications_contractreminder r
        WHERE r.contract_id = c.id AND r.ends_at = c.ends_at AND r.days = tier.days)
ORDER BY c.ends_at, c.id LIMIT %(most)s
"""


def reminders_due(*, days: Collection[int], at: datetime, most: int) -> list[tuple[UUID, int]]:
    """Contracts, and the nearest reminder (days before the end) that is due and was not sent.

    Farther ones are no news any more. Nor is one whose moment had passed when the contract was accepted: it
    would say what both sides had just agreed.
    """
    values = {"days": list(days), "most_days": max(days, default=0), "at": at, "most": most}
    return _rows(_REMINDERS, values)


def _rows(statement: str, values: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()
