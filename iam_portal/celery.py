"""The Celery application: one worker pool, a static schedule (settings)."""

import os
import threading
import time
from typing import Any

import structlog
from celery import Celery, Task
from celery.exceptions import Ignore
from celery.signals import beat_init, task_postrun
from django.db import connections

from iam_portal.clock import EVERY, OWN

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "iam_portal.settings")

log = structlog.get_logger("iam.worker")


class TimedTask(Task):
    """Only by a right clock: what a task begins and ends, it does at a moment.

    Each is a job of the schedule, and what a run leaves undone the next one finds, here or elsewhere: so it
    is left out, not kept. Where a process asks itself (tests, commands) it is that process's act.
    ``any_clock``: a message that nobody would send again, and that begins and ends nothing.
    """

    any_clock = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        sent = not (self.request.called_directly or self.request.is_eager or self.any_clock)
        if sent and not OWN.is_right():
            log.warning("task_put_off", because="clock_off")
            raise Ignore
        return super().__call__(*args, **kwargs)


app = Celery("iam_portal", task_cls=TimedTask)
app.set_default()  # "current" is of one thread: others would talk to a broker of the library's own choice
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["applications", "accesscontrol", "tenants"], related_name="jobs")
app.autodiscover_tasks(["applications", "accesscontrol", "tenants"], related_name="tasks")

# Before and after each task the library would close the process's whole pool, under the threads that deliver
# webhooks: their turns broke off, each with a lease to run out. It never does; a task gives back its own.
app.conf.update(CELERY_DB_REUSE_MAX=2**62)


@task_postrun.connect
def _give_back(sender: Task, **_: Any) -> None:
    if not sender.request.is_eager:  # one that is called, not sent, is inside somebody's transaction
        connections.close_all()


@beat_init.connect
def _watch_clock(**_: Any) -> None:
    """The schedule writes nothing, so it goes on; but a job that it sends by a late clock has expired."""

    def look() -> None:
        while True:
            OWN.is_right()  # says ``clock_off`` in the log
            time.sleep(EVERY)

    threading.Thread(target=look, name="clock", daemon=True).start()
