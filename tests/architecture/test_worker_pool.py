"""What a worker process does around each task: the pool, which others share, and the clock."""

from collections.abc import Iterator
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from celery.exceptions import Ignore
from celery.fixups.django import DjangoWorkerFixup
from celery.signals import task_postrun
from django.db.backends.base.base import BaseDatabaseWrapper

from iam_portal import working
from iam_portal.celery import TimedTask, _give_back, app
from iam_portal.clock import OWN, Clock
from iam_portal.schedule import JOBS


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


def sent(task: Any) -> Any:
    """What comes of it in a worker: the body runs, or it is put off."""
    task.push_request(id="one", called_directly=False, is_eager=False, args=(), kwargs={})
    try:
        return task()
    finally:
        task.pop_request()


@pytest.fixture
def ran() -> Iterator[list[str]]:
    """The names of those that ran."""
    found: list[str] = []
    yield found
    for name in ("tests.job", "tests.count"):
        app.tasks.pop(name, None)


@pytest.mark.parametrize("right", [True, False])
def test_by_a_wrong_clock_no_job_is_carried_out(ran: list[str], right: bool) -> None:
    """Only what nobody would send again, and what a process asks of itself."""

    @app.task(name="tests.job", shared=False)
    def job() -> None:
        ran.append("job")

    @app.task(name="tests.count", any_clock=True, shared=False)
    def count() -> None:
        ran.append("count")

    with mock.patch.object(OWN, "is_right", return_value=right):
        with nullcontext() if right else pytest.raises(Ignore):
            sent(job)
        sent(count)
        assert ran == (["job", "count"] if right else ["count"])
        job()
        job.apply(throw=True)
    assert ran[-2:] == ["job", "job"]


def test_every_job_is_of_the_kind_that_looks_at_the_clock() -> None:
    app.loader.import_default_modules()
    own = {name: task for name, task in app.tasks.items() if not name.startswith("celery.")}
    assert {job["task"] for job in JOBS.values()} <= set(own)
    assert all(isinstance(task, TimedTask) for task in own.values())
    assert {name for name, task in own.items() if task.any_clock} == {"applications.count_usage"}


@pytest.mark.parametrize(("right", "told"), [(True, "ok"), (False, "clock_off")])
def test_a_worker_with_a_wrong_clock_is_not_ready(right: bool, told: str) -> None:
    with (
        mock.patch.object(OWN, "is_right", return_value=right),
        mock.patch.dict(working._state, status="ok"),
    ):
        assert working._status() == told


def test_a_child_of_a_process_begins_anew() -> None:
    """A thread of its parent may have held the lock at that moment."""
    clock = Clock()
    clock._lock.acquire()
    clock._wrong = True
    clock.begin_anew()
    assert (clock._lock.locked(), clock._wrong) == (False, False)
