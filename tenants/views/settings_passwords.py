"""Settings of the organization: what passwords must be."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tenants import passwords
from tenants.actions import password_rules
from tenants.forms.people import PasswordRulesForm
from tenants.models import Tenant
from tenants.views.console import FormPage


class ChangePasswordRules(FormPage):
    """How long passwords are at least."""

    permission = "Configuration:modify"
    recent = True

    def frame(self) -> dict[str, Any]:
        back = self.url("tenants:settings")
        page = {
            "title": _("Passwords"),
            "breadcrumb": [{"label": _("Settings"), "url": back}],
            "lead": _(
                "Counts for passwords that are set from now on. Passwords that everybody uses, and those "
                "made of the own name, are refused in any case; which signs one is made of does not matter."
            ),
        }
        return {"page": page, "submit": _("Save"), "cancel_url": back}

    def get(self, request: HttpRequest) -> HttpResponse:
        now = {"length": passwords.least(self.tenant), "revision": self.tenant.revision}
        return self.form_page(PasswordRulesForm(initial=now))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = PasswordRulesForm(request.POST)
        if form.is_valid():
            given = form.cleaned_data
            with self.attempt(form) as outcome:
                password_rules.choose(
                    tenant=self.tenant,
                    length=given["length"],
                    by=self.actor,
                    at=self.at,
                    revision=given["revision"],
                )
            if outcome:
                return self.done(_("Saved."), self.url("tenants:settings"))
        return self.form_page(form)


def facts(tenant: Tenant) -> list[dict[str, Any]]:
    """What counts now, for the page of settings."""
    count = passwords.least(tenant)
    text = ngettext("%(count)d character", "%(count)d characters", count) % {"count": count}
    chosen = tenant.password_length is not None
    note = _("chosen here") if chosen else _("default of the installation")
    return [{"label": _("At least"), "text": text, "note": note}]
