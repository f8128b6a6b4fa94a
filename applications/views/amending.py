"""Amending a contract: the form, then what it causes, then the act against what was shown."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from applications.actions import amendments, weighing
from applications.http import address
from applications.models import Amendment, Contract
from applications.policies import either
from applications.views import _contract as shapes
from applications.views import _review
from applications.views._acts import AMENDABLE, permission_for
from applications.views._amend_form import AmendForm, form_of, into_fields
from applications.views._standing import standing
from applications.views.contracts import ContractPage
from applications.views.drafting import refusals
from iam_portal.errors import DomainError, Kind, NotFound
from iam_portal.gate import Privilege
from tenants import impact
from tenants.views import record
from tenants.views.console import revision_of

PAST = ("contract.amended", "contract.amendment_planned", "contract.amendment_proposed")


class AmendPage(ContractPage):
    """About one accepted contract."""

    permission = either(Privilege.EXECUTE)

    def amended(self, contract_id: UUID) -> Contract:
        """The contract, if the person may act on it; one that was never accepted has no such page."""
        contract = self.contract(contract_id)
        self.require(permission_for(contract))
        if contract.state != "accepted":
            raise NotFound
        return contract

    def back(self, contract: Contract) -> str:
        """The contract's page."""
        return address("contract-detail", self.slug, contract_id=contract.id)

    def way(self, contract: Contract) -> list[dict[str, str]]:
        """The breadcrumb."""
        return [
            *self.crumbs(),
            {"label": shapes.title(contract, self.tenant), "url": self.back(contract)},
        ]

    def too_late(self, contract: Contract) -> HttpResponse:
        """Back to the contract, when it cannot be done any more."""
        said = _("This cannot be done in the contract's present state. Nothing was changed by you.")
        messages.warning(self.request, said)
        return HttpResponseRedirect(self.back(contract))


class AmendFormPage(AmendPage):
    """The form, as it is drawn first and again."""

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

    def draw(self, contract: Contract, form: AmendForm, status: int = 200, **more: Any) -> HttpResponse:
        """The form, or with ``review`` what it causes."""
        page = {
            "title": _("Amend contract"),
            "breadcrumb": self.way(contract),
            "lead": shapes.title(contract, self.tenant),
        }
        shown = {"revision": contract.revision, "cancel_url": self.back(contract)}
        context = {"page": page, "form": form, **shown, **more}
        return self.render("applications/contract_amend.html", context, status)

    def changed_meanwhile(self, contract: Contract, form: AmendForm, revision: int) -> HttpResponse:
        """What others did since; the second of two clicks finds its own act done."""
        rows = record.since(tenant=self.tenant, kind="contract", object_id=contract.id, revision=revision)
        if len(rows) == 1 and rows[0]["actor_id"] == self.actor.id and rows[0]["action"] in PAST:
            return HttpResponseRedirect(self.back(contract))
        return self.draw(contract, form, status=412, changes=rows)


class ContractAmend(AmendFormPage):
    """Roles and end, by either side."""

    recent = True

    def get(self, request: HttpRequest, contract_id: UUID) -> HttpResponse:
        contract = self.amended(contract_id)
        if standing(contract, self.at) not in AMENDABLE:
            return self.too_late(contract)
        return self.draw(contract, form_of(contract, self.tenant, self.at))

    def post(self, request: HttpRequest, contract_id: UUID) -> HttpResponse:
        contract = self.amended(contract_id)
        if standing(contract, self.at) not in AMENDABLE:
            return self.too_late(contract)
        form = form_of(contract, self.tenant, self.at, request.POST)
        go, revision = request.POST.get("go"), revision_of(request)
        if revision is not None and revision != contract.revision:
            return self.changed_meanwhile(contract, form, revision)
        if go == "back" or not form.is_valid():
            return self.draw(contract, form)
        change = form.change()
        weighed = weighing.amending(tenant=self.tenant, contract=contract, change=change, at=self.at)
        return (carried_out if go == "save" else reviewed)(self, contract, form, weighed)


def reviewed(
    page: AmendFormPage, contract: Contract, form: AmendForm, weighed: impact.Act, **more: Any
) -> HttpResponse:
    """What it would cause: the act itself, taken back."""
    looked: list[dict[str, Any]] = []
    try:
        seen = impact.foresee(
            weighed, lambda: looked.append(_review.preview(page.act(contract, form), contract, page))
        )
    except DomainError as refusal:
        into_fields(form, refusal)
        return page.draw(contract, form)
    review = {**looked[0], **_review.taken(seen, contract, page), "shown": seen.revision}
    return page.draw(contract, form, review=review, **more)


def carried_out(
    page: AmendFormPage, contract: Contract, form: AmendForm, weighed: impact.Act
) -> HttpResponse:
    """Do it, if it takes away what was shown."""
    shown = form.cleaned_data["shown"] or None
    with page.attempt(refusals()) as outcome:
        made = impact.carry_out(weighed, lambda: page.act(contract, form), expected=shown, required=True)
    if outcome:
        return page.done(_review.done(made, page.tenant), page.back(contract))
    refusal = outcome.refusal
    if isinstance(refusal, impact.ImpactChanged | impact.ImpactRequired):
        return reviewed(page, contract, form, weighed, differs=True)
    if isinstance(refusal, DomainError) and refusal.kind is Kind.STALE:
        return page.changed_meanwhile(page.amended(contract.id), form, contract.revision)
    assert refusal is not None
    into_fields(form, refusal)
    return page.draw(contract, form)
