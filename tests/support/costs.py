"""What a run took of the processors: all of it, and each file of tests in its worker.

Only this says whether a change makes the suite dearer: the time on the wall depends on what else goes on.
"""

import resource
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from xdist.workermanage import WorkerController

from tests.support.spreading import is_whole
from tests.support.turns import TURNS

ORDINARY = 480  # seconds of an ordinary run: five minutes on two cores, with room for waiting
DEAR = 2.0  # seconds of a file that comes every day
_KEY = "costs"


class Costs:
    """In a worker by file; in who started it the sum."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._files: Counter[str] = Counter()
        self._begin = time.monotonic()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        before = time.process_time()
        try:
            return (yield)
        finally:
            self._files[item.nodeid.partition("::")[0]] += time.process_time() - before

    def pytest_sessionfinish(self) -> None:
        if hasattr(self._config, "workeroutput"):
            self._config.workeroutput[_KEY] = dict(self._files)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: WorkerController) -> None:
        self._files.update(getattr(node, "workeroutput", {}).get(_KEY, {}))

    def told_at_the_end(self, kept: ExitStack) -> None:
        """What enters ``kept`` later has ended by then; a process counts once its parent waited for it."""
        if reporter := self._config.pluginmanager.get_plugin("terminalreporter"):
            kept.callback(lambda: [reporter.write_line(line) for line in self._lines()])

    def _lines(self) -> Iterator[str]:
        passed, whole = time.monotonic() - self._begin, is_whole(self._config)
        wanted = "" if whole else f" (an ordinary run: {ORDINARY} s at most)"
        yield f"Processors: {_processor_seconds():.0f} s{wanted}, in {passed:.0f} s."
        dear = [
            (name, taken) for name, taken in self._files.most_common() if taken > DEAR and name not in TURNS
        ]
        if dear and not whole:
            told = ", ".join(f"{name} {taken:.1f} s" for name, taken in dear)
            yield f"Dear, and there every day (tests/support/turns.py): {told}"


def _processor_seconds() -> float:
    """Of this process and of all that have ended below it."""
    found = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in found)
