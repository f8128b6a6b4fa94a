"""What applications declare, kept by a process, and believed only where the database still says the same.

The rules are those of docs/adr/0007-confirmed-cache.md: kept is what was read in one snapshot with its
version; it counts in a request whose own statement reads that version again. What applications declare is
alike for all organizations, whoever reads it.
"""

import threading
from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from accesscontrol.decide import PermissionFact
from accesscontrol.models.changes import LOST, number

COMMITTED_ONLY = True  # not where tests take back all that they do: they keep more than any process
MOST = 40_000  # permissions in all
LOST_NUMBER = number(LOST)
# Of a statement that reads with its rows which version they are of: whether nobody else may be told them. Who
# has written sees what nobody else may ever see, and the traces of it may be gone. An older snapshot may find
# a table empty that was rewritten since, under a version that counts. In another encoding names are others.
OWN = """(pg_current_xact_id_if_assigned() IS NOT NULL
    OR current_setting('transaction_isolation') <> 'read committed'
    OR current_setting('client_encoding') <> 'UTF8')"""
Version = tuple[object, ...]
Declared = Mapping[str, tuple[PermissionFact, ...]]  # by the key of the role


def number_of(application_id: str) -> int:
    """The key under which all that an application declares leaves its traces, beside that of lost ones."""
    return number(f"a:{application_id}")


def may_keep(*, traces: int, own: bool) -> bool:
    """Whether what was read may be kept for other requests: not where :data:`OWN` says no.

    Nor without any trace: one version could be of two databases.
    """
    return traces > 0 and not (own and COMMITTED_ONLY)


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
    """Those that were used last, as many as have room.

    When there is none, whoever has most there gives way: applications begin with their owner's name.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[str, Book] = OrderedDict()  # used last: at the end
        self._weights: Counter[str] = Counter()  # by owner
        self._turn = threading.Lock()

    def get(self, application_id: str) -> Book | None:
        """Which is not to be believed before its version is confirmed."""
        with self._turn:
            found = self._kept.get(application_id)
            if found is not None:
                self._kept.move_to_end(application_id)
            return found

    def put(self, application_id: str, book: Book) -> None:
        """In the place of what stood there; nothing gives way to one for which there is never room."""
        with self._turn:
            if application_id in self._kept:
                self._take(application_id)
            if book.weight > self._most:
                return
            self._kept[application_id] = book
            self._weights[_owner(application_id)] += book.weight
            while self._weights.total() > self._most:
                [(owner, _weight)] = self._weights.most_common(1)
                self._take(next(each for each in self._kept if _owner(each) == owner))

    def _take(self, application_id: str) -> None:
        self._weights[_owner(application_id)] -= self._kept.pop(application_id).weight

    def clear(self) -> None:
        """As in a process that has just begun."""
        with self._turn:
            self._kept.clear()
            self._weights.clear()


def _owner(application_id: str) -> str:
    return application_id.partition(".")[0]


books = Books(MOST)
