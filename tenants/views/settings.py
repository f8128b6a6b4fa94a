"""Settings of the organization: all of them on one page, and the pages where they are changed."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from tenants.actions import keeping, lifetimes
from tenants.forms.lifetimes import LifetimesForm
from tenants.forms.people import DeletedPeopleForm
from tenants.models import Kept
from tenants.views import settings_cards
from tenants.views.console import ConsolePage, FormPage


class Settings(ConsolePage):
    """What counts, and whether it was chosen here."""

    permission = "Configuration:read"

    def get(self, request: HttpRequest) -> HttpResponse:
        context = {
            "page": {
                "title": _("Settings"),
                "lead": _("What counts for the people and services of your organization."),
            },
            "cards": settings_cards.of(self),
            "history": self.history("tenant", self.tenant.pk),
            "history_url": f"{self.url('tenants:activity-list')}?object=tenant:{self.tenant.pk}",
        }
        return self.render("tenants/settings.html", context)


class ChangeLifetimes(FormPage):
    """Other ones, within what the installation allows."""

    permission = "Configuration:modify"
    recent = True

    def frame(self) -> dict[str, Any]:
        back = self.url("tenants:settings")
        page = {
            "title": _("Change lifetimes"),
            "breadcrumb": [{"label": _("Settings"), "url": back}],
            "lead": _(
                "Write 30 d, 12 h, 5 min or 90 s. Limits count at once, also for who is signed in already."
            ),
        }
        return {"page": page, "submit": _("Save"), "cancel_url": back}

    def fresh(self) -> LifetimesForm:
        return LifetimesForm.of(self.tenant)

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.form_page(self.fresh())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = LifetimesForm(request.POST)
        if form.is_valid():
            with self.attempt(form) as outcome:
                lifetimes.change(
                    tenant=self.tenant,
                    chosen=form.chosen,
                    by=self.actor,
                    at=self.at,
                    revision=form.cleaned_data["revision"],
                )
            if outcome:
                return self.done(_("The lifetimes are changed."), self.url("tenants:settings"))
        return self.form_page(form)


class ChangeDeletedPeople(FormPage):
    """Whether history keeps their names."""

    permission = "Configuration:modify"

    def frame(self) -> dict[str, Any]:
        back = self.url("tenants:settings")
        page = {
            "title": _("Deleted people"),
            "breadcrumb": [{"label": _("Settings"), "url": back}],
            "lead": _("Counts for who is deleted from now on. A name that is gone does not come back."),
        }
        return {"page": page, "submit": _("Save"), "cancel_url": back}

    def fresh(self) -> DeletedPeopleForm:
        now = {"keeps": self.tenant.history_keeps, "revision": self.tenant.revision}
        return DeletedPeopleForm(initial=now)

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.form_page(self.fresh())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = DeletedPeopleForm(request.POST)
        if form.is_valid():
            given = form.cleaned_data
            with self.attempt(form) as outcome:
                keeping.choose(
                    tenant=self.tenant,
                    keeps=Kept(given["keeps"]),
                    by=self.actor,
                    at=self.at,
                    revision=given["revision"],
                )
            if outcome:
                return self.done(_("What history keeps is changed."), self.url("tenants:settings"))
        return self.form_page(form)
