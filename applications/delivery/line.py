"""Who waits for a thread of this process, and who has one: no tenant takes more than its share."""

import threading
from uuid import UUID

from applications.delivery.turns import Due

MOST_OF_TENANT = 2  # at once; one of them at most is failing, so that its own others go on, too


class Line:
    """By tenant and subscription. One that waits or is served already does not join again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[UUID, dict[UUID, Due]] = {}
        self._served: dict[UUID, dict[UUID, Due]] = {}

    def join(self, due: Due) -> None:
        """Wait behind the tenant's others."""
        with self._lock:
            if due.webhook_id not in self._served.get(due.tenant_id, {}):
                self._waiting.setdefault(due.tenant_id, {}).setdefault(due.webhook_id, due)

    def admitted(self, tenant_id: UUID) -> list[Due]:
        """Those of the tenant that get a thread now; each leaves afterwards."""
        with self._lock:
            waiting, served = self._waiting.get(tenant_id, {}), self._served.setdefault(tenant_id, {})
            found = []
            for due in list(waiting.values()):
                one_fails = due.failing and any(each.failing for each in served.values())
                if len(served) < MOST_OF_TENANT and not one_fails:
                    served[due.webhook_id] = waiting.pop(due.webhook_id)
                    found.append(due)
            self._forget_empty(tenant_id)
        return found

    def leave(self, due: Due) -> None:
        """Its turn is over."""
        with self._lock:
            self._served.get(due.tenant_id, {}).pop(due.webhook_id, None)
            self._forget_empty(due.tenant_id)

    def _forget_empty(self, tenant_id: UUID) -> None:
        for each in (self._waiting, self._served):
            if tenant_id in each and not each[tenant_id]:
                del each[tenant_id]
