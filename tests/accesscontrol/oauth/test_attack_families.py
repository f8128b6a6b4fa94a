"""Random lives of sign-ins: the portal says what a naive model says, and no end is undone."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenants.models import Tenant
from tests.accesscontrol.oauth.conftest import World
from tests.accesscontrol.oauth.families import OFFLINE_IDLE, ONLINE_IDLE, SESSION_IDLE, Story
from tests.accesscontrol.oauth.people import Person, arrive

ACTS = (
    "sign_in",
    "authorize",
    "redeem",
    "authorize",
    "redeem",
    "refresh",
    "refresh",
    "reuse",
    "revoke",
    "sign_out",
    "deactivate",
    "pause",
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from([1, 1, 1, 30, 61, 299, 301, 599, 601, 3_601, 90_000]),
        st.sampled_from(ACTS),
        st.integers(0, 5),
    ),
    min_size=4,
    max_size=14,
)
BEGINNING = [(1, "authorize", 0), (1, "redeem", 0), (1, "authorize", 1), (1, "redeem", 0)]


@pytest.fixture
def jane(shared: World, settings: Any) -> Person:
    settings.ROOT_URLCONF = "iam_portal.urls"
    lives = {
        "refresh_idle_seconds": ONLINE_IDLE.total_seconds(),
        "offline_idle_seconds": OFFLINE_IDLE.total_seconds(),
        "session_idle_seconds": SESSION_IDLE.total_seconds(),
    }
    Tenant.objects.filter(pk=shared.globex.pk).update(**lives)
    shared.globex.refresh_from_db()
    return arrive(shared)


@contextmanager
def taken_back(jane: Person) -> Iterator[Story]:
    with transaction.atomic():
        jane.world.clock.reset()
        yield Story(jane)
        transaction.set_rollback(True)


def tell(jane: Person, steps: list[tuple[int, str, int]]) -> None:
    with taken_back(jane) as story:
        for seconds, act, number in steps:
            story.clock.forward(seconds=seconds)
            getattr(story, f"do_{act}")(number)
            story.look()
        story.look(everywhere=True)
        ended = [family for family in story.families if family.ended]
        # What was ended stays so, whoever comes back and whatever is shared again.
        for act, now in (("deactivate", story.active), ("pause", story.shared)):
            if not now:
                story.clock.forward(seconds=1)
                getattr(story, f"do_{act}")(0)
        for family in ended:
            assert not any(story.introspected(token) for token, *_ in family.access)
            assert not any(story.introspected(token) for token in family.refresh)
            assert story.jane.refresh(family.refresh[-1]).status_code == 400


@pytest.mark.parametrize(
    "steps",
    [
        [(1, "refresh", 0), (1, "reuse", 0), (1, "refresh", 0)],
        [(1, "redeem", 0), (1, "refresh", 1)],
        [(1, "sign_out", 0), (1, "refresh", 0), (1, "refresh", 1), (1, "sign_in", 0), (1, "refresh", 0)],
        [(1, "deactivate", 0), (1, "deactivate", 0), (1, "refresh", 0), (1, "refresh", 1)],
        [(1, "pause", 0), (1, "refresh", 0), (1, "pause", 0), (1, "refresh", 0), (1, "reuse", 1)],
        [
            (1, "revoke", 3),
            (1, "refresh", 1),
            (1, "revoke", 0),
            (1, "refresh", 0),
            (1, "revoke", 1),
            (1, "refresh", 1),
        ],
        [(601, "refresh", 0), (1, "refresh", 1), (90_000, "refresh", 1)],
        [(1, "authorize", 0), (1, "pause", 0), (1, "redeem", 0), (1, "pause", 0), (1, "redeem", 0)],
        [(1, "authorize", 1), (61, "redeem", 0), (1, "sign_out", 0), (1, "redeem", 0)],
    ],
)
def test_lives_that_were_thought_of(jane: Person, steps: list[tuple[int, str, int]]) -> None:
    tell(jane, [*BEGINNING, *steps])


def test_random_lives(jane: Person) -> None:
    @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(STEPS)
    def live(steps: list[tuple[int, str, int]]) -> None:
        tell(jane, [*BEGINNING, *steps])

    live()
