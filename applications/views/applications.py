"""Applications: the list, and registering and changing one."""

from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from applications import facts as load
from applications.availability import Answer, SharingFacts, available
from applications.http import address
from applications.models import Application, Availability
from applications.turns import Turn, turns
from applications.views._application import RELATIONS, visible
from applications.views._filters import Chip, chosen, filters, footer
from applications.views._reasons import first_sentence
from tenants.http.paging import page_of, searched
from tenants.models import Tenant
from tenants.views.console import ConsolePage

RELATION = Chip(
    "relation",
    gettext_lazy("Show"),
    [
        ("", gettext_lazy("All")),
        ("owned", gettext_lazy("Owned")),
        ("shared", gettext_lazy("Shared with us")),
    ],
)
STATE = Chip(
    "state",
    gettext_lazy("State"),
    [
        ("", gettext_lazy("In operation")),
        ("available", gettext_lazy("Available")),
        ("unavailable", gettext_lazy("Not available")),
        ("retired", gettext_lazy("Retired")),
    ],
)


class ApplicationList(ConsolePage):
    """What the tenant owns and what is shared with it, by name. The reasons come from the rule itself."""

    permission = "Modules:read"

    def get(self, request: HttpRequest) -> HttpResponse:
        rows = narrowed(visible(self.tenant), request, self.tenant, self.at)
        page = page_of(rows, request=request, key="display_name", size=25)
        known = load.sharing([row.id for row in page.rows], tenant_ids=[self.tenant.id])
        url = address("application-register", self.slug)
        new = {"label": _("Register application"), "url": url, "icon": "plus"}
        labels = (_("Name"), _("State"), _("Owner"), pgettext("application", "Relation"), _("Until"))
        count = len(page.rows)
        words = ngettext("%(count)d application", "%(count)d applications", count) % {"count": count}
        context = {
            "page": {
                "title": _("Applications"),
                "lead": _("What your organization owns, and what partners share with it."),
                "primary": {**new, "decision": self.can("Modules:add")},
            },
            "filters": filters(request, _("Search applications"), [RELATION, STATE]),
            "table": {
                "caption": _("Applications"),
                "columns": [{"label": label} for label in labels],
                "rows": [{"cells": cells(row, known[row.id], self.tenant, self.at)} for row in page.rows],
                **footer(page, words),
            },
            "first_step": new if self.can("Modules:add") else None,
        }
        return self.render("applications/application_list.html", context)


def narrowed(
    rows: QuerySet[Application], request: HttpRequest, tenant: Tenant, at: datetime
) -> QuerySet[Application]:
    """The rows that the filters of the address leave."""
    state, relation, q = chosen(request, STATE), chosen(request, RELATION), searched(request)
    rows = rows.filter(during__endswith__isnull=state != "retired")
    if relation:
        rows = rows.filter(owner=tenant) if relation == "owned" else rows.exclude(owner=tenant)
    if state in ("available", "unavailable"):
        held = Exists(Availability.objects.at(at).filter(tenant=tenant, application=OuterRef("pk")))
        rows = rows.filter(held if state == "available" else ~held)
    if q:
        words = Q(id__icontains=q) | Q(name__icontains=q) | Q(display_name__icontains=q)
        rows = rows.filter(words | Q(owner__name__icontains=q))
    return rows


def cells(row: Application, facts: SharingFacts, tenant: Tenant, at: datetime) -> list[dict[str, Any]]:
    """One row of the list."""
    answer = available(facts, tenant_id=str(tenant.id), at=at)
    ahead = [turn for turn in turns(facts, tenant_id=str(tenant.id)) if turn.at > at]
    url = address("application-detail", tenant.slug, application_id=row.id)
    note = "" if answer else first_sentence(answer.decision)
    return [
        {"text": str(row), "url": url, "note": row.id},
        {"state": state_of(answer), "note": note},
        {"text": row.owner.name},
        {"text": RELATIONS[answer.relation] if answer.relation else "–"},
        _next(ahead, answer),
    ]


def _next(ahead: list[Turn], answer: Answer) -> dict[str, Any]:
    """When it will be otherwise; of what is not available said in words, lest it read as its end."""
    if not ahead:
        return {"text": "–"}
    return {"day": ahead[0].at} if answer else {"day": ahead[0].at, "note": _("then available")}


_STATES = {
    "application_suspended": "suspended",
    "application_retired": "retired",
    "contract_not_started": "scheduled",
    "contract_paused": "paused",
    "contract_ended": "ended",
}


def state_of(answer: Answer) -> str:
    """The badge of an application: why it is not available, when that has a word of its own."""
    if answer:
        return "available"
    return _STATES.get(answer.decision.code, "not_available")
