"""The kernel as an installed app: commands, template tags, checks."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """Registers the deployment checks, and how rows are read."""

    name = "iam_portal"
    verbose_name = "IAM portal"

    def ready(self) -> None:
        from iam_portal import celery, checks, loading  # noqa: F401  (registration needs loaded apps)

        loading.install()
