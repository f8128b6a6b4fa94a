"""The long run with a fault every two minutes: is an answer wrong, is anything lost, does anything grow?"""

import random
import shutil
import tempfile
import time
from pathlib import Path

from tests.benchmarks.soak_sampling import Samples
from tests.drills import facts, faults
from tests.drills.carrying_out import well_again
from tests.drills.load import Load
from tests.drills.model import ERROR, WRONG
from tests.drills.portal import DrilledPortal
from tests.drills.receiver import Receiver, receiving
from tests.support.console import Console

APART = 120.0  # seconds between two faults
LOGS = Path("soak-logs")  # of all processes, where something was wrong


def run(minutes: float) -> bool:
    """On a portal of its own; prints what it saw; whether nothing was wrong."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o711)  # the database's own user passes through
        with (
            DrilledPortal(Path(directory)) as portal,
            receiving() as receiver,
            portal.running(),
        ):
            told = {"url": receiver.url, "types": ["iam.contract.*"]}
            Console.of(portal, "provider").call("POST", "webhooks", told)
            return _soak(portal, receiver, minutes)


def _soak(portal: DrilledPortal, receiver: Receiver, minutes: float) -> bool:
    after, begun = facts.last_event(portal), time.monotonic()
    end = begun + minutes * 60
    samples = Samples(portal.environment["DATABASE_OWNER_URL"])
    turns = faults.in_turn(portal, random.Random(0))
    with Load(portal) as load:
        while True:
            calm = min(time.monotonic() + APART, end)
            while time.monotonic() < calm:
                samples.take()
                time.sleep(5)
            if time.monotonic() >= end:
                break
            fault, strike = next(turns)
            struck = time.monotonic() - begun
            strike()
            recovered = well_again(load, receiver, (time.monotonic(), time.time()), 0.0)
            print(f"{fault} at {struck:.0f} s: well again after {recovered:.1f} s", flush=True)
    found = facts.judge(portal, load, receiver, after)
    journal = load.journal
    wrong = [
        f"{each.kind} from {each.began - begun:.1f} to {each.ended - begun:.1f} s: {each.said}"
        for each in journal.of(WRONG)
    ]
    bad = [*wrong[:20], *found.lost, *found.doubled, *samples.growth()]
    print(f"\n{minutes:g} minutes, {len(journal.asked):,} requests, {len(journal.of(ERROR)):,} errors")
    print(f"\n{samples.table()}\n")
    print("\n".join(bad) if bad else "No wrong answer, nothing lost, nothing twice, nothing grown.")
    if bad:
        shutil.copytree(portal.local.logs, LOGS, dirs_exist_ok=True)
        print(f"The logs are in {LOGS}.")
    return not bad
