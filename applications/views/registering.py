"""Changing what people read of an application."""

from typing import Any

from django.forms import model_to_dict
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from applications.actions import applications
from applications.forms import DetailsForm
from applications.models import Application
from applications.views._application import ApplicationPage
from applications.views.founding import details_of
from tenants.views import merging
from tenants.views.console import revision_of


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
                details=details_of(form),
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
            "page": {
                "title": _("Edit %(name)s") % {"name": application},
                "breadcrumb": self.crumbs(application),
            },
            "cancel_url": self.back(application),
            "submit": _("Save"),
            "revision": revision_of(self.request) or application.revision,
        }
