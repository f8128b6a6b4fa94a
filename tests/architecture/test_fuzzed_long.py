"""``make fuzz``: for a time, everybody sends every door what nobody expects; no 500, no neighbour's word.

As seven: a person who may everything and one who may nothing, an automation with a token, an application with
its credentials, a partner, a stranger, nobody. Each answer is held against docs/openapi.yaml.
"""

import itertools
import os
import secrets
import time

import pytest
from django.conf import settings
from pytest_django import DjangoDbBlocker

from tests.support import fuzzed_town
from tests.support.fuzzing_long import Rounds, for_a_time
from tests.support.once import made_once

pytestmark = pytest.mark.drill

MINUTES = float(os.environ.get("FUZZ_MINUTES") or 1)
SEED = os.environ.get("FUZZ_SEED")
AT_ONCE = 240.0  # seconds of one town: its tokens end after 300


def test_for_a_time(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings.STATIC_ROOT = str(tmp_path_factory.mktemp("static"))
    rounds, numbers = Rounds(), itertools.count(int(SEED) if SEED else secrets.randbelow(10**9))
    until = time.monotonic() + MINUTES * 60
    while True:
        with made_once(django_db_blocker):
            town = fuzzed_town.told()
            if SEED:
                rounds.go(town, next(numbers))
                break
            for_a_time(rounds, town, numbers, min(until, time.monotonic() + AT_ONCE))
        if time.monotonic() >= until or rounds.enough:
            break
    with capsys.disabled():
        print("", *rounds.tried.told(), sep="\n")
    assert not rounds.tried.findings
