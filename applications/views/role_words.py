"""Names of roles as pages show them: the portal's own in the reader's language, others as they were given."""

from typing import Protocol

from applications.models.applications import PORTAL_ID
from iam_portal.translating import translated


class Named(Protocol):
    """An application's role, or one that an organization made: that one is of no application."""

    @property
    def name(self) -> str: ...


def shown(role: Named) -> str:
    """``Access Manager`` of the portal is a sentence of ours; no other name is."""
    return translated(role.name) if getattr(role, "application_id", "") == PORTAL_ID else role.name
