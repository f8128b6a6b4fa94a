"""Changing what people read of an application."""

from django.forms import model_to_dict
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from applications.actions import applications
from applications.forms import DetailsForm
from applications.models import Application
from applications.views._application import ApplicationPage
from applications.views.founding import details_of
from iam_portal.errors import DomainError, Kind
from tenants.models import Tenant
from tenants.views import record
from tenants.views.console import revision_of

FIELDS = {
    "name": gettext_lazy("the technical name"),
    "displayName": gettext_lazy("the name"),
    "description": gettext_lazy("the description"),
    "homeUrl": gettext_lazy("the address"),
}


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
            return self.done(_("Saved."), self.back(application))
        stale = isinstance(outcome.refusal, DomainError) and outcome.refusal.kind is Kind.STALE
        for text in _meanwhile(application, self.tenant, revision) if stale else ():
            form.add_error(None, text)
        return self._show(application, form, status=409 if stale else 200)

    def _show(self, application: Application, form: DetailsForm, status: int = 200) -> HttpResponse:
        context = {
            "page": {"title": _("Edit"), "breadcrumb": self.crumbs(application)},
            "form": form,
            "cancel_url": self.back(application),
            "submit": _("Save"),
            "revision": (status == 200 and revision_of(self.request)) or application.revision,
        }
        return self.render("applications/application_form.html", context, status=status)


def _meanwhile(application: Application, tenant: Tenant, revision: int | None) -> list[str]:
    """What others made of its texts since the revision that somebody saw."""
    count = max(0, application.revision - (revision or application.revision))
    changes = record.rewritten(
        tenant=tenant, kind="application", object_id=application.id, count=count, labels=FIELDS
    )
    return [_("Save once more to replace it by what stands here."), *changes]
