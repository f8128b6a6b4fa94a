"""Which tests one worker runs together: those of a file, and all that need the whole portal.

Starting and seeding a portal takes longer than most files. Long units come first, so that no worker is left
alone with one at the end.
"""

from collections import Counter

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

_PORTAL = "the whole portal"


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
