"""The answers to an open amendment: what it would change, then the act against what was shown."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from applications.actions import amendment_answers as answers
from applications.actions import amendments, open_amendments
from applications.forms import NoteForm
from applications.models import Amendment, AmendmentState, Contract
from applications.policies import amendments_of
from applications.views import _amendments, _review
from applications.views import _contract as shapes
from applications.views._amendments import LABELS
from applications.views.amending import AmendPage
from iam_portal.errors import DomainError, NotFound
from tenants import impact
from tenants.http.refusals import sentences
from tenants.views.console import revision_of

ACTS: dict[str, Callable[..., Amendment]] = {
    "accept": answers.accept,
    "decline": answers.decline,
    "withdraw": answers.withdraw,
}


class AmendmentAnswer(AmendPage):
    """accept, decline: of the other side; withdraw: of the proposer."""

    name: ClassVar[str] = ""

    def get(self, request: HttpRequest, contract_id: UUID, amendment_id: UUID) -> HttpResponse:
        contract, amendment = self.asked(contract_id, amendment_id)
        if not self.waits(amendment):
            return self.too_late(contract)
        shown = ""
        if self.name == "accept":
            try:
                shown = self.foreseen(contract, amendment).revision
            except DomainError as refusal:
                return self.impossible(contract, refusal)
        return self.draw(contract, amendment, NoteForm(initial={"shown": shown}))

    def post(self, request: HttpRequest, contract_id: UUID, amendment_id: UUID) -> HttpResponse:
        contract, amendment = self.asked(contract_id, amendment_id)
        form, revision = NoteForm(request.POST), revision_of(request)
        if not self.waits(amendment) or revision not in (None, amendment.revision):
            return self.too_late(contract)
        if not form.is_valid():
            return self.draw(contract, amendment, form)
        with self.attempt() as outcome:
            made = impact.carry_out(
                self.weighed(contract, amendment),
                lambda: self.act(contract, amendment, form.cleaned_data["note"], revision),
                expected=form.cleaned_data["shown"] or None,
                required=False,
            )
        if outcome:
            return self.done(self.said(made), self.back(contract))
        if isinstance(outcome.refusal, impact.ImpactChanged):
            data = request.POST.copy()
            data["shown"] = self.foreseen(contract, amendment).revision
            return self.draw(contract, amendment, NoteForm(data), differs=True)
        return HttpResponseRedirect(self.back(contract))

    def asked(self, contract_id: UUID, amendment_id: UUID) -> tuple[Contract, Amendment]:
        """Contract and amendment, if the act belongs to this side."""
        contract = self.amended(contract_id)
        amendment = amendments_of(contract).filter(id=amendment_id).first()
        if amendment is None:
            raise NotFound
        mine = amendment.proposed_by_tenant_id == self.tenant.id
        if mine != (self.name == "withdraw"):
            raise NotFound
        return contract, amendment

    def waits(self, amendment: Amendment) -> bool:
        """Whether it can be answered still."""
        return open_amendments.state(amendment, self.at) == AmendmentState.PROPOSED

    def act(self, contract: Contract, amendment: Amendment, note: str, revision: int | None) -> Amendment:
        """The one action."""
        return ACTS[self.name](
            tenant=self.tenant,
            contract_id=contract.id,
            amendment_id=amendment.id,
            by=self.actor,
            at=self.at,
            note=note,
            revision=revision,
        )

    def weighed(self, contract: Contract, amendment: Amendment) -> impact.Act:
        """The act as the impact knows it."""
        when = amendment.takes_effect_at
        return amendments.narrowing(tenant=self.tenant, contract=contract, when=when, at=self.at)

    def foreseen(self, contract: Contract, amendment: Amendment) -> impact.Impact:
        """What accepting would take away."""
        act = self.weighed(contract, amendment)
        return impact.foresee(act, lambda: self.act(contract, amendment, "", None))

    def impossible(self, contract: Contract, refusal: DomainError) -> HttpResponse:
        """Back to the contract: what the proposal says cannot be done any more."""
        for sentence in sentences(refusal):
            messages.error(self.request, sentence)
        return HttpResponseRedirect(self.back(contract))

    def said(self, made: Amendment) -> str:
        """What to say afterwards."""
        done = {"decline": _("Declined."), "withdraw": _("Withdrawn.")}
        return done.get(self.name) or _review.done(made, self.tenant)

    def draw(self, contract: Contract, amendment: Amendment, form: forms.Form, **more: Any) -> HttpResponse:
        """The confirmation."""
        title, back = shapes.title(contract, self.tenant), self.back(contract)
        confirm: dict[str, Any] = {
            "title": f"{LABELS[self.name]}?",
            "act": LABELS[self.name],
            "url": self.request.path,
            "cancel_url": back,
            "danger": self.name == "withdraw",
            "revision": amendment.revision,
            "names": _amendments.groups(amendment),
        }
        if self.name == "accept" and amendment.takes_effect_at and amendment.takes_effect_at > self.at:
            confirm["at"] = amendment.takes_effect_at
        page = {
            "title": LABELS[self.name],
            "breadcrumb": [*self.crumbs(), {"label": title, "url": back}],
        }
        context = {"page": page, "confirm": confirm, "form": form, **more}
        return self.render("applications/confirm.html", context)
