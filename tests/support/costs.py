"""What a whole run took of the processors: by the workers, and by all that tests start beside them.

Only this says whether a change makes the suite dearer: the time on the wall depends on what else goes on.
"""

import resource
import time
from contextlib import ExitStack

import pytest

from tests.support.spreading import is_whole

ORDINARY = 480  # seconds of an ordinary run: five minutes on two cores, with room for waiting


def told_at_the_end(config: pytest.Config, kept: ExitStack) -> None:
    """What enters ``kept`` later has ended by then; a process counts once its parent has waited for it."""
    begin = time.monotonic()
    reporter = config.pluginmanager.get_plugin("terminalreporter")

    def tell() -> None:
        taken, passed = processor_seconds(), time.monotonic() - begin
        wanted = "" if is_whole(config) else f" (an ordinary run: {ORDINARY} s at most)"
        reporter.write_line(f"Processors: {taken:.0f} s{wanted}, in {passed:.0f} s.")

    if reporter is not None:
        kept.callback(tell)


def processor_seconds() -> float:
    """Of this process and of all that have ended below it."""
    found = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in found)
