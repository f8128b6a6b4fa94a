"""What roles of an access contract gained, and the provider's word that it counts from now on."""

from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from applications.actions import confirmations
from applications.forms import NoteForm
from applications.http import address
from applications.models import Contract
from applications.rolechanges import gained
from applications.views import _contract as shapes
from applications.views._widened import listed, waits_for
from applications.views.contracts import ContractPage
from iam_portal.errors import DomainError, Kind, NotFound
from tenants.views.console import revision_of


class RolesPage(ContractPage):
    """A contract whose roles the tenant confirms, and the question before it does."""

    permission = "AccessContracts:execute"

    def passed_on(self, contract_id: UUID) -> Contract:
        """The contract, if it is the tenant's word that its roles wait for."""
        contract = self.contract(contract_id)
        if not waits_for(self, contract):
            raise NotFound
        return contract

    def back(self, contract: Contract) -> str:
        """The contract's page."""
        return address("contract-detail", self.slug, contract_id=contract.id)

    def shown(
        self, contract: Contract, form: forms.Form | None = None, *, differs: bool = False
    ) -> HttpResponse:
        """What is gained, to be confirmed; ``differs``: it is not what was shown before."""
        gains = gained([contract.id], at=self.at)
        if not gains:
            said = _("There is nothing to confirm: no role holds more than what was confirmed.")
            return self.done(said, self.back(contract))
        title = shapes.title(contract, self.tenant)
        crumbs = [*self.crumbs(), {"label": title, "url": self.back(contract)}]
        confirm = {
            "title": _("Confirm what the roles gained for %(name)s?") % {"name": contract.consumer.name},
            "act": _("Confirm role changes"),
            "url": self.request.path,
            "cancel_url": self.back(contract),
            "revision": contract.revision,
            **listed(gains),
        }
        said = self.request.POST.get("note", "")
        asked = NoteForm(initial={"shown": confirmations.revision_of(gains), "note": said})
        context: dict[str, Any] = {
            "page": {"title": _("Confirm role changes"), "breadcrumb": crumbs},
            "confirm": confirm,
            "form": form or asked,
            "differs": differs,
        }
        return self.render("applications/confirm.html", context, 412 if differs else 200)


class RolesConfirm(RolesPage):
    """Role by role what is gained; the button confirms exactly that."""

    recent = True

    def get(self, request: HttpRequest, contract_id: UUID) -> HttpResponse:
        contract = self.passed_on(contract_id)
        return self.shown(contract)

    def post(self, request: HttpRequest, contract_id: UUID) -> HttpResponse:
        contract, form = self.passed_on(contract_id), NoteForm(request.POST)
        if not form.is_valid():
            return self.shown(contract, form)
        with self.attempt(form) as outcome:
            confirmations.confirm(
                tenant=self.tenant,
                contract_id=contract.id,
                by=self.actor,
                at=self.at,
                note=form.cleaned_data["note"],
                expected=form.cleaned_data["shown"] or None,
                revision=revision_of(request),
            )
        if outcome:
            return self.done(_("Confirmed. From now on the roles count as they are."), self.back(contract))
        stale = isinstance(outcome.refusal, DomainError) and outcome.refusal.kind is Kind.STALE
        return self.shown(contract, None if stale else form, differs=stale)
