"""The Celery application: one worker pool, a static schedule (settings)."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "iam_portal.settings")

app = Celery("iam_portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["applications", "accesscontrol", "tenants"], related_name="jobs")
app.autodiscover_tasks(["applications", "accesscontrol", "tenants"], related_name="tasks")
