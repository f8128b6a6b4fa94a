"""Processes killed without a word, one after the other."""

import random
import time

import pytest

from tests.drills import faults
from tests.drills.carrying_out import SHORT, Drills
from tests.drills.load import Load

pytestmark = pytest.mark.drill
KILLS = 2 if SHORT else 12
APART = (2.0, 6.0)


@pytest.mark.parametrize(
    ("names", "fault"),
    [
        (["web"], "web processes killed (`kill -9`)"),
        (["worker"], "worker processes killed (`kill -9`)"),
        (["web", "worker", "beat", "events"], "processes of all kinds killed at random (`kill -9`)"),
    ],
)
def test_killed(drills: Drills, names: list[str], fault: str) -> None:
    """Whoever keeps processes alive starts them again."""
    chance = random.Random(fault)

    def blow(load: Load) -> None:
        for number in range(KILLS):
            if number:
                time.sleep(chance.uniform(*APART))
            faults.kill(drills.portal, names, chance)

    drills.carry_out(f"{fault}, {KILLS} times", blow)
