"""The kernel as an installed app: commands, template tags, checks."""

# ruff: noqa: F401  (what registers itself needs loaded apps)

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """Registers the deployment checks, how rows are read, and how they are cleaned."""

    name = "iam_portal"
    verbose_name = "IAM portal"

    def ready(self) -> None:
        from iam_portal import (
            celery,
            checks,
            cleaning,
            loading,
            telemetry,
            unsafe_links,
            unsafe_values,
            working,
        )

        telemetry.begin()
        loading.install()
        cleaning.install()
