"""The line to the database cut: silently, so that nobody is told that it is."""

import pytest

from tests.drills import faults
from tests.drills.carrying_out import SHORT, Drills
from tests.support.absence import lacking

pytestmark = pytest.mark.drill
LASTS = 20.0 if SHORT else 120.0
LONGEST = 45.0  # seconds that two requests may wait, one for a token: the limits of connections end them
WAYS = {"silent": "no packet comes back from the database", "unplugged": "no packet to or from the database"}


@pytest.mark.parametrize("way", WAYS)
def test_cut(drills: Drills, way: str) -> None:
    if drills.portal.network is None:
        lacking("a line is cut by root under tests/drills/apart only")
    row = drills.carry_out(
        f"{WAYS[way]} for {LASTS:.0f} s", lambda load: faults.cut_line(drills.portal, LASTS, way=way)
    )
    assert row.longest < LONGEST
