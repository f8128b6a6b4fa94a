"""Registering an application, and changing what people read of it."""

from datetime import datetime
from typing import Any

from django.forms import model_to_dict
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from applications.actions import applications
from applications.actions.applications import Details
from applications.forms import DetailsForm, RegisterForm
from applications.http import SAME_CLICK, address, take_turns
from applications.models import Application
from applications.views._application import ApplicationPage
from tenants.models import Tenant
from tenants.views import merging
from tenants.views.console import ConsolePage, revision_of


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
            made = _same(self.tenant, details, self.at) or applications.register(
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
        found = self.application(application_id)
        return self._show(found, DetailsForm(initial=model_to_dict(found)))

    def post(self, request: HttpRequest, application_id: str) -> HttpResponse:
        application, form = self.application(application_id), DetailsForm(request.POST)
        revision = revision_of(request)
        if not form.is_valid():
            return self._show(application, form)
        with self.attempt(form) as outcome:
            applications.change(
                tenant=self.tenant,
                application_id=application.id,
                details=_details(form),
                by=self.actor,
                at=self.at,
                revision=revision,
            )
        if outcome:
            said = _("%(name)s is changed.") % {"name": form.cleaned_data["display_name"]}
            return self.done(said, self.back(application))
        if not merging.is_stale(outcome):
            return self._show(application, form)
        now = self.application(application.id)
        return merging.merged(
            self,
            form,
            DetailsForm(initial=model_to_dict(now)),
            revision=now.revision,
            frame=self._frame(now),
            same=lambda: self.done(_("Saved."), self.back(now)),
        )

    def _show(self, application: Application, form: DetailsForm) -> HttpResponse:
        context = {**self._frame(application), "form": form}
        return self.render("applications/application_form.html", context)

    def _frame(self, application: Application) -> dict[str, Any]:
        return {
            "page": {"title": _("Edit"), "breadcrumb": self.crumbs(application)},
            "cancel_url": self.back(application),
            "submit": _("Save"),
            "revision": revision_of(self.request) or application.revision,
        }


def _details(form: DetailsForm) -> Details:
    fields = form.cleaned_data
    return Details(
        name=fields["name"].strip(),
        display_name=fields["display_name"].strip(),
        description=fields["description"].strip(),
        home_url=fields["home_url"],
    )


def _same(tenant: Tenant, details: Details, at: datetime) -> Application | None:
    """The application that the same form made a moment ago: one click, sent twice."""
    rows = Application.objects.filter(
        owner=tenant,
        name=details.name,
        display_name=details.display_name,
        description=details.description,
        home_url=details.home_url,
    )
    return rows.filter(during__startswith__gt=at - SAME_CLICK, during__endswith__isnull=True).first()
