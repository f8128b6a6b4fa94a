"""Whom an application serves: for its owner, with contract, roles, since and until when, and the last use."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from applications import usage
from applications.availability import STRENGTH
from applications.http import address
from applications.models import Application, Availability, ContractTerm
from applications.views._application import RELATIONS
from applications.views._filters import Chip, chosen, filters
from applications.views.access import AccessPage
from iam_portal.spans import Span
from tenants.http import paging
from tenants.models import Tenant

STATE = Chip(
    "state",
    gettext_lazy("State"),
    [
        ("", gettext_lazy("Now or later")),
        ("now", gettext_lazy("Now")),
        ("scheduled", gettext_lazy("Scheduled")),
        ("ended", gettext_lazy("No more")),
    ],
)


class ApplicationServed(AccessPage):
    """One row for each organization; what is read of them is that of the page."""

    owner_only = True

    def get(self, request: HttpRequest, application_id: str) -> HttpResponse:
        application = self.application(application_id)
        rows = _chosen(self, application)
        count = rows.count()
        shown = paging.page_of(rows, request=request, key="name")
        labels = [
            _("Organization"),
            _("State"),
            pgettext("application", "Relation"),
            _("Roles"),
            _("Since"),
            _("Until"),
            _("Last used"),
        ]
        context = {
            **self.around(application, "served"),
            "filters": filters(request, _("Search organizations"), [STATE]),
            "table": {
                "caption": _("Organizations served"),
                "columns": [{"label": label} for label in labels],
                "rows": _rows(self, application, shown.rows),
                "count_text": ngettext("%(count)d organization", "%(count)d organizations", count)
                % {"count": count},
                "paging": shown.paging,
            },
        }
        return self.render("applications/application_served.html", context)


def _chosen(page: AccessPage, application: Application) -> QuerySet[Tenant]:
    held = Availability.objects.filter(application=application, tenant=OuterRef("pk"))
    now, later = Exists(held.at(page.at)), Exists(held.not_over(page.at))
    rows = Tenant.objects.exclude(pk=page.tenant.pk)
    state = chosen(page.request, STATE)
    if state == "now":
        rows = rows.filter(now)
    elif state == "scheduled":
        rows = rows.filter(~now, later)
    elif state == "ended":
        rows = rows.filter(Exists(held), ~later)
    else:
        rows = rows.filter(later)
    text = paging.searched(page.request)
    return rows.filter(name__icontains=text) if text else rows


@dataclass(frozen=True, slots=True)
class _Known:
    """Of the page's contracts that are the owner's own: the roles that they carry, and their last use.

    Of what partners pass on, the contracts are theirs: that it is there is all that the owner learns.
    """

    roles: dict[UUID, set[str]]
    last: dict[UUID, datetime]


def _rows(page: AccessPage, application: Application, tenants: Sequence[Tenant]) -> list[dict[str, Any]]:
    held: dict[UUID, list[Availability]] = defaultdict(list)
    found = Availability.objects.filter(application=application, tenant__in=tenants)
    for row in found.select_related("contract").order_by("during"):
        held[row.tenant_id].append(row)
    contracts = [row.contract for rows in held.values() for row in rows if row.contract is not None]
    roles: dict[UUID, set[str]] = {row.pk: set() for row in contracts if row.provider_id == page.tenant.pk}
    # By contract alone: asked for the application's roles besides, the planner reads the terms of everybody.
    terms = ContractTerm.objects.not_over(page.at).filter(contract__in=roles)
    for contract_id, name, of in terms.values_list("contract_id", "role__name", "role__application_id"):
        if of == application.id:
            roles[contract_id].add(name)
    known = _Known(roles, usage.last_used_by(list(roles), target_id=application.id))
    return [{"cells": _cells(page, tenant, held[tenant.pk], known)} for tenant in tenants]


def _cells(page: AccessPage, tenant: Tenant, held: list[Availability], known: _Known) -> list[dict[str, Any]]:
    row, state = strongest(held, page.at)
    start, end = row.during.lower, row.during.upper
    way: dict[str, Any] = {"text": RELATIONS[row.relation]}
    if row.contract_id in known.roles:
        way["url"] = address("contract-detail", page.slug, contract_id=row.contract_id)
    elif row.contract_id is not None:
        way["note"] = _("passed on by a partner")
    contracts = [each.contract_id for each in held if each.contract_id is not None]
    used = max((known.last[pk] for pk in contracts if pk in known.last), default=None)
    named = sorted({name for pk in contracts for name in known.roles.get(pk, ())})
    return [
        {"text": tenant.name},
        {"state": state},
        way,
        {"text": ", ".join(named) or "–"},
        {"day": start} if start else {"text": "–"},
        {"day": end} if end else {"text": "–"},
        {"day": used} if used else {"text": _("never") if named else "–"},
    ]


def strongest(held: Sequence[Availability], at: datetime) -> tuple[Availability, str]:
    """The row that speaks for a tenant: what holds now, else what begins next, else what was last."""
    now = [row for row in held if Span.of(row.during).covers(at)]
    if now:
        return min(now, key=lambda row: STRENGTH[row.relation]), "available"
    ahead = [row for row in held if Span.of(row.during).is_future(at)]
    return (ahead[0], "scheduled") if ahead else (held[-1], "not_available")
