"""One drill: load, a fault, its end; how long until all is well again; what is missing or there twice."""

import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime

from tests.drills import facts
from tests.drills.load import KINDS, Load
from tests.drills.model import ERROR, WRONG, Asked
from tests.drills.portal import DrilledPortal
from tests.drills.receiver import Receiver

SHORT = os.environ.get("DRILL") == "short"
STEADY = 3.0  # seconds of load before the fault
CALM = 3.0  # seconds without an error that end a drill
PATIENCE = 90.0  # within which everything must be well again
# Events are delivered in order: a new one comes after all that have waited meanwhile.
BEHIND = 0.5  # seconds more for each second without deliveries


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    fault: str
    running: str
    requests: int
    errors: int
    wrong: int
    lost: int
    doubled: int
    longest: float
    recovered: float


@dataclass
class Drills:
    """What all of them share, and what they found."""

    portal: DrilledPortal
    receiver: Receiver
    rows: list[Row]

    def carry_out(
        self,
        fault: str,
        blow: Callable[[Load], None],
        *,
        running: str = "all kinds of requests, deliveries",
        prepare: Callable[[Load], None] | None = None,
    ) -> Row:
        """``blow`` returns when the fault is over: from then on recovery is measured."""
        after = facts.last_event(self.portal)
        load = Load(self.portal)
        if prepare:
            prepare(load)
        with load:
            time.sleep(STEADY)
            calm = errors_of(load, 0.0)
            assert not calm, f"before the fault: {calm[:3]}"
            struck = time.monotonic()
            blow(load)
            healed, clock = time.monotonic(), time.time()
            recovered = well_again(load, self.receiver, (healed, clock), healed - struck)
        found = facts.judge(self.portal, load, self.receiver, after)
        journal = load.journal
        wrong = [f"{each.kind}: {each.said}" for each in journal.of(WRONG)]
        longest = max(each.ended - each.began for each in journal.asked)
        row = Row(
            fault,
            running,
            len(journal.asked),
            len(journal.of(ERROR)),
            len(wrong),
            len(found.lost),
            len(found.doubled),
            round(longest, 1),
            round(recovered, 1),
        )
        print(f"\n{asdict(row)}\n" + "\n".join(sorted({each.said[:150] for each in journal.of(ERROR)})[:12]))
        self.rows.append(row)
        assert not (wrong or found.lost or found.doubled), (wrong[:5], found)
        return row


def well_again(load: Load, receiver: Receiver, end: tuple[float, float], lasted: float) -> float:
    """Seconds from the end of the fault (by both clocks) until every kind was right and no error came."""
    (healed, clock), patience = end, PATIENCE + BEHIND * lasted
    while True:
        now = time.monotonic()
        first = load.journal.first_right(KINDS, healed)
        if (arrived := _delivered(receiver, clock)) is not None:
            first["delivery"] = arrived
        lacking = set(KINDS) - set(first)
        errors = errors_of(load, healed)
        last = max((each.ended for each in errors), default=healed)
        if not lacking and now - last > CALM:
            told = {kind: round(moment - healed, 1) for kind, moment in first.items()}
            print(f"\nfirst right: {told}; last error: {last - healed:.1f}")
            return max(*first.values(), last) - healed
        assert now - healed < patience, f"not well again: {sorted(lacking)}; {errors[-3:]}"
        time.sleep(0.2)


def errors_of(load: Load, since: float) -> list[Asked]:
    """Those that ended after this moment."""
    return [each for each in load.journal.of(ERROR) if each.ended > since]


def _delivered(receiver: Receiver, clock: float) -> float | None:
    """When an event of after the fault was delivered."""
    for moment, at in list(receiver.arrived):
        if datetime.fromisoformat(at).timestamp() > clock:
            return moment
    return None
