"""A world that is made once for a whole module: in a transaction that stays open, each test in a savepoint.

No test of such a module may ask for pytest-django's ``db``: it would close the connection below the world.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from pytest_django import DjangoDbBlocker


@contextmanager
def made_once(blocker: DjangoDbBlocker) -> Iterator[None]:
    """For a fixture of the module; what is written here is there for each of its tests."""
    with blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)
    connection.close()


@contextmanager
def savepoint(blocker: DjangoDbBlocker) -> Iterator[None]:
    """For a fixture of one test; nothing that it writes is there for the next."""
    with blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)
