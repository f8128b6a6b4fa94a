"""App configuration."""

from django.apps import AppConfig


class ApplicationsConfig(AppConfig):
    """What, and shared with whom."""

    name = "applications"

    def ready(self) -> None:
        from applications import receivers  # noqa: F401  (registration needs loaded apps)
