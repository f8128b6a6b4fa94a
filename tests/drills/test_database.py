"""The database restarted, without room, without connections, and locked."""

import time

import pytest

from tests.drills import faults
from tests.drills.carrying_out import SHORT, Drills
from tests.drills.load import Load
from tests.support.absence import lacking

pytestmark = pytest.mark.drill
RESTARTS = 1 if SHORT else 5
LASTS = 10.0 if SHORT else 60.0


def test_restarted(drills: Drills) -> None:
    def blow(load: Load) -> None:
        for number in range(RESTARTS):
            time.sleep(5 if number else 0)
            faults.restart_database(drills.portal)

    drills.carry_out(f"PostgreSQL restarted (`immediate`), {RESTARTS} times", blow)


def test_no_room(drills: Drills) -> None:
    if not drills.portal.network:
        lacking("a small disk is mounted by root under tests/drills/apart only")
    fault = f"the database's disk full for {LASTS:.0f} s"
    drills.carry_out(fault, lambda load: faults.fill_disk(drills.portal, LASTS))


def test_no_connections(drills: Drills) -> None:
    fault = f"all connections of PostgreSQL taken for {LASTS:.0f} s"
    drills.carry_out(fault, lambda load: faults.take_connections(drills.portal, LASTS))


def test_pool_exhausted(drills: Drills) -> None:
    fault = f"tables locked for {LASTS:.0f} s, so that every pool is exhausted"
    drills.carry_out(fault, lambda load: faults.lock_tables(drills.portal, LASTS))
