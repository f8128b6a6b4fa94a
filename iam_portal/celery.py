"""The Celery application: one worker pool, a static schedule (settings)."""

import os
from typing import Any

from celery import Celery, Task
from celery.signals import task_postrun
from django.db import connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "iam_portal.settings")

app = Celery("iam_portal")
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
