"""Roles, groups and mappings as a workbook: downloaded, and sent back with what that changes shown before."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError

from accesscontrol.configuration import plans
from accesscontrol.configuration.comparing_mappings import LEAVING
from accesscontrol.configuration.locking import lock
from accesscontrol.configuration.outcomes import Plan, PlanChanged
from accesscontrol.configuration.parsing import parse
from accesscontrol.configuration.shape import Configuration, Names
from accesscontrol.forms.sheets import SheetForm
from accesscontrol.serializers.configuration import ConfigurationDocument
from accesscontrol.sheets import current, reading
from accesscontrol.sheets.reading import Uploaded
from accesscontrol.sheets.refused import SheetInvalid
from iam_portal import problem
from iam_portal.errors import DomainError
from tenants.history import record_refusal
from tenants.http.refusals import Outcome
from tenants.impact import patient
from tenants.views import impacts
from tenants.views.console import ConsolePage

MOST = 60  # steps of a kind, and objections, that are listed
LINES = 12  # of a step
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class SheetDownload(ConsolePage):
    """What the person may read of them, as a file."""

    permission = "Configuration:read"

    def get(self, request: HttpRequest) -> HttpResponse:
        made = current.workbook(tenant=self.tenant, by=self.actor, at=self.at)
        name = f'attachment; filename="{self.tenant.slug}.xlsx"'
        return HttpResponse(made, content_type=XLSX, headers={"Content-Disposition": name})


class SheetUpload(ConsolePage):
    """Sent, looked at, applied: what is applied is what was looked at."""

    permission = "Configuration:modify"
    recent = True
    asks_first = True  # a file that was chosen would be lost on the way

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._drawn(SheetForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = SheetForm(request.POST, request.FILES)
        if not form.is_valid():
            return self._drawn(form)
        form.keep()
        expected = request.POST.get("impact") if request.POST.get("go") == "apply" else None
        with self.attempt(form) as outcome:
            plan = self._carried(form, expected)
        if outcome and expected is not None:
            return self.done(_("The workbook is applied."), self.url("tenants:settings"))
        if outcome:
            self._tried(plan.refused)
            return self._drawn(form, looked=_told(plan.as_json(), self))
        return self._refused(form, outcome)

    def _carried(self, form: SheetForm, expected: str | None) -> Plan:
        """The plan, or with its revision what it says: under the locks, as of then."""
        sheet = reading.read(form.cleaned_data["raw"])
        wanted = _wanted(sheet, Names(self.tenant.slug))
        asked: dict[str, Any] = {"tenant": self.tenant, "by": self.actor, "at": self.at}
        if expected is None:
            current.require_current(sheet, **asked)
            plan = plans.plan(wanted=wanted, prune=(), **asked)
            plan.objections[:] = [sheet.placed(one) for one in plan.objections]
            return plan
        with patient():
            lock(self.tenant, wanted, at=self.at)
            asked["at"] = timezone.now()  # as of when all others were through
            current.require_current(sheet, **asked)
            try:
                return plans.apply(wanted=wanted, prune=(), expected=expected, **asked)
            except DomainError as refused:
                refused.errors = [sheet.placed(one) for one in refused.errors]
                raise

    def _refused(self, form: SheetForm, outcome: Outcome) -> HttpResponse:
        refusal = outcome.refusal
        self._tried(getattr(refusal, "refused", ()))
        if not isinstance(refusal, PlanChanged):
            return self._drawn(form, status=412 if isinstance(refusal, current.SheetOutdated) else 200)
        fresh = SheetForm(form.data)
        fresh.is_valid()
        return self._drawn(fresh, looked=_told(refusal.data["plan"], self), moved=True, status=412)

    def _tried(self, refused: tuple[DomainError, ...]) -> None:
        """Who tried to do by a file what he may not do stands in the history."""
        for one in refused:
            record_refusal(one)

    def _drawn(self, form: SheetForm, status: int = 200, **more: Any) -> HttpResponse:
        back = self.url("tenants:settings")
        page = {
            "title": _("Roles, groups and mappings as a workbook"),
            "breadcrumb": [{"label": _("Settings"), "url": back}],
            "lead": _("For any office program: download it, change it, and send it back."),
        }
        context = {
            "page": page,
            "form": form,
            "download_url": self.url("accesscontrol:sheet-download"),
            "cancel_url": back,
            **more,
        }
        return self.render("accesscontrol/sheet_form.html", context, status=status)


def _wanted(sheet: Uploaded, names: Names) -> Configuration:
    """Of the wire's shape, and without a contradiction; what speaks against it names its cell."""
    try:
        shape = ConfigurationDocument(data=sheet)
        shape.is_valid(raise_exception=True)
        return parse(dict(shape.validated_data), names)
    except (ValidationError, DomainError) as refused:
        document = problem.of(refused)
        errors = [sheet.placed(one) for one in document.get("errors", [])[:MOST]]
        raise SheetInvalid(document["detail"], errors=errors) from None


def _told(plan: dict[str, Any], page: ConsolePage) -> dict[str, Any]:
    """The steps in lists, what speaks against them, and the impact as the confirmations show it."""
    labels = (("add", _("Added")), ("change", _("Changed")), ("remove", _("Ends")))
    lists = []
    for verb, label in labels:
        steps = [step for step in plan["steps"] if step["verb"] == verb]
        items = [{"text": step["name"], "lines": step["diff"][:LINES]} for step in steps[:MOST]]
        if items:
            lists.append({"label": label, "items": items, "more": len(steps) - len(items)})
    told = {"lists": lists, "objections": plan["objections"][:MOST], "impact": plan["revision"]}
    if lists:
        nothing = _("Nobody loses anything by it.")
        if any(LEAVING in step["diff"] for step in plan["steps"]):
            nothing = _(
                "Nobody loses anything at once. Who is in a group by a mapping that changes, and has not the"
                " claim that it asks for then, leaves it at the next sign-in."
            )
        told |= impacts.shown(plan["impact"] or {}, page, nothing=nothing)
    return told
