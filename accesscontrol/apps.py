"""App configuration."""

from django.apps import AppConfig


class AccessControlConfig(AppConfig):
    """May: assignments, decisions, tokens."""

    name = "accesscontrol"

    def ready(self) -> None:
        from accesscontrol import receivers  # noqa: F401  (registration needs loaded apps)
