"""App configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccessControlConfig(AppConfig):
    """May: assignments, decisions, tokens."""

    name = "accesscontrol"

    def ready(self) -> None:
        from accesscontrol import receivers  # noqa: F401  (registration needs loaded apps)
        from accesscontrol.views import panels, required, searchers, sign_ins  # noqa: F401  (answer what pages ask)
        from tenants import navigation

        searchers.register_all()
        roles = "accesscontrol:assignment-list"
        navigation.register("people", _("Roles"), roles, "role", "Roles:read", position=30)
        explorer, readers = "accesscontrol:access-review", "Roles:read|Reports:read"
        navigation.register("people", _("Access"), explorer, "eye", readers, position=40)
