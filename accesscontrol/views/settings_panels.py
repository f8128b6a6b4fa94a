"""What this app has to say on the page of settings."""

from typing import Any

from django.dispatch import receiver
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tenants.actions.steps import EVERYBODY
from tenants.signals import settings_shown
from tenants.views import settings_cards
from tenants.views.console import ConsolePage


@receiver(settings_shown, dispatch_uid="accesscontrol.second_factors_card")
def second_factors_card(*, page: ConsolePage, **_kwargs: Any) -> dict[str, Any]:
    """Who has to sign in with one."""
    return {
        "title": _("Second factors"),
        "lead": _("A passkey or an authenticator app, besides the password."),
        "facts": [{"label": _("Asked of"), "text": _who(page.tenant.second_factor_roles)}],
        "act": settings_cards.change(page, "accesscontrol:second-factors", _("Change second factors")),
        "position": 25,
    }


@receiver(settings_shown, dispatch_uid="accesscontrol.sheet_card")
def sheet_card(*, page: ConsolePage, **_kwargs: Any) -> dict[str, Any]:
    """Roles and groups for office programs."""
    url = page.url("accesscontrol:sheet-download")
    return {
        "title": _("Roles, groups and mappings as a workbook"),
        "lead": _("For any office program: download it, change it, and send it back."),
        "facts": [{"label": _("As it is now"), "text": f"{page.tenant.slug}.xlsx", "url": url}],
        "act": settings_cards.change(page, "accesscontrol:sheet-upload", _("Change by a workbook")),
        "position": 60,
    }


def _who(roles: list[str]) -> str:
    if EVERYBODY in roles:
        return _("everybody")
    if not roles:
        return _("nobody; each person chooses")
    count = len(roles)
    return ngettext("who holds %(count)d role", "who holds one of %(count)d roles", count) % {"count": count}
