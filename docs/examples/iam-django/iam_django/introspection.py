"""Tokens judged by the portal (RFC 7662), remembered for a few seconds.

What is remembered is how late an end may be seen: with ten seconds, a paused contract closes the door ten
seconds later at most. A token is remembered by its digest, never beyond its own end.
"""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from iam_django.callers import Caller, tenant_of
from iam_django.portal import Portal, PortalAway

ACTIVE_SECONDS = 10.0
INACTIVE_SECONDS = 2.0  # what has just begun is seen soon; a flood of one bad token costs little
MOST_KEPT = 10_000


@dataclass(slots=True)
class Introspection:
    """``look`` answers for one token. Shared by all threads of a process."""

    portal: Portal
    active_seconds: float = ACTIVE_SECONDS
    inactive_seconds: float = INACTIVE_SECONDS
    most: int = MOST_KEPT
    clock: Callable[[], float] = time.time
    _kept: OrderedDict[bytes, tuple[float, Caller | None]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self, token: str) -> Caller | None:
        """Whose it is; None where it opens nothing. :class:`PortalAway` where nobody can say."""
        tenant_id = tenant_of(token, self.portal.base)
        if not tenant_id:
            return None
        key, now = hashlib.sha256(token.encode()).digest(), self.clock()
        with self._lock:
            until, caller = self._kept.get(key, (0.0, None))
            if now < until:
                self._kept.move_to_end(key)
                return caller
        caller = self._ask(token, tenant_id)
        # From before the question: the answer may be as old as that.
        until = now + (self.active_seconds if caller else self.inactive_seconds)
        if caller is not None:
            until = min(until, caller.expires_at)
        self._keep(key, until, caller)
        return caller if caller is None or self.clock() < caller.expires_at else None

    def forget(self) -> None:
        """Ask anew about everybody: an event said that something changed."""
        with self._lock:
            self._kept.clear()

    def _ask(self, token: str, tenant_id: str) -> Caller | None:
        path = f"/iam/access-management/v1/tenants/{tenant_id}/openid-connect/token/introspect"
        answer = self.portal.post(path, {"token": token})
        if answer.status != 200 or not isinstance(answer.body, dict):
            raise PortalAway(str(answer.status))
        if answer.body.get("active") is not True or answer.body.get("token_type") != "Bearer":
            return None
        if "cnf" in answer.body:  # bound to what nobody here compares: it may be stolen
            return None
        return Caller.of(answer.body)

    def _keep(self, key: bytes, until: float, caller: Caller | None) -> None:
        with self._lock:
            self._kept[key] = (until, caller)
            self._kept.move_to_end(key)
            while len(self._kept) > self.most:
                self._kept.popitem(last=False)
