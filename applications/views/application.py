"""One application: is it available here and why, its roles, whom it serves."""

from collections import defaultdict
from datetime import datetime
from typing import Any

from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from applications import facts as load
from applications.availability import STRENGTH, Answer, available
from applications.http import address
from applications.models import Application, Availability, Resource, RolePermission
from applications.views import _history
from applications.views._application import RELATIONS, ApplicationPage, lanes
from applications.views._reasons import why
from applications.views.applications import state_of
from iam_portal.decision import Decision, Reason
from iam_portal.spans import Span
from tenants.models import Tenant


class AnsweredPage(ApplicationPage):
    """A tab; the badge beside the title is the answer of the rule."""

    def answer(self, application: Application) -> Answer:
        """Is it available here, now."""
        facts = load.of_application(application.id, tenant_id=self.tenant.id)
        if facts is None:
            return Answer(Decision.no(Reason("no_contract", "")))
        return available(facts, tenant_id=str(self.tenant.id), at=self.at)


class ApplicationDetail(AnsweredPage):
    """Overview: the answer with its chain, the facts, the time line, the history."""

    def get(self, request: HttpRequest, application_id: str) -> HttpResponse:
        application = self.application(application_id)
        answer = self.answer(application)
        own = self.owns(application)
        context = {
            "page": self.frame(application, "detail", state_of(answer)),
            "sentence": self._sentence(answer),
            "decision": why(answer.decision, self.slug),
            "facts": self._facts(application, answer),
            "description": application.description,
            "lanes": lanes(application, self.tenant, self.slug, self.at),
            "own": own,
            "history": _history.of_subject(self.tenant, "application", application.id) if own else None,
        }
        return self.render("applications/application_detail.html", context)

    def _sentence(self, answer: Answer) -> str:
        name = {"organization": self.tenant.name}
        if answer:
            return _("Available in %(organization)s.") % name
        return _("Not available in %(organization)s.") % name

    def _facts(self, application: Application, answer: Answer) -> list[dict[str, Any]]:
        during = Span.of(application.during)
        rows: list[dict[str, Any]] = [
            {"label": _("Owner"), "text": application.owner.name},
            {"label": _("Held by"), "text": self._held(answer)},
            {"label": _("Technical name"), "code": application.name},
        ]
        if application.home_url:
            rows.append({"label": _("Address"), "text": application.home_url, "url": application.home_url})
        if self.owns(application):
            rows.append({"label": _("Registered"), "at": during.start})
        if during.end is not None:
            rows.append({"label": _("Retired"), "at": during.end})
        return rows

    def _held(self, answer: Answer) -> str:
        relations = dict.fromkeys(way.relation for way in answer.holding)
        return ", ".join(str(RELATIONS[relation]) for relation in relations) or _("nothing at the moment")


class ApplicationAccess(AnsweredPage):
    """Roles with what they allow, resources; for the owner, the organizations that are served."""

    def get(self, request: HttpRequest, application_id: str) -> HttpResponse:
        application = self.application(application_id)
        own = self.owns(application)
        resources = list(
            Resource.objects.at(self.at)
            .filter(application=application, owner_tenant=None)
            .order_by("type", "key")
        )
        context = {
            "page": self.frame(application, "access", state_of(self.answer(application))),
            "own": own,
            "roles": self._roles(application),
            "resources": _table(resources),
            "served": self._served(application) if own else None,
        }
        return self.render("applications/application_access.html", context)

    def _roles(self, application: Application) -> list[dict[str, Any]]:
        living = RolePermission.objects.at(self.at).select_related("resource")
        rows = application.roles.at(self.at).order_by("name", "key")
        shown = []
        for role in rows.prefetch_related(Prefetch("permissions", queryset=living)):
            held: dict[str, list[str]] = defaultdict(list)
            for permission in role.permissions.all():
                held[permission.resource.name].append(permission.privilege)
            permissions = [{"resource": name, "privileges": sorted(held[name])} for name in sorted(held)]
            shown.append({"role": role, "permissions": permissions})
        return shown

    def _served(self, application: Application) -> dict[str, Any] | None:
        rows = Availability.objects.filter(application=application).exclude(tenant=self.tenant)
        tenants: dict[Tenant, list[Availability]] = defaultdict(list)
        for row in rows.select_related("tenant", "contract").order_by("tenant__name", "tenant", "during"):
            tenants[row.tenant].append(row)
        if not tenants:
            return None
        columns = (_("Organization"), _("State"), _("Held by"), _("Until"))
        return {
            "caption": _("Organizations served"),
            "columns": [{"label": text} for text in columns],
            "rows": [{"cells": self._cells(tenant, held)} for tenant, held in tenants.items()],
        }

    def _cells(self, tenant: Tenant, held: list[Availability]) -> list[dict[str, Any]]:
        row, state = _strongest(held, self.at)
        end = row.during.upper
        cell: dict[str, Any] = {"text": RELATIONS[row.relation]}
        if row.contract is not None and row.contract.provider_id == self.tenant.id:
            cell["url"] = address("contract-detail", self.slug, contract_id=row.contract_id)
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
