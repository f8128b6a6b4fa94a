"""Assignments: who holds which role here, since when, until when, and whether it counts."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accesscontrol import holders
from accesscontrol.models import Assignment
from accesscontrol.views import linking, related, standing
from accesscontrol.views.panels import application_of
from accesscontrol.views.role_choices import telling
from applications.views import role_words
from tenants.http import paging
from tenants.views.console import ConsolePage
from tenants.views.wording import address

WHOM, ROLES = ("user", "group", "application", "contract"), ("application_role", "tenant_role")
RELATED = (*WHOM[:-1], "contract__provider", "application_role__application", "tenant_role")  # to be joined
KINDS = {
    "user": gettext_lazy("Users"),
    "group": gettext_lazy("Groups"),
    "application": gettext_lazy("Applications"),
}


class AssignmentList(ConsolePage):
    """Present and planned ones, unless the past is asked for."""

    permission = "Roles:read"

    def get(self, request: HttpRequest) -> HttpResponse:
        wanted = paging.searched(request)
        rows = chosen(self, wanted)
        count = paging.counted(rows)
        shown = paging.page_of(rows, request=request, key="created_at", descending=True)
        listed = with_related(shown.rows)
        standings = standing.of_rows(listed, tenant=self.tenant, at=self.at)
        adding = self.url("accesscontrol:assignment-add")
        labels = [_("Who"), _("Role"), _("Application"), _("State"), _("From"), _("Until")]
        columns = [{"label": label} for label in labels]
        context = {
            "page": {
                "title": _("Assignments"),
                "lead": _("Who holds which role here. A role counts only while your organization has it."),
                "primary": self.link(_("Assign a role"), "Roles:modify", adding, icon="plus"),
            },
            "filters": _filters(self),
            "table": {
                "caption": _("Assignments"),
                "columns": [*columns, {"label": _("Withdraw"), "hidden_label": True}],
                "rows": [{"cells": cells(self, row, standings[row.pk])} for row in listed],
                "count_text": count_text(count),
                "paging": shown.paging,
            },
            "searched": any(request.GET.get(name) for name in ("q", "kind", "state", "application")),
        }
        return self.render("accesscontrol/assignment_list.html", context)


def count_text(count: int) -> str:
    """Of many only that they are many."""
    if count > paging.COUNTED:
        return _("More than %(count)d assignments") % {"count": paging.COUNTED}
    return ngettext("%(count)d assignment", "%(count)d assignments", count) % {"count": count}


def with_related(rows: list[Assignment], names: Iterable[str] = (*WHOM, *ROLES)) -> list[Assignment]:
    """Of the page alone: joined before it is cut, all that is related to every assignment would be sorted."""
    return related.read(rows, names)


def principal_of(page: ConsolePage, row: Assignment) -> tuple[str, str, str]:
    """(name, kind in words, address) of who holds it."""
    if row.user is not None:
        return str(row.user), _("user"), address(page.slug, "user", str(row.user_id))
    if row.group is not None:
        return str(row.group), _("group"), address(page.slug, "group", str(row.group_id))
    return str(row.application), _("application"), address(page.slug, "application", str(row.application_id))


def chosen(page: ConsolePage, wanted: str) -> QuerySet[Assignment]:
    """What the filters of the address leave of the organization's assignments."""
    given = page.request.GET
    rows = Assignment.objects.filter(tenant=page.tenant, during__isempty=False)
    state = given.get("state", "")
    if state == "ended":
        rows = rows.filter(during__endswith__lte=page.at)
    elif state == "scheduled":
        rows = rows.filter(during__startswith__gt=page.at)
    elif state != "all":
        rows = rows.not_over(page.at)
    if given.get("kind") in KINDS:
        rows = rows.filter(**{f"{given['kind']}__isnull": False})
    if application := paging.searched(page.request, "application"):
        rows = rows.filter(application_role__application_id=application)
    if wanted:
        who = Q(user__display_name__icontains=wanted) | Q(user__username__icontains=wanted)
        who |= Q(group__name__icontains=wanted) | Q(application__display_name__icontains=wanted)
        what = role_words.called(wanted, of="application_role__") | Q(tenant_role__name__icontains=wanted)
        rows = rows.filter(who | what | Q(application_role__application__display_name__icontains=wanted))
    return rows


def _filters(page: ConsolePage) -> dict[str, Any]:
    states = {"scheduled": _("Scheduled"), "ended": _("Ended"), "all": _("All, with ended")}
    shown = holders.applications_given(tenant_id=page.tenant.pk, most=50)
    applications = {pk: role_words.named(name, pk) for pk, name in shown}
    menus = (
        ("kind", _("Who"), KINDS),
        ("application", _("Application"), applications),
        ("state", _("State"), states),
    )
    return linking.filters(page.request, menus, placeholder=_("Search people and roles"))


def cells(page: ConsolePage, row: Assignment, stands: standing.Standing) -> list[dict[str, Any]]:
    """One row: who, role, application, state, from, until, and the act."""
    name, kind, url = principal_of(page, row)
    role = row.application_role or row.tenant_role
    contract = row.contract.provider.name if row.contract else ""
    ended = stands.state == "ended"
    withdraw = {
        "label": _("Withdraw"),
        "url": page.url("accesscontrol:assignment-withdraw", assignment_id=row.pk),
    }
    counts_not = stands.state == "not_available"
    state = {"state": stands.state, "word": _("Does not count") if counts_not else ""}
    if counts_not and stands.decision.reasons:
        state["note"] = stands.decision.reasons[0].text
    return [
        {"text": name, "url": url, "note": kind},
        {
            "text": role_words.shown(role) if role else "",
            "note": telling(role.name, role.key) if role else "",
        },
        {
            "text": application_of(row),
            "note": _("on the data of %(name)s") % {"name": contract} if contract else "",
        },
        state,
        {"day": row.during.lower},
        {"at": row.during.upper} if row.during.upper else {"text": _("no end").replace(" ", "\u00a0")},
        {"action": None if ended or not page.can("Roles:modify") else {**withdraw, "dialog": True}},
    ]
