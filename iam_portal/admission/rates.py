"""How many requests in a second, of one caller and of one tenant: counted by each process for itself.

Nothing is shared for it: a look at a database for each request would cost more than what it saves.
"""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from iam_portal.admission.turns import Refused

SAVED = 20.0  # seconds: who was quiet for so long may send so many at once
MOST = 20_000  # callers and tenants remembered; one that is forgotten begins anew


class _Bucket:
    """Fills with time, and each request takes one."""

    __slots__ = ("at", "left")

    def __init__(self, left: float, at: float) -> None:
        self.left, self.at = left, at


class Rates:
    """``caller``, ``tenant`` and ``tokens``: requests a second; 0: no limit. ``tokens`` are those of a caller
    at the doors of OAuth, where a request is answered in a fraction of the time.
    """

    def __init__(
        self, *, caller: float, tenant: float, tokens: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._caller, self._tenant, self._tokens, self._clock = caller, tenant, tokens, clock
        self._buckets: OrderedDict[tuple[str, str], _Bucket] = OrderedDict()
        self._changing = threading.Lock()

    def take(self, whose: str, caller: str, *, tokens: bool) -> None:
        """One request; :class:`Refused` with the true wait. What is refused takes nothing."""
        rate = self._tokens if tokens else self._caller
        if not rate and (tokens or not self._tenant):
            return
        with self._changing:
            wanted = [(("tokens" if tokens else "caller", caller), rate, "caller_rate")]
            if not tokens:
                wanted.append((("tenant", whose), self._tenant, "tenant_rate"))
            found = [(self._filled(key, rate), rate, limit) for key, rate, limit in wanted if rate]
            for bucket, rate, limit in found:
                if bucket.left < 1:
                    raise Refused(limit, max(1, math.ceil((1 - bucket.left) / rate)))
            for bucket, _, _ in found:
                bucket.left -= 1

    def owe(self, whose: str, *, tokens: bool) -> None:
        """One request that was answered before anybody knew whose it was; at most as much as may be saved."""
        if tokens or not self._tenant:
            return
        with self._changing:
            bucket = self._filled(("tenant", whose), self._tenant)
            bucket.left = max(bucket.left - 1, -max(1.0, self._tenant * SAVED))

    def _filled(self, key: tuple[str, str], rate: float) -> _Bucket:
        now, most = self._clock(), max(1.0, rate * SAVED)
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(most, now)
            while len(self._buckets) > MOST:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        bucket.left, bucket.at = min(most, bucket.left + (now - bucket.at) * rate), now
        return bucket
