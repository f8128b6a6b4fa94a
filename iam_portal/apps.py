"""The kernel as an installed app: commands, template tags, checks."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """Registers the deployment checks, how rows are read, and how they are cleaned."""

    name = "iam_portal"
    verbose_name = "IAM portal"

    def ready(self) -> None:
        from iam_portal import celery, checks, cleaning, loading  # noqa: F401  (registration needs loaded apps)

        loading.install()
        cleaning.install()
