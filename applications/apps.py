"""App configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from tenants import navigation


class ApplicationsConfig(AppConfig):
    """What, and shared with whom."""

    name = "applications"

    def ready(self) -> None:
        from applications import receivers  # noqa: F401  (registration needs loaded apps)
        from applications.views import _searchers

        _searchers.register_all()

        overview, sharing = "overview", "sharing"
        navigation.register(overview, _("Overview"), "applications:overview", "home", "OwnAccount:read")
        navigation.register(
            sharing, _("Applications"), "applications:application-list", "apps", "Modules:read", position=10
        )
        either = "ProvisionContracts:read|AccessContracts:read"
        navigation.register(
            sharing, _("Contracts"), "applications:contract-list", "contract", either, position=20
        )
        navigation.register(
            "record", _("Webhooks"), "applications:webhook-list", "bell", "Webhooks:read", position=40
        )
