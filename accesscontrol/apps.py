"""App configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccessControlConfig(AppConfig):
    """May: assignments, decisions, tokens."""

    name = "accesscontrol"

    def ready(self) -> None:
        from accesscontrol import receivers  # noqa: F401  (registration needs loaded apps)
        from accesscontrol.views import (  # noqa: F401  (answer what pages ask)
            first_page,
            panels,
            required,
            searchers,
            settings_panels,
            sign_ins,
        )
        from tenants import navigation

        searchers.register_all()
        for label, name, icon, position in (
            (_("Roles"), "role-list", "role", 30),
            (_("Assignments"), "assignment-list", "key", 35),
        ):
            url_name = f"accesscontrol:{name}"
            navigation.register("people", label, url_name, icon, "Roles:read", position=position)
        directory = "accesscontrol:scim-token-list"
        navigation.register("people", _("Directory (SCIM)"), directory, "users", "Users:read", position=50)
        explorer, readers = "accesscontrol:access-review", "Roles:read|Reports:read"
        navigation.register("people", _("Access"), explorer, "eye", readers, position=40)
        reports = "accesscontrol:report-list"
        navigation.register("record", _("Reports"), reports, "report", "Reports:read", position=30)
        listed = "accesscontrol:organization-list"
        navigation.register(
            "platform", _("Organizations"), listed, "organization", "Organizations:read", position=10
        )
        add, platform = navigation.register, "platform"
        add(platform, _("Jobs"), "accesscontrol:job-list", "clock", "Jobs:read", position=20)
        add(platform, _("Keys"), "accesscontrol:key-list", "key", "Keys:read", position=30)
        add(platform, _("System"), "accesscontrol:system-health", "report", "Jobs:read", position=40)
