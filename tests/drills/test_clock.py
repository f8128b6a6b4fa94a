"""The clock of a web server stepped while it serves: it may refuse, it may not tell what is no longer so."""

import time
from pathlib import Path

import pytest

from tests.drills.carrying_out import SHORT, Drills
from tests.drills.load import Load
from tests.support.absence import lacking

pytestmark = pytest.mark.drill
LASTS = 8.0 if SHORT else 60.0
_PLACES = ("/usr/lib/x86_64-linux-gnu/faketime", "/usr/lib/aarch64-linux-gnu/faketime")


@pytest.mark.parametrize(("step", "words"), [(-600, "ten minutes back"), (600, "ten minutes ahead")])
def test_stepped(drills: Drills, tmp_path: Path, step: int, words: str) -> None:
    """It stands beside the others, on the same database: they tell it nothing of what was changed."""
    library = next((Path(place, "libfaketimeMT.so.1") for place in _PLACES if Path(place).is_dir()), None)
    if library is None:
        lacking("libfaketime is not installed (Debian: faketime)")
    clock = tmp_path / "clock"
    clock.write_text("+0\n")
    stepped = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    with drills.portal.another_web(**stepped) as beside:

        def prepare(load: Load) -> None:
            for contract in load.contracts:
                load.ask_at(beside, contract, " beside")

        def blow(load: Load) -> None:
            clock.write_text(f"{step:+d}\n")
            time.sleep(LASTS)
            clock.write_text("+0\n")
            time.sleep(1.5)  # until it is read

        drills.carry_out(
            f"the clock of a web server stepped {words} for {LASTS:.0f} s", blow, prepare=prepare
        )
