"""Suspending, resuming and retiring an application: who loses it is shown first."""

from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from applications import impact
from applications.actions import applications
from applications.forms import NameForm, ShownForm, SuspendForm
from applications.models import Application
from applications.models.applications import PORTAL_ID
from applications.views import _losses
from applications.views._application import ApplicationPage
from iam_portal.errors import NotFound


class LivingPage(ApplicationPage):
    """About an own application that is not retired: what its act says, asks and takes away."""

    permission = "Modules:modify"
    owner_only = True
    danger: ClassVar[bool] = False

    def application(self, application_id: str) -> Application:
        """A living one; the portal itself has no such pages."""
        application = super().application(application_id)
        if self.retired(application) or application.id == PORTAL_ID:
            raise NotFound
        return application

    def losses(self, application: Application) -> list[impact.Loss]:
        """Who loses it."""
        return impact.of_suspension(application, at=self.at)

    def words(self, application: Application) -> dict[str, Any]:
        """``title`` and ``act``."""
        raise NotImplementedError

    def form(self, application: Application, data: Any, shown: str) -> forms.Form:
        """What the act asks."""
        return ShownForm(data, initial={"shown": shown})

    def act(self, application: Application, form: forms.Form) -> str:
        """Do it; what to say afterwards."""
        raise NotImplementedError


class LifecyclePage(LivingPage):
    """A confirmation with what the act takes away, and the act."""

    def get(self, request: HttpRequest, application_id: str) -> HttpResponse:
        application = self.application(application_id)
        losses = self.losses(application)
        return self._show(application, self.form(application, None, _losses.digest(losses, None)), losses)

    def post(self, request: HttpRequest, application_id: str) -> HttpResponse:
        application = self.application(application_id)
        losses, data = self.losses(application), request.POST.copy()
        shown = _losses.digest(losses, None)
        differs = data.get("shown") != shown
        data["shown"] = shown
        form = self.form(application, data, "")
        if differs or not form.is_valid():
            return self._show(application, form, losses, differs=differs)
        with self.attempt(form) as outcome:
            said = self.act(application, form)
        return self.done(said, self.back(application)) if outcome else self._show(application, form, losses)

    def _show(
        self, application: Application, form: forms.Form, losses: list[impact.Loss], **more: bool
    ) -> HttpResponse:
        words = self.words(application)
        confirm = {
            **_losses.shown(losses, self.slug),
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

    def words(self, application: Application) -> dict[str, Any]:
        return {"title": _("Suspend %(name)s?") % {"name": application}, "act": _("Suspend application")}

    def form(self, application: Application, data: Any, shown: str) -> forms.Form:
        return SuspendForm(data, initial={"shown": shown})

    def act(self, application: Application, form: forms.Form) -> str:
        reason = form.cleaned_data["reason"]
        applications.suspend(
            tenant=self.tenant, application_id=application.id, reason=reason, by=self.actor, at=self.at
        )
        return _("%(name)s is suspended. It is available nowhere until you resume it.") % {
            "name": application
        }


class ApplicationResume(LifecyclePage):
    """Available again wherever it was."""

    def losses(self, application: Application) -> list[impact.Loss]:
        return []

    def words(self, application: Application) -> dict[str, Any]:
        return {
            "title": _("Resume %(name)s?") % {"name": application},
            "act": _("Resume application"),
            "nothing": _(
                "It becomes available again in your organization and wherever a contract covers it."
            ),
        }

    def act(self, application: Application, form: forms.Form) -> str:
        applications.resume(tenant=self.tenant, application_id=application.id, by=self.actor, at=self.at)
        return _("%(name)s is resumed.") % {"name": application}


class ApplicationRetire(LifecyclePage):
    """Out of operation for good; the name has to be typed."""

    permission = "Modules:delete"
    danger = True

    def words(self, application: Application) -> dict[str, Any]:
        return {
            "title": _("Retire %(name)s?") % {"name": application},
            "act": _("Retire application"),
            "irreversible": str(application),
        }

    def form(self, application: Application, data: Any, shown: str) -> forms.Form:
        return NameForm(data, initial={"shown": shown}, name=str(application))

    def act(self, application: Application, form: forms.Form) -> str:
        applications.retire(tenant=self.tenant, application_id=application.id, by=self.actor, at=self.at)
        return _("%(name)s is retired. Its id stays taken.") % {"name": application}
