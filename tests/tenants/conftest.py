"""Two organizations with the same names in them, and threads that really commit."""

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.core import mail
from django.db import connections

from iam_portal.walls import tenant_scope
from tenants.models import HistoryEvent, Tenant
from tests.support import factories


@pytest.fixture
def acme(db: None) -> Tenant:
    return factories.make_tenant("acme")


@pytest.fixture
def neighbour(db: None) -> Tenant:
    """An organization that nobody at Acme may learn anything about."""
    return factories.make_tenant("neighbour")


@pytest.fixture
def in_acme(acme: Tenant) -> Iterator[Tenant]:
    """Acme, with its scope opened as a page would."""
    with tenant_scope(acme.id):
        yield acme


@pytest.fixture
def outbox(django_capture_on_commit_callbacks):
    """Runs an act as a committed one; the tokens that were mailed meanwhile."""

    def run(act, *args, **kwargs):
        del mail.outbox[:]
        with django_capture_on_commit_callbacks(execute=True):
            result = act(*args, **kwargs)
        found = [re.search(r"\?token=(\S+)", message.body) for message in mail.outbox]
        return result, [match.group(1) for match in found if match]

    return run


def history_of(tenant: Tenant) -> list[str]:
    """The tenant's recorded actions, oldest first."""
    with tenant_scope(tenant.id):
        return list(
            HistoryEvent.objects.filter(tenant=tenant).order_by("id").values_list("action", flat=True)
        )


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Run the acts in threads that start together, each with its own connection; results or exceptions."""
    with Racers(len(acts)) as racers:
        return racers.at_once(*acts)


class Racers:
    """Threads that keep their connections from one race to the next, as a portal's processes do."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._pool = ThreadPoolExecutor(number)

    def __enter__(self) -> "Racers":
        return self

    def __exit__(self, *_: object) -> None:
        with self._pool:
            self.at_once(*[connections.close_all] * self._number)

    def at_once(self, *acts: Callable[[], Any]) -> list[Any]:
        """Run the acts at the same moment, each in a thread of its own; results or exceptions."""
        start = threading.Barrier(len(acts))

        def run(act: Callable[[], Any]) -> Any:
            start.wait(10)
            return act()

        futures: list[Future[Any]] = [self._pool.submit(run, act) for act in acts]
        return [future.exception(30) or future.result() for future in futures]
