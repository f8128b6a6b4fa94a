"""Lines of the log that come by the thousands a second: a write for each costs more than all else of it.

What came within a tenth of a second is written together. A process that is killed takes that much with it: of
this log only, which is for those who operate it; the record of what was done stands in the database.
"""

import logging
from collections import deque
from contextlib import suppress

from iam_portal.beside import Beside
from iam_portal.logs import Rendered

EVERY = 0.1  # seconds
MOST = 20_000  # lines that wait; who adds more writes them


class Often:
    """To one logger, at level info. The lines are rendered; together they are one record of several lines."""

    def __init__(self, name: str) -> None:
        self._log = logging.getLogger(name)
        self._lines: deque[str] = deque()
        self._beside = Beside(self.flush, name="log")

    def is_on(self) -> bool:
        """Whether anybody wants them."""
        return self._log.isEnabledFor(logging.INFO)

    def add(self, line: str) -> None:
        """Written soon."""
        self._lines.append(line)
        with suppress(RuntimeError):  # no more threads: it waits for the next one
            self._beside.start(EVERY)
        if len(self._lines) >= MOST:
            self.flush()

    def flush(self) -> None:
        """Write what there is."""
        lines = []
        with suppress(IndexError):
            while True:
                lines.append(self._lines.popleft())
        if lines:
            text = Rendered("\n".join(lines))
            self._log.handle(self._log.makeRecord(self._log.name, logging.INFO, "", 0, text, (), None))
