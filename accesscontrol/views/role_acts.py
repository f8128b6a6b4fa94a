"""Deleting a role of the organization's own, with what that takes from whom."""

from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from accesscontrol.actions import tenant_roles
from accesscontrol.models import TenantRole
from accesscontrol.views.role_pages import RolePage
from tenants.impact import Act
from tenants.views.weighed import Weighed, WeighedPage


class RoleDelete(RolePage, WeighedPage):
    """The role ends, and is withdrawn from all who hold it."""

    permission = "Roles:delete"
    recent = True
    required = unless_nothing = True

    @cached_property
    def chosen(self) -> TenantRole:
        """Read once for a page."""
        return self.own()

    def weighed(self, revision: int | None) -> Weighed:
        role = self.chosen
        given: dict[str, Any] = {"tenant": self.tenant, "at": self.at}
        asked = {"role": role.key, "revision": role.revision}
        act = Act(name="delete", subject=role, asked=asked, by=self.actor, **given)
        return act, lambda: tenant_roles.delete(key=role.key, revision=revision, by=self.actor, **given)

    def confirmation(self) -> dict[str, Any]:
        role = self.chosen
        confirm = {
            "title": _("Delete the role %(name)s?") % {"name": role.name},
            "act": _("Delete role"),
            "cancel_url": self.to("detail", role),
            "revision": role.revision,
            "danger": True,
            **self.foreseen(nothing=_("Nobody loses anything by it.")),
        }
        return {"page": {"title": _("Delete"), "breadcrumb": self.crumbs(role)}, "confirm": confirm}

    def act(self, revision: int | None) -> str:
        role = self.chosen
        self.carry_out(revision)
        return _("The role %(name)s is deleted.") % {"name": role.name}

    def done_url(self, back: str) -> str:
        return self.url("accesscontrol:role-list")
