"""Who holds a role, now or later, and whether it counts."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from accesscontrol.models import Assignment, TenantRole
from accesscontrol.views import assignments, linking, standing
from accesscontrol.views.assignments import KINDS
from accesscontrol.views.role_pages import RolePage, held
from applications.models import ApplicationRole
from tenants.http import paging
from tenants.views.console import ConsolePage


class RoleHolders(RolePage):
    """Who holds it, now or later."""

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        role, wanted = self.role(), paging.searched(request)
        rows = held(role, assignments.chosen(self, wanted))
        every = self.holders(role)
        narrowed = any(request.GET.get(name) for name in ("q", "kind", "state", "application"))
        count = paging.counted(rows) if narrowed else min(every, paging.COUNTED + 1)
        shown = paging.page_of(rows, request=request, key="created_at", descending=True)
        listed = [_given(row, role) for row in assignments.with_related(shown.rows, assignments.WHOM)]
        standings = standing.of_rows(listed, tenant=self.tenant, at=self.at)
        labels = [_("Who"), _("State"), _("From"), _("Until")]
        columns = [{"label": label} for label in labels]
        table = {
            "caption": _("Held by"),
            "columns": [*columns, {"label": _("Withdraw"), "hidden_label": True}],
            "rows": [{"cells": _holder(self, row, standings[row.pk])} for row in listed],
            "count_text": assignments.count_text(count),
            "paging": shown.paging,
        }
        page = self.frame(role, "holders", holders=every)
        context = {"page": page, "filters": _filters(self), "table": table}
        return self.render("accesscontrol/role_holders.html", context)


def _given(row: Assignment, role: TenantRole | ApplicationRole) -> Assignment:
    """All are of the one role, which is read already: joined to each, it and its application cost more."""
    if isinstance(role, TenantRole):
        row.tenant_role = role
    else:
        row.application_role = role
    return row


def _holder(page: ConsolePage, row: Assignment, stands: standing.Standing) -> list[dict[str, Any]]:
    who, _role, application, *rest = assignments.cells(page, row, stands)
    note = ", ".join(part for part in (who["note"], application["note"]) if part)
    return [{**who, "note": note}, *rest]


def _filters(page: ConsolePage) -> dict[str, Any]:
    states = {"scheduled": _("Scheduled"), "ended": _("Ended"), "all": _("All, with ended")}
    menus = (("kind", _("Who"), KINDS), ("state", _("State"), states))
    return linking.filters(page.request, menus, placeholder=_("Search who holds it"))
