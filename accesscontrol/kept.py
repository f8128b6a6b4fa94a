"""What applications declare, kept by a process, and believed only where the database still says the same.

The rules are those of docs/adr/0007-confirmed-cache.md: kept is what was read in one snapshot with its
version; it counts in a request whose own statement reads that version again. What applications declare is
alike for all organizations, whoever reads it.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from accesscontrol.decide import PermissionFact
from accesscontrol.models.changes import LOST, number

COMMITTED_ONLY = True  # not where tests take back all that they do: they keep more than any process
MOST = 40_000  # permissions in all
LOST_NUMBER = number(LOST)
Version = tuple[object, ...]
Declared = Mapping[str, tuple[PermissionFact, ...]]  # by the key of the role


def number_of(application_id: str) -> int:
    """The key under which all that an application declares leaves its traces, beside that of lost ones."""
    return number(f"a:{application_id}")


def may_keep(*, traces: int, has_written: bool) -> bool:
    """Whether what was read may be kept for other requests.

    Not without any trace: one version could be of two databases. Nor of a transaction that has written: of
    its own it sees what nobody else may ever see, and the traces of it may be gone.
    """
    return traces > 0 and not (has_written and COMMITTED_ONLY)


@dataclass(frozen=True, slots=True)
class Book:
    """What the roles of one application hold, ever, and the version of the snapshot in which it was read."""

    version: Version
    roles: Declared

    @property
    def weight(self) -> int:
        """How much room it takes: one for itself, one for each permission of each role."""
        return 1 + sum(map(len, self.roles.values()))


class Books:
    """Those that were used last, as many as have room."""

    def __init__(self, most: int) -> None:
        self._most, self._weight = most, 0
        self._kept: OrderedDict[str, Book] = OrderedDict()  # used last: at the end
        self._turn = threading.Lock()

    def get(self, application_id: str) -> Book | None:
        """Which is not to be believed before its version is confirmed."""
        with self._turn:
            found = self._kept.get(application_id)
            if found is not None:
                self._kept.move_to_end(application_id)
            return found

    def put(self, application_id: str, book: Book) -> None:
        """In the place of what stood there. What was used longest ago gives way; not to one without room."""
        with self._turn:
            former = self._kept.pop(application_id, None)
            self._weight -= former.weight if former else 0
            if book.weight > self._most:
                return
            self._kept[application_id] = book
            self._weight += book.weight
            while self._weight > self._most:
                _, gone = self._kept.popitem(last=False)
                self._weight -= gone.weight

    def clear(self) -> None:
        """As in a process that has just begun."""
        with self._turn:
            self._kept.clear()
            self._weight = 0


books = Books(MOST)
