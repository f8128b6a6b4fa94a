"""Amending a contract: the form, then what it causes, then the act against what was shown."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from applications.actions import amendments
from applications.http import address
from applications.models import Amendment, Contract
from applications.views import _contract as shapes
from applications.views import _review
from applications.views._acts import AMENDABLE, permission_for
from applications.views._amend_form import PLACES, AmendForm, form_of
from applications.views._standing import standing
from applications.views.contracts import ContractPage
from iam_portal.errors import DomainError, Kind, NotFound
from tenants import impact
from tenants.http.refusals import into_form
from tenants.views import record
from tenants.views.console import revision_of

PAST = ("contract.amended", "contract.amendment_planned", "contract.amendment_proposed")


class AmendPage(ContractPage):
    """About one accepted contract that is not over."""

    def amended(self, contract_id: UUID) -> Contract:
        """The contract, if the person may act on it; one that is over has no such page."""
        contract = self.contract(contract_id)
        self.require(permission_for(contract))
        if contract.state != "accepted":
            raise NotFound
        return contract

    def back(self, contract: Contract) -> str:
        """The contract's page."""
        return address("contract-detail", self.slug, contract_id=contract.id)

    def too_late(self, contract: Contract) -> HttpResponse:
        """Back to the contract, with what stands in the way."""
        said = _("This cannot be done in the contract's present state. Nothing was changed by you.")
        messages.warning(self.request, said)
        return HttpResponseRedirect(self.back(contract))


class ContractAmend(AmendPage):
    """Roles and end, by either side."""

    def get(self, request: HttpRequest, contract_id: UUID) -> HttpResponse:
        contract = self.amended(contract_id)
        if standing(contract, self.at) not in AMENDABLE:
            return self.too_late(contract)
        return self.draw(contract, form_of(contract, self.tenant, self.at))

    def post(self, request: HttpRequest, contract_id: UUID) -> HttpResponse:
        contract = self.amended(contract_id)
        form = form_of(contract, self.tenant, self.at, request.POST)
        go, revision = request.POST.get("go"), revision_of(request)
        if standing(contract, self.at) not in AMENDABLE:
            return self.too_late(contract)
        if revision is not None and revision != contract.revision:
            return self.changed_meanwhile(contract, form, revision)
        if go == "back" or not form.is_valid():
            return self.draw(contract, form)
        return self.carry_out(contract, form) if go == "save" else self.review(contract, form)

    def review(self, contract: Contract, form: AmendForm, **more: Any) -> HttpResponse:
        """What it would cause: the act itself, taken back."""
        looked: list[dict[str, Any]] = []
        try:
            seen = impact.foresee(
                self.weighed(contract, form),
                lambda: looked.append(_review.preview(self.act(contract, form), self.tenant)),
            )
        except DomainError as refusal:
            return self.refused_at(contract, form, refusal)
        review = {**looked[0], "counts": _review.counts(seen), "shown": seen.revision}
        return self.draw(contract, form, review=review, **more)

    def carry_out(self, contract: Contract, form: AmendForm) -> HttpResponse:
        """Do it, if it takes away what was shown."""
        shown = form.cleaned_data["shown"] or None
        with self.attempt() as outcome:
            made = impact.carry_out(
                self.weighed(contract, form), lambda: self.act(contract, form), expected=shown, required=False
            )
        if outcome:
            return self.done(_review.done(made, self.tenant), self.back(contract))
        refusal = outcome.refusal
        if isinstance(refusal, impact.ImpactChanged):
            return self.review(contract, form, differs=True)
        assert isinstance(refusal, DomainError)
        if refusal.kind is Kind.STALE:
            fresh = self.amended(contract.id)
            return self.changed_meanwhile(fresh, form, contract.revision)
        return self.refused_at(contract, form, refusal)

    def act(self, contract: Contract, form: AmendForm) -> Amendment:
        """The one action."""
        return amendments.amend(
            tenant=self.tenant,
            contract_id=contract.id,
            change=form.change(),
            by=self.actor,
            at=self.at,
            note=form.cleaned_data["note"],
            revision=revision_of(self.request),
        )

    def weighed(self, contract: Contract, form: AmendForm) -> impact.Act:
        """The act as the impact knows it."""
        when = form.cleaned_data["when"]
        return amendments.narrowing(tenant=self.tenant, contract=contract, when=when, at=self.at)

    def refused_at(self, contract: Contract, form: AmendForm, refusal: DomainError) -> HttpResponse:
        """The form again, each objection at its field."""
        for error in refusal.errors:
            first = error["pointer"].strip("/").partition("/")[0]
            error["pointer"] = f"/{PLACES.get(first, '')}"
        into_form(form, refusal)
        return self.draw(contract, form)

    def changed_meanwhile(self, contract: Contract, form: AmendForm, revision: int) -> HttpResponse:
        """What others did since; the second of two clicks finds its own act done."""
        rows = record.since(tenant=self.tenant, kind="contract", object_id=contract.id, revision=revision)
        if len(rows) == 1 and rows[0]["actor_id"] == self.actor.id and rows[0]["action"] in PAST:
            return HttpResponseRedirect(self.back(contract))
        return self.draw(contract, form, status=409, changes=rows)

    def draw(self, contract: Contract, form: AmendForm, status: int = 200, **more: Any) -> HttpResponse:
        """The form, or with ``review`` what it causes."""
        title, back = shapes.title(contract, self.tenant), self.back(contract)
        page = {
            "title": _("Amend contract"),
            "breadcrumb": [*self.crumbs(), {"label": title, "url": back}],
            "lead": title,
        }
        context = {"page": page, "form": form, "revision": contract.revision, "cancel_url": back, **more}
        return self.render("applications/contract_amend.html", context, status)
