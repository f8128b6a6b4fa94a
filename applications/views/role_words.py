"""Names of roles as pages show them: the portal's own in the reader's language, others as they were given."""

from typing import Protocol

from django.conf import settings
from django.db.models import Q
from django.utils.translation import get_language

from applications.models import ApplicationRole
from applications.models.applications import PORTAL_ID
from iam_portal.translating import translated


class Named(Protocol):
    """An application's role, or one that an organization made: that one is of no application."""

    @property
    def name(self) -> str: ...


def shown(role: Named) -> str:
    """``Access Manager`` of the portal is a sentence of ours; no other name is."""
    return translated(role.name) if getattr(role, "application_id", "") == PORTAL_ID else role.name


def named(name: str, application_id: str) -> str:
    """The same of a name alone."""
    return translated(name) if application_id == PORTAL_ID else name


def called(wanted: str, of: str = "") -> Q:
    """Application roles with the text in the name that the reader sees. ``of``: the way to the role."""
    found, keys = Q(**{f"{of}name__icontains": wanted}), of_portal(wanted)
    return found | Q(**{f"{of}application": PORTAL_ID, f"{of}key__in": keys}) if keys else found


def of_portal(wanted: str) -> list[str]:
    """Keys of the portal's roles with the text in their name in the reader's language, if it is not ours."""
    if get_language() in (None, settings.LANGUAGE_CODE):
        return []
    portals = ApplicationRole.objects.filter(application=PORTAL_ID).order_by().values_list("key", "name")
    return [key for key, name in portals.distinct() if wanted.casefold() in translated(name).casefold()]
