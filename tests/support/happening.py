"""A history that is told twice, and the clock of the doors: what acts and comparisons stand on."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from iam_portal.errors import DomainError
from tests.support import naive
from tests.support.universe import OWNERS, TENANTS, Universe

# The random histories search as long as this says; each failure prints the blob that repeats it.
NAME = os.environ.get("HYPOTHESIS_PROFILE", "whole" if os.environ.get("CI") else "ordinary")
PROFILES = {
    "ordinary": {"max_examples": 4, "stateful_step_count": 20},  # others at each run
    "whole": {"max_examples": 10, "stateful_step_count": 20},
    "slow": {"max_examples": 300, "stateful_step_count": 40},
}
PROFILES["ci"] = {**PROFILES["whole"], "derandomize": True}
PROFILE = settings(
    deadline=None,
    print_blob=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink] if NAME == "slow" else [Phase.generate],  # it takes minutes
    **PROFILES[NAME],
)

APPS = tuple(OWNERS)

tenant_names = st.sampled_from(TENANTS)
application_ids = st.sampled_from(APPS)
role_sets = st.sampled_from([("viewer",), ("editor",), ("viewer", "editor")])
index = st.integers(0, 9)
# Few values, so that boundaries of different facts fall together; minutes lie inside a token's life.
offsets = st.sampled_from([timedelta(minutes=2), timedelta(hours=1), timedelta(hours=2), timedelta(hours=30)])
maybe_offset = st.none() | offsets
steps = st.sampled_from(
    [timedelta(seconds=20), timedelta(minutes=2), timedelta(hours=1), timedelta(hours=3), timedelta(days=2)]
)


class Clock:
    """The doors' clock."""

    at = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(hours=1)


BORN = Clock.at


class History(RuleBasedStateMachine):
    """One example: what happens to one copy of the universe, in a savepoint."""

    universe: Universe  # set by the test: the story before every example

    def __init__(self) -> None:
        super().__init__()
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        self.u = self.universe.fork()
        self.model = self.u.model
        self.at = Clock.at = self.start = BORN + timedelta(hours=1)
        self.turn = 0

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.savepoint.__exit__(None, None, None)

    def tries(self, act: Callable[[], Any], expected: bool | None = None) -> bool:
        try:
            with transaction.atomic():
                act()
        except DomainError as refusal:
            assert not expected, f"refused: {refusal.code}: {refusal.detail} {refusal.errors}"
            return False
        assert expected is not False, "this should have been refused"
        return True

    def later(self, offset: timedelta | None) -> datetime | None:
        return None if offset is None else self.at + offset

    def pick(self, number: int, *states: str) -> tuple[str, naive.Contract] | None:
        found = [(key, row) for key, row in self.model.contracts.items() if row.state in states]
        return found[number % len(found)] if found else None
