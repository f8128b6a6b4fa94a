"""Which tests one worker runs together: those of a file, and all that need the whole portal.

Starting and seeding a portal takes longer than most files. Long units come first, so that no worker is left
alone with one at the end.

And which of the exhaustive ones an ordinary run takes: a share, every day another.
"""

import os
import zlib
from collections import Counter
from datetime import UTC, datetime

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

_PORTAL = "the whole portal"
DAY = "TEST_DAY"  # one for all workers, also at midnight


class ByWorld(LoadFileScheduling):
    """As ``--dist loadfile``, with one unit for everything that stands on the running portal."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False  # the workers have sorted them

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)


def unit(nodeid: str) -> str:
    if nodeid.startswith(("tests/journeys/", "tests/browser/")):
        return _PORTAL
    return nodeid.partition("::")[0]


def longest_first(items: list[pytest.Item]) -> list[pytest.Item]:
    """The portal's tests, files with a test that is marked as slow, then those with many tests."""
    size = Counter(unit(item.nodeid) for item in items)
    slow = {unit(item.nodeid) for item in items if item.get_closest_marker("slow")}

    def place(item: pytest.Item) -> tuple[bool, bool, int]:
        name = unit(item.nodeid)
        return name != _PORTAL, name not in slow, -size[name]

    return sorted(items, key=place)


def pick_a_day() -> None:
    """Before the workers begin."""
    os.environ.setdefault(DAY, str(datetime.now(UTC).toordinal()))


def is_whole(config: pytest.Config) -> bool:
    """CI takes all; so does who names files or a part of them."""
    named = any(not argument.startswith("-") for argument in config.args) and config.args != config.getini(
        "testpaths"
    )
    return bool(os.environ.get("CI")) or named or bool(config.option.keyword or config.option.markexpr)


def not_today(items: list[pytest.Item]) -> list[pytest.Item]:
    """Of each ``exhaustive(n)``, all but every n-th."""
    day = int(os.environ[DAY])

    def waits(item: pytest.Item) -> bool:
        marker = item.get_closest_marker("exhaustive")
        return marker is not None and (zlib.crc32(item.nodeid.encode()) + day) % marker.args[0] != 0

    return [item for item in items if waits(item)]
