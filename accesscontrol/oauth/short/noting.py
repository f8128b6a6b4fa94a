"""Last uses of credentials, noted beside the requests: one statement for all of them, in a thread.

A thousand clients would else write, and wait for, a thousand rows each minute, in each process and for each
of the things that they ask. A process that is killed takes the notes of its last second with it.
"""

import os
import threading
from collections import defaultdict
from contextlib import suppress
from datetime import datetime
from functools import partial
from uuid import UUID

import structlog
from django.conf import settings
from django.db import close_old_connections, connection

from accesscontrol.oauth.clients import uses
from accesscontrol.oauth.clients.uses import SELDOM, Credential
from iam_portal import apart
from iam_portal.admission import Refused
from iam_portal.beside import Beside

EVERY = 1.0  # seconds
MOST = 20_000  # that wait, and that are known to be noted
log = structlog.get_logger("iam.oauth")


class Notes:
    """Of one process."""

    def __init__(self) -> None:
        self.beside = Beside(self.flush, name="last-uses")
        self._reset()
        os.register_at_fork(after_in_child=self._reset)  # what the parent noted, the parent writes

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[tuple[Credential, UUID], datetime] = {}
        self._noted: dict[UUID, datetime] = {}

    def note(self, kind: Credential, id: UUID, *, last: datetime | None, at: datetime) -> None:
        """That it was used; at most once a minute. No wait and no error."""
        with self._lock:
            last = max(filter(None, (last, self._noted.get(id))), default=None)
            if last is not None and at - last < SELDOM:
                return
            if len(self._noted) >= MOST:
                self._noted.clear()  # they are written once more
            self._noted[id] = at
            if len(self._waiting) < MOST:
                self._waiting[kind, id] = at

    def flush(self) -> None:
        """Write those that wait."""
        with self._lock:
            taken, self._waiting = self._waiting, {}
        of_kind: dict[Credential, list[tuple[UUID, datetime]]] = defaultdict(list)
        for (kind, id), at in taken.items():
            of_kind[kind].append((id, at))
        try:
            for kind, used in of_kind.items():
                uses.note_all(kind, used)
        except Exception as error:  # a thread must go on; it is known a minute later
            log.warning("last_uses_not_noted", number=len(taken), error=type(error).__name__)
        finally:
            if not connection.in_atomic_block:  # of a test
                connection.close()


NOTES = Notes()


def note(kind: Credential, id: UUID, *, last: datetime | None, at: datetime) -> None:
    """Beside the request; at once where nothing runs beside requests."""
    if not settings.USAGE_FLUSH_SECONDS:
        with suppress(Refused):  # the credential is used already: nobody may be told that nothing was done
            apart.done(partial(_at_once, kind, id, last, at))
        return
    NOTES.note(kind, id, last=last, at=at)
    NOTES.beside.start(EVERY)


def _at_once(kind: Credential, id: UUID, last: datetime | None, at: datetime) -> None:
    try:
        uses.note(kind, id, last=last, at=at)
    finally:
        if not connection.in_atomic_block:  # of a test
            close_old_connections()
