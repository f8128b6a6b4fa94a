"""What an application calls here and what it may not, with the chain; and which services may call it."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accesscontrol import facts as load
from accesscontrol.decide import Call, may_call
from accesscontrol.models import Assignment, TenantRolePermission
from accesscontrol.views import linking, naming, standing
from applications import usage
from applications.models import Application, ApplicationRole, RequiredRole
from applications.models.applications import PORTAL_ID
from applications.views._application import visible
from applications.views.access import AccessPage
from tenants.http import paging

RELATED = ("application", "application_role", "tenant_role", "contract__provider")
TEMPLATE = "accesscontrol/application_calls.html"


class ApplicationCalls(AccessPage):
    """Each application of which it holds a role here, or wants one: may it call, and why not."""

    permission = "Roles:read"

    def get(self, request: HttpRequest, application_id: str) -> HttpResponse:
        application = self.application(application_id)
        targets = _targets(self, application)
        count = targets.count()
        shown = paging.page_of(targets, request=request, key="display_name")
        asked: dict[str, Any] = {"caller": application, "tenant_id": self.tenant.pk}
        asked["target_ids"] = [row.pk for row in shown.rows]
        sharing = load.shared_of_calls(**asked)
        facts = load.calls(**asked, sharing=sharing)
        used = usage.last_used([(self.tenant.pk, application.pk, row.pk) for row in shown.rows])
        names = naming.declared(row.pk for row in shown.rows)
        rows = []
        for target in shown.rows:
            call = may_call(facts[target.pk], at=self.at)
            last = used.get((self.tenant.pk, application.pk, target.pk))
            rows.append(_call(self, target, call, names) | {"last": last})
        named = {"name": application}
        context = {
            **self.around(application, "calls", sharing[application.pk]),
            "lead": _("What %(name)s may call as a service") % named,
            "rows": rows,
            "none": _("It holds no role of another application here: it may call none."),
            "count_text": ngettext("%(count)d application", "%(count)d applications", count)
            % {"count": count},
            "paging": shown.paging,
        }
        return self.render(TEMPLATE, context)


class ApplicationCallers(AccessPage):
    """The services that hold a role of it here."""

    permission = "Roles:read"

    def get(self, request: HttpRequest, application_id: str) -> HttpResponse:
        application = self.application(application_id)
        rows = _held(self, application)
        count = rows.count()
        shown = paging.page_of(
            rows.select_related(*RELATED), request=request, key="created_at", descending=True
        )
        named = {"name": application}
        context = {
            **self.around(application, "callers"),
            "lead": _("Services that hold a role of %(name)s") % named,
            "rows": _callers(self, application, shown.rows),
            "none": _("No service holds a role of it here."),
            "count_text": ngettext("%(count)d assignment", "%(count)d assignments", count) % {"count": count},
            "paging": shown.paging,
        }
        return self.render(TEMPLATE, context)


def _targets(page: AccessPage, application: Application) -> QuerySet[Application]:
    """Of those that this organization sees: a wish or a role of old tells nothing of others."""
    held = load.callable_targets(caller=application, tenant_id=page.tenant.pk)
    wanted = RequiredRole.objects.at(page.at).filter(application=application)
    seen = Q(pk=PORTAL_ID) | Q(pk__in=visible(page.tenant).order_by().values("pk"))
    named = Q(pk__in=held) | Q(pk__in=wanted.values("wanted_application"))
    return Application.objects.filter(seen & named).exclude(pk=application.pk)


def _call(
    page: AccessPage, target: Application, call: Call, names: Mapping[tuple[str, str], str]
) -> dict[str, Any]:
    roles = sorted({names.get((target.pk, role.key), role.key) for role in call.roles})
    return {
        "name": str(target),
        "note": target.pk,
        "url": page.url("applications:application-detail", application_id=target.pk)
        if target.pk != PORTAL_ID and page.can("Modules:read")
        else "",
        "state": "allowed" if call else "refused",
        "roles": ", ".join(roles),
        "why": linking.why(call.decision, page),
        "sentence": _("It may call it") if call else _("It may not call it"),
    }


def _held(page: AccessPage, application: Application) -> QuerySet[Assignment]:
    """What services hold of it. Two queries, for the roles: joined, all permissions of everybody were read.

    As lists, so that the few rows are found by them, and not all assignments gone through by their age.
    """
    own = ApplicationRole.objects.filter(application=application).order_by().values_list("pk", flat=True)
    made = TenantRolePermission.objects.filter(tenant=page.tenant, resource__application=application)
    made_ids = made.order_by().values_list("role", flat=True).distinct()
    rows = Assignment.objects.not_over(page.at).filter(tenant=page.tenant, user=None, group=None)
    return rows.filter(Q(application_role__in=list(own)) | Q(tenant_role__in=list(made_ids)))


def _callers(
    page: AccessPage, application: Application, assignments: Sequence[Assignment]
) -> list[dict[str, Any]]:
    standings = standing.of_rows(assignments, tenant=page.tenant, at=page.at)
    callers = {row.application_id for row in assignments if row.application_id}
    used = usage.last_used([(page.tenant.pk, caller, application.pk) for caller in sorted(callers)])
    seen = set(visible(page.tenant).filter(pk__in=callers).values_list("pk", flat=True))
    rows = []
    for row in assignments:
        stands = standings[row.pk]
        caller = str(row.application_id)
        away = stands.state == "not_available"
        rows.append(
            {
                "name": str(row.application),
                "note": caller,
                "url": page.url("applications:application-detail", application_id=caller)
                if caller in seen and page.can("Modules:read")
                else "",
                "state": stands.state,
                "word": _("Does not count") if away else "",
                "roles": str(row.application_role or row.tenant_role),
                "during": row.during,
                "why": linking.why(stands.decision, page) if stands.decision.reasons else None,
                "sentence": _("The role counts") if stands.decision else _("The role does not count"),
                "last": used.get((page.tenant.pk, caller, application.pk)),
            }
        )
    return rows
