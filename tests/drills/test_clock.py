"""A clock stepped while its process serves or works: it may refuse, it may not act on what is not so."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from iam_portal.decision import rfc3339
from iam_portal.launchers.postgres import OWNER
from tests.drills import facts
from tests.drills.carrying_out import SHORT, Drills
from tests.drills.load import Load
from tests.drills.portal import DrilledPortal
from tests.support.absence import lacking
from tests.support.stage import Stage, made_of

pytestmark = pytest.mark.drill
LASTS = 8.0 if SHORT else 60.0
READ = 1.5  # seconds until a clock has read where it is to stand
HOUR_AHEAD = 3_660  # seconds, so that whatever is meant for within an hour is long over
_PLACES = ("/usr/lib/x86_64-linux-gnu/faketime", "/usr/lib/aarch64-linux-gnu/faketime")
_OF_LATER = """
    SELECT (SELECT count(*) FROM tenants_historyevent WHERE at > now() + interval '1 minute')
        + (SELECT count(*) FROM applications_event WHERE at > now() + interval '1 minute' AND id > %s)
        + (SELECT count(*) FROM applications_webhookdelivery WHERE at > now() + interval '1 minute')
        + (SELECT count(*) FROM applications_webhook
            WHERE greatest(leased_until, next_attempt_at) > now() + interval '30 minutes')
"""
_TOLD = "SELECT type FROM applications_event WHERE id > %s AND position(%s IN subject || data::text) > 0"


class Clock:
    """Of each process that runs in this environment: it can be stepped while they run."""

    def __init__(self, folder: Path) -> None:
        library = next((Path(place, "libfaketimeMT.so.1") for place in _PLACES if Path(place).is_dir()), None)
        if library is None:
            lacking("libfaketime is not installed (Debian: faketime)")
        self._file = folder / "clock"
        self._file.write_text("+0\n")
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def wrong_for(self, seconds: float, *, step: int) -> None:
        """And then right again."""
        self._file.write_text(f"{step:+d}\n")
        time.sleep(seconds)
        self._file.write_text("+0\n")
        time.sleep(READ)


@pytest.mark.parametrize(("step", "words"), [(-600, "ten minutes back"), (600, "ten minutes ahead")])
def test_stepped(drills: Drills, tmp_path: Path, step: int, words: str) -> None:
    """It stands beside the others, on the same database: they tell it nothing of what was changed."""
    clock = Clock(tmp_path)
    with drills.portal.another_web(**clock.environment) as beside:

        def prepare(load: Load) -> None:
            for contract in load.contracts:
                load.ask_at(beside, contract, " beside")

        drills.carry_out(
            f"the clock of a web server stepped {words} for {LASTS:.0f} s",
            lambda _: clock.wrong_for(LASTS, step=step),
            prepare=prepare,
        )


def test_of_the_only_worker_stepped(drills: Drills, tmp_path: Path) -> None:
    """What is planned for within the hour has not come, and nothing is kept from anybody for that hour."""
    clock, portal = Clock(tmp_path), drills.portal
    with portal.worker_in(**clock.environment):
        ending, proposed = planned(portal)
        after = facts.last_event(portal)

        def blow(_: Load) -> None:
            clock.wrong_for(LASTS, step=HOUR_AHEAD)

        drills.carry_out(f"the clock of the only worker stepped an hour ahead for {LASTS:.0f} s", blow)
        assert "task_put_off" in portal.keeper.children["worker"].printed(), "it was not stepped"
        with psycopg.connect(portal.address_of(OWNER)) as owner:
            assert owner.execute(_OF_LATER, [after]).fetchone() == (0,)
            for stage in (ending, proposed):
                assert owner.execute(_TOLD, [after, stage.contract_id]).fetchall() == []
        assert ending.introspect(ending.token())["active"] is True
        found = proposed.provider.act("GET", f"contracts/{proposed.contract_id}").body
        assert found["state"] == "proposed"


def planned(portal: DrilledPortal) -> tuple[Stage, Stage]:
    """A contract that ends within the hour, and a proposal that lapses within it."""
    soon = rfc3339(datetime.now(UTC) + timedelta(minutes=30))
    ending, proposed = made_of(portal.story), made_of(portal.story)
    ending.share(endsAt=soon)
    offer = {
        "consumerTenantId": proposed.consumer.tenant_id,
        "type": "provision",
        "roles": [{"applicationId": proposed.target.client_id, "role": "viewer"}],
        "answerBy": soon,
    }
    proposed.contract_id = proposed.provider.act("POST", "contracts", offer).body["contractId"]
    assert proposed.do(proposed.provider, "propose").body["state"] == "proposed"
    return ending, proposed
