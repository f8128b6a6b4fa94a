"""Which tests one worker runs together: those of a file, and those that share a portal and a browser.

Starting a portal takes longer than most files; one for all would keep one worker busy to the end. Long units
come first, so that no worker is left alone with one.

And which of all tests an ordinary run takes: of files that take turns those whose day it is, and of the
exhaustive ones a share, every day another.
"""

import os
import zlib
from collections import Counter, defaultdict
from datetime import UTC, datetime

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from tests.support import described, turns

# By what a file of tests begins with, the first that fits.
_PORTALS = {
    "tests/browser/test_story_of_": "a portal for stories",
    "tests/browser/": "a portal for pages",
    "tests/journeys/test_many_machines": "a portal on many machines",
    "tests/journeys/": "a portal for journeys",
}
_LONGEST = "a portal for pages"
_ORDINARY = "not drill"  # what pyproject.toml asks for where nobody asks for anything else
DAY = "TEST_DAY"  # one for all workers, also at midnight


class ByWorld(LoadFileScheduling):
    """As ``--dist loadfile``, with a few units for everything that stands on a running portal."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False  # the workers have sorted them

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)


def unit(nodeid: str) -> str:
    portals = (name for start, name in _PORTALS.items() if nodeid.startswith(start))
    return next(portals, nodeid.partition("::")[0])


def longest_first(items: list[pytest.Item]) -> list[pytest.Item]:
    """Files with a test that is marked as slow, then those with many tests.

    Portals come very early, but not all at once: the first tells the story that the others copy.
    """
    size = Counter(unit(item.nodeid) for item in items)
    slow = {unit(item.nodeid) for item in items if item.get_closest_marker("slow")}
    files = sorted(size.keys() - _PORTALS.values(), key=lambda name: (name not in slow, -size[name], name))
    others = [name for name in _PORTALS.values() if name != _LONGEST]
    place = {name: at for at, name in enumerate([_LONGEST, *files[:2], *others, *files[2:]])}
    return sorted(items, key=lambda item: place[unit(item.nodeid)])


def pick_a_day() -> None:
    """Before the workers begin."""
    os.environ.setdefault(DAY, str(datetime.now(UTC).toordinal()))


def is_whole(config: pytest.Config) -> bool:
    """CI takes all; so does who names files or a part of them, or gathers examples from them."""
    named = any(not argument.startswith("-") for argument in config.args) and config.args != config.getini(
        "testpaths"
    )
    marked = config.option.markexpr not in ("", _ORDINARY)
    asked = os.environ.get("CI") or os.environ.get(described.RECORD)
    return bool(asked) or named or marked or bool(config.option.keyword)


def has_another_day(file: str) -> bool:
    """It takes turns, and this is not its day."""
    return turns.turn(file, int(os.environ[DAY])) is None


def not_today(items: list[pytest.Item]) -> list[pytest.Item]:
    """Of each ``exhaustive(n)``, all but every n-th of a function.

    Each day, or each turn of its file, as many; in n of them all.
    """
    day, found = int(os.environ[DAY]), defaultdict(list)
    for item in items:
        if marker := item.get_closest_marker("exhaustive"):
            turn = turns.turn(item.nodeid.partition("::")[0], day) or 0
            found[item.nodeid.partition("[")[0], marker.args[0], turn].append(item)
    return [
        item
        for (name, share, turn), alike in found.items()
        for at, item in enumerate(sorted(alike, key=lambda each: each.nodeid), zlib.crc32(name.encode()))
        if (at + turn) % share != 0
    ]
