"""Who may wait for a provider's answer: a slow or hostile host holds few threads, and no other's place."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

from accesscontrol.oauth.clients.failures import network_of
from accesscontrol.oauth.providers.failing import Failed
from iam_portal import limits
from tenants.actions.tallies import Limit, count

OF_ONE = 1  # sign-ins of one organization that wait for an answer, in a process …
IN_ALL = 8  # … and of all together
IN_LINE = 4  # of one organization, that wait for such a place; of all, four times as many
PATIENCE = 1.0  # seconds in which a place must come free
# Each that comes back has us ask the provider, with whatever code it made up.
OF_NETWORK = Limit(kind=8, most=300, window=timedelta(minutes=5))


class _Places:
    def __init__(self) -> None:
        self._changing = threading.Condition()
        self._taken: Counter[UUID] = Counter()
        self._line: Counter[UUID] = Counter()

    def take(self, owner_id: UUID) -> bool:
        """Whether there was one in time. Nobody waits behind a long line."""
        with self._changing:
            if self._line[owner_id] >= IN_LINE or self._line.total() >= 4 * IN_LINE:
                return False
            self._line[owner_id] += 1
            try:
                found = self._changing.wait_for(lambda: self._is_free(owner_id), timeout=PATIENCE)
            finally:
                _less(self._line, owner_id)
            if found:
                self._taken[owner_id] += 1
            return found

    def give_back(self, owner_id: UUID) -> None:
        with self._changing:
            _less(self._taken, owner_id)
            self._changing.notify_all()

    def _is_free(self, owner_id: UUID) -> bool:
        return self._taken[owner_id] < OF_ONE and self._taken.total() < IN_ALL


_places = _Places()


@contextmanager
def place(owner_id: UUID) -> Iterator[None]:
    """A place to wait for a provider of this organization, or Failed."""
    if not _places.take(owner_id):
        raise busy()
    try:
        yield
    finally:
        _places.give_back(owner_id)


def count_return(*, owner_id: UUID, source: str, at: datetime) -> None:
    """Count a browser that came back, before the provider is asked; Failed past the limit."""
    if count({OF_NETWORK: f"{owner_id} {network_of(source)}"}, at=at):
        raise busy("network")


def busy(word: str = "") -> Failed:
    """What one reads who has to come again."""
    limits.refused("provider_busy")
    return Failed("provider_busy", word)


def _less(counter: Counter[UUID], owner_id: UUID) -> None:
    counter[owner_id] -= 1
    if counter[owner_id] <= 0:
        del counter[owner_id]
