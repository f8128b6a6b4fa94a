"""The Celery application: one worker pool, a static schedule (settings)."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "iam_portal.settings")

app = Celery("iam_portal")
app.set_default()  # "current" is of one thread: others would talk to a broker of the library's own choice
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["applications", "accesscontrol", "tenants"], related_name="jobs")
app.autodiscover_tasks(["applications", "accesscontrol", "tenants"], related_name="tasks")
