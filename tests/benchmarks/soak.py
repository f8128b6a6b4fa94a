"""Mixed load on a whole portal for a long time: is any answer wrong, does anything grow, is anything lost?

``python -m tests.benchmarks.soak --minutes 30`` starts a portal of its own (web, worker, schedule, event
service), and for so long lets services get and check tokens, contracts be paused and resumed, applications
poll their ACL, integrators read lists and events, and a person walk through the console. Then it counts.
"""

import argparse
import json
import sys
import tempfile
import threading
import time
from pathlib import Path

from tests.benchmarks import soak_actors, soak_checks, soak_faults
from tests.benchmarks.soak_sampling import Samples
from tests.benchmarks.soak_tally import Tally
from tests.support.portal import RunningPortal
from tests.support.stage import Stage, made_of

STEADY = 3  # contracts that stay in force: every token by them is counted
CHANGING = 2  # contracts that somebody pauses and resumes all the time
SETTLE_SECONDS = 20  # until usage, events and history have come to rest


def run(portal: RunningPortal, minutes: float) -> bool:
    """All actors for so long; prints what they saw; whether nothing was wrong."""
    steady, changing = [_shared(portal) for _ in range(STEADY)], [_shared(portal) for _ in range(CHANGING)]
    tally, end = Tally(), time.monotonic() + minutes * 60
    samples = Samples(portal.environment["DATABASE_OWNER_URL"])
    actors = soak_actors.of(portal, steady, changing)
    threads = [
        threading.Thread(target=actor.act_until, args=[end, tally], name=actor.name) for actor in actors
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        samples.take()
        time.sleep(5)
    for thread in threads:
        thread.join()
    time.sleep(SETTLE_SECONDS)
    samples.take()
    faults = tally.faults() + soak_checks.lost(portal, steady, changing, tally) + samples.growth()
    _print(tally, samples, faults, minutes)
    return not faults


def _shared(portal: RunningPortal) -> Stage:
    stage = made_of(portal.story)
    stage.share()
    return stage


def _print(tally: Tally, samples: Samples, faults: list[str], minutes: float) -> None:
    print(f"\n{minutes:g} minutes\n\n{tally.table(minutes * 60)}\n\n{samples.table()}\n")
    print("\n".join(faults) if faults else "No wrong answer, no error, nothing lost, nothing grown.")
    told = {
        "minutes": minutes,
        "requests": tally.rows(minutes * 60),
        "memory": samples.rows(),
        "faults": faults,
    }
    Path("soak.json").write_text(json.dumps(told, indent=1) + "\n")


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--minutes", type=float, default=30.0)
    arguments.add_argument("--faults", action="store_true", help="one every two minutes")
    given = arguments.parse_args()
    minutes = given.minutes
    if given.faults:
        return 0 if soak_faults.run(minutes) else 1
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o711)  # the database's own user passes through
        with RunningPortal(Path(directory), with_seed=True, web_workers=2) as portal:
            portal.start_worker()
            portal.start_beat()
            return 0 if run(portal, minutes) else 1


if __name__ == "__main__":
    sys.exit(main())
