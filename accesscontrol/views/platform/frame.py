"""What the operator's pages share: outside the platform tenant they are not there."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from accesscontrol.installation import organizations
from iam_portal.errors import NotFound
from tenants.views.console import ConsolePage


class PlatformPage(ConsolePage):
    """A page about the installation. Whatever somebody holds in another organization, it has none."""

    platform = True


class OrganizationPage(PlatformPage):
    """About one organization."""

    @property
    def organization_id(self) -> UUID:
        """Which one the address names."""
        return self.kwargs["organization_id"]

    def organization(self) -> Any:
        """It, as :func:`organizations.with_state` has it; locked by none, read anew each time."""
        found = organizations.with_state(self.at).filter(pk=self.organization_id).first()
        if found is None:
            raise NotFound
        return found

    def back(self) -> str:
        """Its page."""
        return self.url("accesscontrol:organization-detail", organization_id=self.organization_id)

    def crumbs(self, organization: Any | None = None) -> list[dict[str, Any]]:
        """The way here."""
        first = {"label": _("Organizations"), "url": self.url("accesscontrol:organization-list")}
        if organization is None:
            return [first]
        return [first, {"label": organization.name, "url": self.back()}]


def whole(number: int) -> str:
    """A count as it is read: with thin spaces between thousands."""
    return f"{number:,}".replace(",", "\u202f")
