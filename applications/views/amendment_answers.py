"""The answers to an open amendment: what it would change, then the act against what was shown."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from applications.actions import amendment_answers as answers
from applications.actions import open_amendments, weighing
from applications.forms import NoteForm
from applications.models import Amendment, AmendmentState, Contract
from applications.policies import amendments_of
from applications.views import _amendments, _review
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


class AnswerPage(AmendPage):
    """About one amendment: whose act it is, the act, and its confirmation."""

    name: ClassVar[str] = ""

    def asked(self, contract_id: UUID, amendment_id: UUID) -> tuple[Contract, Amendment]:
        """Contract and amendment, if the act belongs to this side."""
        contract = self.amended(contract_id)
        amendment = amendments_of(contract).filter(id=amendment_id).first()
        if amendment is None:
            raise NotFound
        amendment.contract = contract  # with its terms
        mine = amendment.proposed_by_tenant_id == self.tenant.id
        if mine != (self.name == "withdraw"):
            raise NotFound
        return contract, amendment

    def act(self, amendment: Amendment, note: str, revision: int | None) -> Amendment:
        """The one action."""
        ids = {"contract_id": amendment.contract_id, "amendment_id": amendment.id}
        act = ACTS[self.name]
        return act(tenant=self.tenant, by=self.actor, at=self.at, note=note, revision=revision, **ids)

    def draw(self, amendment: Amendment, form: forms.Form, **more: Any) -> HttpResponse:
        """The confirmation."""
        taken = more.pop("taken", {})
        confirm: dict[str, Any] = {
            "title": f"{LABELS[self.name]}?",
            "act": LABELS[self.name],
            "url": self.request.path,
            "cancel_url": self.back(amendment.contract),
            "danger": self.name == "withdraw",
            "revision": amendment.revision,
            "names": [*_amendments.groups(amendment), *taken.get("names", ())],
            "counts": taken.get("counts", ()),
        }
        if self.name == "accept" and amendment.takes_effect_at and amendment.takes_effect_at > self.at:
            confirm["at"] = amendment.takes_effect_at
        page = {"title": LABELS[self.name], "breadcrumb": self.way(amendment.contract)}
        context = {"page": page, "confirm": confirm, "form": form, **more}
        return self.render("applications/confirm.html", context)


class AmendmentAnswer(AnswerPage):
    """accept, decline: of the other side; withdraw: of the proposer."""

    def get(self, request: HttpRequest, contract_id: UUID, amendment_id: UUID) -> HttpResponse:
        contract, amendment = self.asked(contract_id, amendment_id)
        if not waits(amendment, self.at):
            return self.too_late(contract)
        if self.name != "accept":
            return self.draw(amendment, NoteForm())
        return weighed(self, amendment, lambda shown: NoteForm(initial={"shown": shown}))

    def post(self, request: HttpRequest, contract_id: UUID, amendment_id: UUID) -> HttpResponse:
        contract, amendment = self.asked(contract_id, amendment_id)
        form, revision = NoteForm(request.POST), revision_of(request)
        if not waits(amendment, self.at) or revision not in (None, amendment.revision):
            return self.too_late(contract)
        if not form.is_valid():
            return self.draw(amendment, form)
        said, shown = form.cleaned_data["note"], form.cleaned_data["shown"] or None
        with self.attempt() as outcome:
            made = impact.carry_out(
                narrowing(self, amendment),
                lambda: self.act(amendment, said, revision),
                expected=shown,
                required=False,
            )
        if outcome:
            return self.done(_review.done(made, self.tenant), self.back(contract))
        if isinstance(outcome.refusal, impact.ImpactChanged):
            again = request.POST.dict()
            return weighed(self, amendment, lambda shown: NoteForm({**again, "shown": shown}), differs=True)
        return HttpResponseRedirect(self.back(contract))


def waits(amendment: Amendment, at: datetime) -> bool:
    """Whether it can be answered still."""
    return open_amendments.state(amendment, at) == AmendmentState.PROPOSED


def narrowing(page: AnswerPage, amendment: Amendment) -> impact.Act:
    """The act as the impact knows it: accepting can take away, too."""
    contract = amendment.contract
    return weighing.accepting(tenant=page.tenant, contract=contract, amendment=amendment, at=page.at)


def weighed(
    page: AnswerPage, amendment: Amendment, form: Callable[[str], forms.Form], **more: Any
) -> HttpResponse:
    """The confirmation with what it takes away, or back to the contract where it cannot be done."""
    try:
        seen = impact.foresee(narrowing(page, amendment), lambda: page.act(amendment, "", None))
    except DomainError as refusal:
        for sentence in sentences(refusal):
            messages.error(page.request, sentence)
        return HttpResponseRedirect(page.back(amendment.contract))
    taken = _review.taken(seen, amendment.contract, page)
    return page.draw(amendment, form(seen.revision), taken=taken, **more)
