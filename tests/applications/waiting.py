"""A tenant, its neighbour, a reader, and the event service that he asks."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db import connection

from tenants.models import Tenant
from tests.applications.outbox import ROOT, ask
from tests.support.knocking import Knocker
from tests.support.live import PATIENCE, Live


@dataclass
class World:
    acme: Tenant
    beta: Tenant
    reader: Knocker
    live: Live

    def address(self, **query: object) -> str:
        return f"{ROOT}/tenants/{self.acme.id}/events?{urlencode(query)}"

    def latest(self) -> int:
        return int(ask(self.reader, f"{ROOT}/tenants/{self.acme.id}/events", after="latest")["next"])

    def now_and_then(self, *acts: Callable[[], object]) -> "threading.Thread":
        """Each act a little later, from another thread."""

        def run() -> None:
            try:
                for act in acts:
                    time.sleep(0.3)
                    act()
            finally:
                connection.close()

        thread = threading.Thread(target=run)
        thread.start()
        return thread


def wait_until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.02)
