"""The pool of a worker process is shared by the task and by the threads that deliver webhooks."""

from types import SimpleNamespace
from unittest import mock

import pytest
from celery.fixups.django import DjangoWorkerFixup
from celery.signals import task_postrun
from django.db.backends.base.base import BaseDatabaseWrapper

from iam_portal.celery import _give_back, app


def test_the_library_closes_no_pool_around_a_task() -> None:
    fixup = DjangoWorkerFixup(app)
    with mock.patch.object(fixup, "_close_database") as closes:
        for _ in range(1_000):
            fixup.close_database()
    closes.assert_not_called()


@pytest.mark.parametrize("eager", [False, True])
def test_a_task_gives_its_connection_back(eager: bool) -> None:
    """Not one that is called inside a transaction of somebody else."""
    sender = SimpleNamespace(request=SimpleNamespace(is_eager=eager))
    with mock.patch.object(BaseDatabaseWrapper, "close") as closed:
        _give_back(sender)
    assert closed.called is not eager
    assert _give_back in [receiver() for _, receiver in task_postrun.receivers]
