"""App configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccessControlConfig(AppConfig):
    """May: assignments, decisions, tokens."""

    name = "accesscontrol"

    def ready(self) -> None:
        from accesscontrol import receivers  # noqa: F401  (registration needs loaded apps)
        from accesscontrol.views import panels, required, sign_ins  # noqa: F401  (answer what pages ask)
        from tenants import navigation

        for label, name, icon, position in (
            (_("Roles"), "role-list", "role", 30),
            (_("Assignments"), "assignment-list", "key", 35),
        ):
            url_name = f"accesscontrol:{name}"
            navigation.register("people", label, url_name, icon, "Roles:read", position=position)
        explorer, readers = "accesscontrol:access-review", "Roles:read|Reports:read"
        navigation.register("people", _("Access"), explorer, "eye", readers, position=40)
