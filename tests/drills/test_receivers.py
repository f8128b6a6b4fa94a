"""Thousands of webhooks wait for a receiver that hangs: nobody else's are late, and in the end all arrive."""

import time

import psycopg
import pytest

from iam_portal.launchers.postgres import OWNER
from tests.drills.carrying_out import SHORT, Drills
from tests.drills.load import Load
from tests.drills.receiver import receiving
from tests.support.console import Console

pytestmark = pytest.mark.drill
WAITING = 300 if SHORT else 10_000
LASTS = 15.0
ARRIVE = 120.0 if SHORT else 900.0  # seconds, from when the receiver answers again
_MANY = """
    INSERT INTO applications_event (event_id, type, tenant_id, subject, at, data)
    SELECT gen_random_uuid(), 'iam.webhook.paused.v1', %s, %s, now(), '{}'
    FROM generate_series(1, %s)
"""


def test_a_receiver_hangs(drills: Drills) -> None:
    portal = drills.portal
    tenant_id = portal.story["consumer"]["tenantId"]
    with receiving() as hung:
        hung.hangs.set()
        told = {"url": hung.url, "types": ["iam.webhook.paused.v1"]}
        Console.of(portal, "consumer").call("POST", "webhooks", told)

        def blow(load: Load) -> None:
            with psycopg.connect(portal.address_of(OWNER)) as owner:
                owner.execute(_MANY, [tenant_id, hung.url, WAITING])
            time.sleep(LASTS)
            hung.hangs.clear()
            deadline = time.monotonic() + ARRIVE
            while len(hung.order) < WAITING and time.monotonic() < deadline:
                time.sleep(0.2)
            assert len(hung.order) == WAITING, len(hung.order)

        drills.carry_out(f"{WAITING:,} webhooks wait for a receiver that hangs for {LASTS:.0f} s", blow)
        assert not hung.different
        assert hung.order == _in_order(drills, hung.url)


def _in_order(drills: Drills, subject: str) -> list[str]:
    with psycopg.connect(drills.portal.address_of(OWNER)) as owner:
        question = "SELECT event_id::text FROM applications_event WHERE subject = %s ORDER BY position"
        return [row[0] for row in owner.execute(question, [subject])]
