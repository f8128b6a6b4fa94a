"""One application: is it available here and why, its roles, whom it serves."""

from collections import defaultdict
from datetime import datetime
from typing import Any

from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from applications.availability import STRENGTH, Answer
from applications.http import address
from applications.models import Application, Availability, Resource, RolePermission
from applications.signals import application_shown
from applications.views._application import RELATIONS, TabPage, lanes
from applications.views._reasons import why
from applications.views.applications import state_of
from iam_portal.spans import Span
from tenants.models import Tenant


class ApplicationDetail(TabPage):
    """Overview: the answer with its chain, the facts, the time line, the history."""

    def get(self, request: HttpRequest, application_id: str) -> HttpResponse:
        application = self.application(application_id)
        answer = self.answer(application)
        own = self.owns(application)
        context = {
            "page": self.frame(application, "detail", state_of(answer)),
            "sentence": _sentence(answer, self.tenant),
            "decision": why(answer.decision, self.slug),
            "facts": _facts(application, answer, own=own),
            "description": application.description,
            "lanes": lanes(application, self.tenant, self.slug, self.at),
            "own": own,
            "panels": self.panels(application_shown, application=application),
            **(self.past("application", application.id) if own else {"history": None}),
        }
        return self.render("applications/application_detail.html", context)


class ApplicationAccess(TabPage):
    """Roles with what they allow, resources; for the owner, the organizations that are served."""

    def get(self, request: HttpRequest, application_id: str) -> HttpResponse:
        application = self.application(application_id)
        own = self.owns(application)
        resources = list(
            Resource.objects.placed(self.at)
            .filter(application=application, owner_tenant=None)
            .order_by("type", "key")
        )
        context = {
            "page": self.frame(application, "access", state_of(self.answer(application))),
            "own": own,
            "roles": _roles(application, self.at),
            "resources": _table(resources),
            "served": _served(application, self.tenant, self.at) if own else None,
        }
        return self.render("applications/application_access.html", context)


def _sentence(answer: Answer, tenant: Tenant) -> str:
    name = {"organization": tenant.name}
    if answer:
        return _("Available in %(organization)s.") % name
    return _("Not available in %(organization)s.") % name


def _facts(application: Application, answer: Answer, *, own: bool) -> list[dict[str, Any]]:
    during = Span.of(application.during)
    relations = dict.fromkeys(way.relation for way in answer.holding)
    held = ", ".join(str(RELATIONS[relation]) for relation in relations)
    rows: list[dict[str, Any]] = [
        {"label": _("Owner"), "text": application.owner.name},
        {"label": _("Held by"), "text": held or _("nothing at the moment")},
        {"label": _("Technical name"), "code": application.name},
    ]
    if application.home_url:
        rows.append({"label": _("Address"), "text": application.home_url, "url": application.home_url})
    if own:
        rows.append({"label": _("Registered"), "at": during.start})
    if during.end is not None:
        rows.append({"label": _("Retired"), "at": during.end})
    return rows


def _roles(application: Application, at: datetime) -> list[dict[str, Any]]:
    living = RolePermission.objects.at(at).select_related("resource")
    rows = application.roles.at(at).order_by("name", "key")
    shown = []
    for role in rows.prefetch_related(Prefetch("permissions", queryset=living)):
        held: dict[str, list[str]] = defaultdict(list)
        for permission in role.permissions.all():
            held[permission.resource.name].append(permission.privilege)
        permissions = [{"resource": name, "privileges": sorted(held[name])} for name in sorted(held)]
        shown.append({"role": role, "permissions": permissions})
    return shown


def _served(application: Application, owner: Tenant, at: datetime) -> dict[str, Any] | None:
    rows = Availability.objects.filter(application=application).exclude(tenant=owner)
    tenants: dict[Tenant, list[Availability]] = defaultdict(list)
    for row in rows.select_related("tenant", "contract").order_by("tenant__name", "tenant", "during"):
        tenants[row.tenant].append(row)
    if not tenants:
        return None
    columns = (_("Organization"), _("State"), _("Held by"), _("Until"))
    return {
        "caption": _("Organizations served"),
        "columns": [{"label": text} for text in columns],
        "rows": [{"cells": _served_cells(tenant, held, owner, at)} for tenant, held in tenants.items()],
    }


def _served_cells(
    tenant: Tenant, held: list[Availability], owner: Tenant, at: datetime
) -> list[dict[str, Any]]:
    row, state = _strongest(held, at)
    end = row.during.upper
    cell: dict[str, Any] = {"text": RELATIONS[row.relation]}
    if row.contract is not None and row.contract.provider_id == owner.id:
        cell["url"] = address("contract-detail", owner.slug, contract_id=row.contract_id)
    return [{"text": tenant.name}, {"state": state}, cell, {"day": end} if end else {"text": "–"}]


def _strongest(held: list[Availability], at: datetime) -> tuple[Availability, str]:
    """The row that speaks for a tenant: what holds now, else what begins next, else what was last."""
    now = [row for row in held if Span.of(row.during).covers(at)]
    if now:
        return min(now, key=lambda row: STRENGTH[row.relation]), "available"
    ahead = [row for row in held if Span.of(row.during).is_future(at)]
    return (ahead[0], "scheduled") if ahead else (held[-1], "not_available")


def _table(resources: list[Resource]) -> dict[str, Any] | None:
    if not resources:
        return None
    return {
        "caption": _("Resources"),
        "columns": [{"label": text} for text in (_("Resource"), _("Type"), _("Offers"))],
        "rows": [
            {
                "cells": [
                    {"text": row.name, "note": row.key if row.key != row.name else ""},
                    {"code": row.type},
                    {"text": ", ".join(row.privileges)},
                ]
            }
            for row in resources
        ],
    }
