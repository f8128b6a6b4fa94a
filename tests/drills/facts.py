"""What must be there after a drill, once each: events, history, deliveries, what was created, counts."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import psycopg

from iam_portal.launchers.postgres import OWNER
from tests.drills.load import Load
from tests.drills.portal import DrilledPortal
from tests.drills.receiver import Receiver

SETTLE = 90.0  # seconds until everything has its position and was delivered
_COMPARE = (
    "from applications import readmodel; "
    "print({name: len(rows) for name, rows in readmodel.differences().items() if rows})"
)
_EVENTS = """
    SELECT event_id::text, type, subject, position FROM applications_event
    WHERE tenant_id = %s AND id > %s AND type LIKE 'iam.contract.%%'
"""
_RECORDED = """
    SELECT action, subject_id, count(*) FROM tenants_historyevent
    WHERE tenant_id = %s AND subject_id = ANY(%s) GROUP BY action, subject_id
"""


@dataclass
class Found:
    """One line for each thing that is missing, and for each that is there twice."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)

    def count(self, what: str, there: int, *, least: int, most: int) -> None:
        if there < least:
            self.lost.append(f"{what}: {there} of {least}")
        if there > most:
            self.doubled.append(f"{what}: {there} of at most {most}")


def last_event(portal: DrilledPortal) -> int:
    """The newest event, before anything is done."""
    return int(_ask(portal, "SELECT coalesce(max(id), 0) FROM applications_event")[0][0])


def judge(portal: DrilledPortal, load: Load, receiver: Receiver, after: int) -> Found:
    """Wait until all has come to rest, then count."""
    tenant_id = portal.story["provider"]["tenantId"]
    events = _settled(portal, receiver, tenant_id, after)
    found, journal = Found(), load.journal
    told = Counter(
        f"{kind.removeprefix('iam.contract.').removesuffix('.v1')} {subject.rpartition('/')[2]}"
        for _, kind, subject, _ in events
    )
    ids = [each.stage.contract_id for each in load.contracts]
    recorded = Counter(
        {
            f"{action.removeprefix('contract.')} {subject}": number
            for action, subject, number in _ask(portal, _RECORDED, tenant_id, ids)
        }
    )
    for name in [f"{verb} {each}" for verb in ("paused", "resumed") for each in ids]:
        done = journal.done[name]
        for what, there in (("events", told), ("history", recorded)):
            found.count(f"{what}, {name}", there[name], least=done, most=done + journal.unknown[name])
    _drafts(portal, load, found)
    for each in ids:
        counted = _ask(
            portal,
            "SELECT coalesce(sum(tokens), 0) FROM applications_contractusage WHERE contract_id = %s",
            each,
        )
        name = f"issued {each}"
        found.count(
            f"counted, {name}", counted[0][0], least=0, most=journal.done[name] + journal.unknown[name]
        )
    _delivered(receiver, {event for event, *_ in events}, found)
    if (printed := portal.manage("shell", "--no-imports", "-c", _COMPARE).strip()) != "{}":
        found.lost.append(f"the read model differs: {printed[:200]}")
    return found


def _settled(
    portal: DrilledPortal, receiver: Receiver, tenant_id: str, after: int
) -> list[tuple[str, str, str, int | None]]:
    deadline = time.monotonic() + SETTLE
    while True:
        events = _ask(portal, _EVENTS, tenant_id, after)
        ready = all(position and event in receiver.times for event, _, _, position in events)
        if ready or time.monotonic() > deadline:
            time.sleep(0 if ready else 0.1)
            return events
        time.sleep(0.5)


def _drafts(portal: DrilledPortal, load: Load, found: Found) -> None:
    """Each key has made one contract, however often it was sent."""
    made = dict(
        _ask(portal, "SELECT note, count(*) FROM applications_contract WHERE note <> '' GROUP BY note")
    )
    for name in {*load.journal.done, *load.journal.unknown}:
        if name.startswith("drill-"):
            found.count(f"created, {name}", made.get(name, 0), least=load.journal.done[name], most=1)


def _delivered(receiver: Receiver, events: set[str], found: Found) -> None:
    missing = events - set(receiver.times)
    if missing:
        found.lost.append(f"deliveries: {len(missing)} of {len(events)} events are missing")
    found.doubled += [f"delivery {number} came with another body" for number in receiver.different]


def _ask(portal: DrilledPortal, question: str, *values: Any) -> list[Any]:
    """As the role that sees all tenants."""
    with psycopg.connect(portal.address_of(OWNER), connect_timeout=10) as connection:
        return connection.execute(question, values).fetchall()
