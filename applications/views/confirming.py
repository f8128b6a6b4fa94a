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


class RolesConfirm(ContractPage):
    """Role by role what is gained; the button confirms exactly that."""

    permission = "AccessContracts:execute"

    def get(self, request: HttpRequest, contract_id: UUID) -> HttpResponse:
        contract = self._passed_on(contract_id)
        return self._shown(contract)

    def post(self, request: HttpRequest, contract_id: UUID) -> HttpResponse:
        contract, form = self._passed_on(contract_id), NoteForm(request.POST)
        if not form.is_valid():
            return self._shown(contract, form)
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
            return self.done(_("Confirmed. From now on the roles count as they are."), self._back(contract))
        stale = isinstance(outcome.refusal, DomainError) and outcome.refusal.kind is Kind.STALE
        return self._shown(contract, None if stale else form, differs=stale)

    def _passed_on(self, contract_id: UUID) -> Contract:
        contract = self.contract(contract_id)
        if not waits_for(self, contract):
            raise NotFound
        return contract

    def _back(self, contract: Contract) -> str:
        return address("contract-detail", self.slug, contract_id=contract.id)

    def _shown(
        self, contract: Contract, form: forms.Form | None = None, *, differs: bool = False
    ) -> HttpResponse:
        gains = gained([contract.id], at=self.at)
        if not gains:
            said = _("There is nothing to confirm: no role holds more than what was confirmed.")
            return self.done(said, self._back(contract))
        shown = {"shown": confirmations.revision_of(gains)}
        title = shapes.title(contract, self.tenant)
        crumbs = [*self.crumbs(), {"label": title, "url": self._back(contract)}]
        confirm = {
            "title": _("Confirm what the roles gained for %(name)s?") % {"name": contract.consumer.name},
            "act": _("Confirm role changes"),
            "url": self.request.path,
            "cancel_url": self._back(contract),
            "revision": contract.revision,
            **listed(gains),
        }
        context: dict[str, Any] = {
            "page": {"title": _("Confirm role changes"), "breadcrumb": crumbs},
            "confirm": confirm,
            "form": form or NoteForm(initial=shown),
            "differs": differs,
        }
        return self.render("applications/confirm.html", context, 409 if differs else 200)
