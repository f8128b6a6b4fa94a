"""App configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TenantsConfig(AppConfig):
    """The app "who"."""

    name = "tenants"

    def ready(self) -> None:
        from tenants import navigation
        from tenants.views import searchers

        searchers.register_all()
        add = navigation.register
        add(
            "sharing",
            _("Partners"),
            "tenants:partner-list",
            "partners",
            "OrganizationRelations:read",
            position=30,
        )
        add("people", _("Users"), "tenants:user-list", "user", "Users:read", position=10)
        add("people", _("Groups"), "tenants:group-list", "users", "Groups:read", position=20)
        add("record", _("Activity"), "tenants:activity-list", "activity", "ActivityLog:read", position=10)
        providers = "IdentityProviders:read|GroupMappers:read"
        name = "tenants:identity-provider-list"
        add("record", _("Identity providers"), name, "organization", providers, position=45)
        add("record", _("Settings"), "tenants:settings", "settings", "Configuration:read", position=50)
