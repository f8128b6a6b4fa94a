"""Suspending, resuming and retiring an application: who loses it is shown first."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from applications.actions import applications
from applications.forms import NameForm, ShownForm, SuspendForm
from applications.models import Application
from applications.models.applications import PORTAL_ID
from applications.views._application import ApplicationPage
from iam_portal.errors import DomainError, NotFound
from tenants.impact import Act, ImpactChanged, ImpactRequired, carry_out, foresee
from tenants.views import impacts


class LivingPage(ApplicationPage):
    """About an own application that is not retired: what its act says, asks and takes away."""

    permission = "Modules:modify"
    owner_only = True
    danger: ClassVar[bool] = False
    name: ClassVar[str] = ""  # of the act that takes something away; empty for one that gives

    def application(self, application_id: str) -> Application:
        """A living one; the portal itself has no such pages."""
        application = super().application(application_id)
        if self.retired(application) or application.id == PORTAL_ID:
            raise NotFound
        return application

    def weighed(self, application: Application) -> Act:
        """The act as the impact knows it."""
        return Act(name=self.name, tenant=self.tenant, subject=application, at=self.at)

    def impact(self, application: Application) -> Mapping[str, Any] | None:
        """Who loses what by it; None for an act that gives, and for what is refused anyway."""
        if not self.name:
            return None
        try:
            return foresee(self.weighed(application), lambda: self.act(application, {})).as_json()
        except DomainError:
            return None

    def words(self, application: Application) -> dict[str, Any]:
        """``title`` and ``act``."""
        raise NotImplementedError

    def form(self, application: Application, data: Any, shown: str) -> forms.Form:
        """What the act asks."""
        return ShownForm(data, initial={"shown": shown})

    def act(self, application: Application, given: Mapping[str, Any]) -> str:
        """Do it; what to say afterwards."""
        raise NotImplementedError


class LifecyclePage(LivingPage):
    """A confirmation with what the act takes away, and the act."""

    def get(self, request: HttpRequest, application_id: str) -> HttpResponse:
        application = self.application(application_id)
        impact = self.impact(application)
        return self._show(application, self.form(application, None, _revision(impact)), impact)

    def post(self, request: HttpRequest, application_id: str) -> HttpResponse:
        application = self.application(application_id)
        form = self.form(application, request.POST, "")
        if not form.is_valid():
            return self._again(application, self.impact(application))
        with self.attempt(form) as outcome:
            said = carry_out(
                self.weighed(application),
                lambda: self.act(application, form.cleaned_data),
                expected=form.cleaned_data["shown"] or None,
                required=bool(self.name),
            )
        if outcome:
            return self.done(said, self.back(application))
        if isinstance(outcome.refusal, ImpactChanged | ImpactRequired):
            return self._again(application, outcome.refusal.data["impact"], differs=True)
        return self._show(application, form, self.impact(application))

    def _again(
        self, application: Application, impact: Mapping[str, Any] | None, **more: bool
    ) -> HttpResponse:
        """What was typed, beside what the act takes away now."""
        data = self.request.POST.copy()
        data["shown"] = _revision(impact)
        form = self.form(application, data, "")
        form.is_valid()
        return self._show(application, form, impact, **more)

    def _show(
        self, application: Application, form: forms.Form, impact: Mapping[str, Any] | None, **more: bool
    ) -> HttpResponse:
        words = self.words(application)
        nothing = _("No application becomes unavailable by this.")
        confirm = {
            **impacts.shown(impact or {}, self, nothing=nothing),
            **words,
            "url": self.request.path,
            "cancel_url": self.back(application),
            "danger": self.danger,
        }
        page = {"title": words["act"], "breadcrumb": self.crumbs(application)}
        context = {"page": page, "confirm": confirm, "form": form, **more}
        return self.render("applications/confirm.html", context)


class ApplicationSuspend(LifecyclePage):
    """Available nowhere until resumed."""

    name = "suspend"
    danger = True

    def words(self, application: Application) -> dict[str, Any]:
        return {"title": _("Suspend %(name)s?") % {"name": application}, "act": _("Suspend application")}

    def form(self, application: Application, data: Any, shown: str) -> forms.Form:
        return SuspendForm(data, initial={"shown": shown})

    def act(self, application: Application, given: Mapping[str, Any]) -> str:
        applications.suspend(
            tenant=self.tenant,
            application_id=application.id,
            reason=given.get("reason", ""),
            by=self.actor,
            at=self.at,
        )
        return _("%(name)s is suspended. It is available nowhere until you resume it.") % {
            "name": application
        }


class ApplicationResume(LifecyclePage):
    """Available again wherever it was."""

    def words(self, application: Application) -> dict[str, Any]:
        return {
            "title": _("Resume %(name)s?") % {"name": application},
            "act": _("Resume application"),
            "nothing": _(
                "It becomes available again in your organization and wherever a contract covers it."
            ),
        }

    def act(self, application: Application, given: Mapping[str, Any]) -> str:
        applications.resume(tenant=self.tenant, application_id=application.id, by=self.actor, at=self.at)
        return _("%(name)s is resumed.") % {"name": application}


class ApplicationRetire(LifecyclePage):
    """Out of operation for good; the name has to be typed."""

    name = "retire"
    permission = "Modules:delete"
    recent = asks_first = True
    danger = True

    def words(self, application: Application) -> dict[str, Any]:
        return {
            "title": _("Retire %(name)s?") % {"name": application},
            "act": _("Retire application"),
            "irreversible": str(application),
        }

    def form(self, application: Application, data: Any, shown: str) -> forms.Form:
        return NameForm(data, initial={"shown": shown}, name=str(application))

    def act(self, application: Application, given: Mapping[str, Any]) -> str:
        applications.retire(tenant=self.tenant, application_id=application.id, by=self.actor, at=self.at)
        return _("%(name)s is retired. Its id stays taken.") % {"name": application}


def _revision(impact: Mapping[str, Any] | None) -> str:
    return str(impact["revision"]) if impact else ""
