"""Applications: the list, and registering and changing one."""

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from applications import facts as load
from applications.actions import applications
from applications.actions.applications import Details
from applications.availability import Answer, available, turns
from applications.forms import DetailsForm, RegisterForm
from applications.http import address, take_turns
from applications.models import Application, Availability
from applications.views import _history
from applications.views._application import RELATIONS, ApplicationPage, visible
from applications.views._filters import Chip, chosen, filters
from applications.views._reasons import first_sentence
from iam_portal.errors import DomainError, Kind
from tenants.http.paging import page_of, searched
from tenants.views.console import ConsolePage, revision_of

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
        page = page_of(self._rows(), request=request, key="display_name", size=25)
        ids = [row.id for row in page.rows]
        known = load.sharing(ids, tenant_ids=[self.tenant.id])
        url = address("application-register", self.slug)
        new = {"label": _("Register application"), "url": url, "icon": "plus"}
        context = {
            "page": {
                "title": _("Applications"),
                "lead": _("What your organization owns, and what partners share with it."),
                "primary": {**new, "decision": self.can("Modules:add")},
            },
            "filters": filters(request, _("Search applications"), [RELATION, STATE]),
            "table": {
                "caption": _("Applications"),
                "columns": [
                    {"label": text}
                    for text in (_("Name"), _("State"), _("Owner"), _("Held by"), _("Until"), _("Id"))
                ],
                "rows": [{"cells": self._cells(row, known[row.id])} for row in page.rows],
                "paging": page.paging,
            },
            "first_step": new if self.can("Modules:add") else None,
        }
        return self.render("applications/application_list.html", context)

    def _rows(self) -> QuerySet[Application]:
        rows, state = visible(self.tenant), chosen(self.request, STATE)
        relation, q = chosen(self.request, RELATION), searched(self.request)
        rows = rows.filter(during__endswith__isnull=state != "retired")
        if relation:
            own = Q(owner=self.tenant)
            rows = rows.filter(own if relation == "owned" else ~own)
        if state in ("available", "unavailable"):
            held = Availability.objects.at(self.at).filter(tenant=self.tenant, application=OuterRef("pk"))
            rows = rows.filter(Exists(held) if state == "available" else ~Exists(held))
        if q:
            words = Q(id__icontains=q) | Q(name__icontains=q) | Q(display_name__icontains=q)
            rows = rows.filter(words | Q(owner__name__icontains=q))
        return rows

    def _cells(self, row: Application, facts: Any) -> list[dict[str, Any]]:
        tenant_id = str(self.tenant.id)
        answer = available(facts, tenant_id=tenant_id, at=self.at)
        ahead = [turn for turn in turns(facts, tenant_id=tenant_id) if turn.at > self.at]
        state = {"state": state_of(answer)}
        return [
            {
                "text": str(row),
                "url": address("application-detail", self.slug, application_id=row.id),
            },
            state if answer else {**state, "note": first_sentence(answer.decision)},
            {"text": row.owner.name},
            {"text": RELATIONS[answer.relation] if answer.relation else "–"},
            {"day": ahead[0].at} if ahead else {"text": "–"},
            {"copy_id": row.id},
        ]


def state_of(answer: Answer) -> str:
    """The badge of an application: why it is not available, when that has a word of its own."""
    if answer:
        return "available"
    words = {"application_suspended": "suspended", "application_retired": "retired"}
    return words.get(answer.decision.code, "not_available")


class ApplicationRegister(ConsolePage):
    """A new application of this tenant."""

    permission = "Modules:add"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._show(RegisterForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = RegisterForm(request.POST)
        if not form.is_valid():
            return self._show(form)
        details = _details(form)
        take_turns(f"application:{self.tenant.id}:{self.actor.id}")
        with self.attempt(form) as outcome:
            made = self._same(details) or applications.register(
                owner=self.tenant,
                details=details,
                by=self.actor,
                at=self.at,
                application_id=form.cleaned_data["application_id"] or None,
            )
        if not outcome:
            return self._show(form)
        return self.done(
            _("%(name)s is registered. Add a secret, and it can fetch tokens.") % {"name": made},
            address("application-credentials", self.slug, application_id=made.id),
        )

    def _same(self, details: Details) -> Application | None:
        """The application that the same form made a moment ago: one click, sent twice."""
        rows = Application.objects.filter(owner=self.tenant, name=details.name)
        rows = rows.filter(display_name=details.display_name, description=details.description)
        return rows.filter(
            home_url=details.home_url, during__startswith__gt=self.at - _history.MOMENT
        ).first()

    def _show(self, form: RegisterForm) -> HttpResponse:
        back = address("application-list", self.slug)
        page = {
            "title": _("Register application"),
            "breadcrumb": [{"label": _("Applications"), "url": back}],
        }
        context = {"page": page, "form": form, "cancel_url": back, "submit": _("Register application")}
        return self.render("applications/application_form.html", context)


class ApplicationEdit(ApplicationPage):
    """What people read of it. Others' changes in between are shown before they are replaced."""

    permission = "Modules:modify"
    owner_only = True

    def get(self, request: HttpRequest, application_id: str) -> HttpResponse:
        application = self.application(application_id)
        names = ("name", "display_name", "description", "home_url")
        return self._show(
            application, DetailsForm(initial={name: getattr(application, name) for name in names})
        )

    def post(self, request: HttpRequest, application_id: str) -> HttpResponse:
        application = self.application(application_id)
        form = DetailsForm(request.POST)
        if not form.is_valid():
            return self._show(application, form)
        with self.attempt(form) as outcome:
            applications.change(
                tenant=self.tenant,
                application_id=application.id,
                details=_details(form),
                by=self.actor,
                at=self.at,
                revision=revision_of(request),
            )
        if outcome:
            return self.done(_("Saved."), self.back(application))
        refusal = outcome.refusal
        stale = isinstance(refusal, DomainError) and refusal.kind is Kind.STALE
        if stale:
            for text in _history.changed_fields(application, self.tenant, revision_of(request)):
                form.add_error(None, text)
            form.add_error(None, _("Save once more to replace it by what stands here."))
        return self._show(application, form, status=409 if stale else 200)

    def _show(self, application: Application, form: DetailsForm, status: int = 200) -> HttpResponse:
        shown = None if status == 409 else revision_of(self.request)
        context = {
            "page": {"title": _("Edit"), "breadcrumb": self.crumbs(application)},
            "form": form,
            "cancel_url": self.back(application),
            "submit": _("Save"),
            "revision": shown or application.revision,
        }
        return self.render("applications/application_form.html", context, status=status)


def _details(form: DetailsForm) -> Details:
    fields = form.cleaned_data
    return Details(
        name=fields["name"].strip(),
        display_name=fields["display_name"].strip(),
        description=fields["description"].strip(),
        home_url=fields["home_url"],
    )
