"""What stands on the page of settings: a card for each matter, with what counts and where it is changed.

A card is ``{"title", "lead", "facts", "act"?, "position"}``; ``act`` as ``page.link`` makes it. Other modules
add theirs by the signal ``settings_shown``.
"""

from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tenants.actions import branding
from tenants.forms.lifetimes import LABELS, in_words
from tenants.lifetimes import Lifetime, lifetime
from tenants.models import Kept, Tenant
from tenants.signals import settings_shown
from tenants.views import settings_passwords
from tenants.views.branding import facts_of
from tenants.views.console import ConsolePage

Card = dict[str, Any]


def of(page: ConsolePage) -> list[Card]:
    """In the order of their positions."""
    own = [_branding(page), _passwords(page), _lifetimes(page), _deleted_people(page), _kept(page)]
    return sorted([*own, *page.panels(settings_shown)], key=lambda card: card["position"])


def change(page: ConsolePage, url: str, label: str) -> dict[str, Any]:
    """The button of a card; off, with its reason, for who may only read."""
    return page.link(label, "Configuration:modify", page.url(url), icon="edit")


def _branding(page: ConsolePage) -> Card:
    return {
        "title": _("Branding"),
        "lead": _("What your people see of the organization: name, colour and logo."),
        "facts": facts_of(branding.current(page.tenant)),
        "act": change(page, "tenants:settings-branding", _("Change branding")),
        "position": 10,
    }


def _passwords(page: ConsolePage) -> Card:
    return {
        "title": _("Passwords"),
        "lead": _("What a new password has to be."),
        "facts": settings_passwords.facts(page.tenant),
        "act": change(page, "tenants:settings-passwords", _("Change rules of passwords")),
        "position": 20,
    }


def _lifetimes(page: ConsolePage) -> Card:
    return {
        "title": _("Lifetimes"),
        "lead": _("How long people stay signed in, and tokens are good."),
        "facts": [_lasting(page.tenant, of) for of in LABELS],
        "act": change(page, "tenants:settings-lifetimes", _("Change lifetimes")),
        "position": 30,
    }


def _deleted_people(page: ConsolePage) -> Card:
    return {
        "title": _("Deleted people"),
        "lead": _("What is kept of who was deleted."),
        "facts": [{"label": _("History keeps"), "text": Kept(page.tenant.history_keeps).label}],
        "act": change(page, "tenants:settings-deleted-people", _("Change deleted people")),
        "position": 40,
    }


def _kept(page: ConsolePage) -> Card:
    """Chosen for the whole installation: there is nothing to change."""
    months, days = settings.PORTAL_HISTORY_MONTHS, settings.PORTAL_EVENT_RETENTION.days
    history = ngettext("%(count)d month", "%(count)d months", months) % {"count": months}
    events = ngettext("%(count)d day", "%(count)d days", days) % {"count": days}
    return {
        "title": _("What is kept, and how long"),
        "lead": _("Chosen by who runs this installation, alike for every organization."),
        "facts": [
            {"label": _("Activity"), "text": history if months else _("for good")},
            {"label": _("Events"), "text": events},
        ],
        "position": 90,
    }


def _lasting(tenant: Tenant, of: Lifetime) -> dict[str, Any]:
    chosen = getattr(tenant, of) is not None
    return {
        "label": LABELS[of],
        "text": in_words(int(lifetime(tenant, of).total_seconds())),
        "note": _("chosen here") if chosen else _("default of the installation"),
    }
