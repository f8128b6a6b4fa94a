"""Writing a contract step by step."""

from abc import abstractmethod
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext as _

from applications.actions import contracts
from applications.actions.drafts import Offer
from applications.http import SAME_CLICK, address, take_turns
from applications.models import Contract, ContractState, ContractType
from applications.policies import RESOURCES, either
from applications.views._reasons import first_sentence
from applications.views._summary import summary
from applications.views._wizard import STEPS, Wizard, neighbour, offer_of, placed
from applications.views.contracts import ContractPage
from iam_portal.errors import Forbidden
from iam_portal.gate import Privilege
from tenants.actions.partners import partners_of
from tenants.http.refusals import Outcome
from tenants.models import Tenant


class WizardPage(ContractPage):
    """The steps, forwards and back; the summary saves."""

    permission = either(Privilege.ADD)
    heading: str
    first = "partner"

    def types(self) -> list[str]:
        """The types of contract that the person may write."""
        decisions = {kind: self.can(f"{RESOURCES[kind]}:add") for kind in ContractType.values}
        allowed = [kind for kind, decision in decisions.items() if decision]
        if not allowed:
            reasons = tuple(reason for decision in decisions.values() for reason in decision.reasons)
            raise Forbidden(_("This needs a role for contracts."), reasons=reasons)
        return allowed

    def wizard(self, data: QueryDict) -> Wizard:
        return Wizard(self, data, partners_of(self.tenant), self.types())

    def frame(self) -> dict[str, Any]:
        return {
            "page": {
                "title": self.heading,
                "breadcrumb": self.crumbs(),
            },
            "cancel_url": address("contract-list", self.slug),
            "to_partners": {"label": _("To the partners"), "url": self.url("tenants:partner-list")},
        }

    def at_step(self, data: QueryDict) -> HttpResponse:
        """The step that was sent, with everything that was typed, neither checked nor saved."""
        step = data.get("step", "")
        return drawn(self, self.wizard(data), step if step in STEPS else self.first)

    @abstractmethod
    def finish(self, wizard: Wizard, bound: dict[str, forms.Form]) -> HttpResponse:
        """Save what the summary showed."""


def drawn(
    page: WizardPage, wizard: Wizard, step: str, *, form: Any = None, status: int = 200
) -> HttpResponse:
    """One step; the summary shows all of them."""
    if form is None and step != "summary":
        form = wizard.form(step)
    context: dict[str, Any] = {
        "step": step,
        "trail": wizard.trail(step),
        "hidden": wizard.hidden(step),
        "partners": step != "partner" or form.has_partners,
        "back": step != page.first,
        "form": form,
        **page.frame(),
    }
    if step == "summary":
        context |= summary(wizard)
    if step == "roles":
        context["refused"] = [
            {"name": name, "text": first_sentence(decision)} for name, decision in wizard.offers.refused
        ]
    return page.render("applications/contract_wizard.html", context, status=status)


def walked(page: WizardPage, wizard: Wizard) -> HttpResponse:
    """Where the pressed button leads; only forwards is checked."""
    go, here = wizard.data.get("go", "next"), wizard.data.get("step", "")
    here = here if here in STEPS else page.first
    if go == "back":
        return drawn(page, wizard, page.first if here == page.first else neighbour(here, -1))
    if go.startswith("to-") and go[3:] in STEPS:
        return drawn(page, wizard, go[3:])
    following = neighbour(here, 1)
    if here != "summary":
        form = wizard.form(here, bound=True)
        if not form.is_valid():
            return drawn(page, wizard, here, form=form)
    if following != "summary":
        return drawn(page, wizard, following)
    wrong, bound = wizard.checked()
    if wrong is not None:
        return drawn(page, wizard, wrong, form=bound[wrong])
    return page.finish(wizard, bound) if here == "summary" else drawn(page, wizard, "summary")


def refused(
    page: WizardPage, wizard: Wizard, bound: dict[str, forms.Form], outcome: Outcome, errors: forms.Form
) -> HttpResponse:
    """The step that the objections belong to, or the summary with all of them."""
    step = placed(outcome.refusal, bound)
    return drawn(page, wizard, step or "summary", form=bound[step] if step else errors)


def refusals() -> forms.Form:
    """A form without fields, to collect what the action objects to."""
    form = forms.Form({})
    form.is_valid()
    return form


class ContractNew(WizardPage):
    """A new contract. Partner, type and roles can stand in the address."""

    recent = True

    def get(self, request: HttpRequest) -> HttpResponse:
        self.heading = _("New contract")
        return drawn(self, self.wizard(request.GET.copy()), self.first)

    def post(self, request: HttpRequest) -> HttpResponse:
        self.heading = _("New contract")
        return walked(self, self.wizard(request.POST.copy()))

    def with_typed(self, fields: QueryDict, *args: Any, **kwargs: Any) -> HttpResponse:
        self.heading = _("New contract")
        return self.at_step(fields)

    def finish(self, wizard: Wizard, bound: dict[str, forms.Form]) -> HttpResponse:
        consumer_id, offer = offer_of(bound)
        propose = wizard.data.get("go") == "propose"
        if propose:
            self.require(f"{RESOURCES[offer.type]}:execute")
        take_turns(f"contract:{self.tenant.id}:{self.actor.id}")
        errors = refusals()
        with self.attempt(errors) as outcome:
            contract = _same(self.tenant, consumer_id, offer, self.at) or contracts.draft(
                provider=self.tenant, consumer_id=consumer_id, offer=offer, by=self.actor, at=self.at
            )
            if propose and contract.state == ContractState.DRAFT:
                contracts.propose(tenant=self.tenant, contract_id=contract.id, by=self.actor, at=self.at)
        if not outcome:
            return refused(self, wizard, bound, outcome, errors)
        said = _("Proposed. The partner can read and answer it now.") if propose else _("The draft is saved.")
        return self.done(said, address("contract-detail", self.slug, contract_id=contract.id))


def _same(tenant: Tenant, consumer_id: UUID, offer: Offer, at: datetime) -> Contract | None:
    """The contract that the same form made a moment ago: one click, sent twice."""
    rows = Contract.objects.filter(
        provider=tenant,
        consumer_id=consumer_id,
        type=offer.type,
        note=offer.note,
        starts_at=offer.starts_at,
        ends_at=offer.ends_at,
        answer_by=offer.answer_by,
        onward_access=offer.onward_access,
        state__in=[ContractState.DRAFT, ContractState.PROPOSED],
        created_at__gt=at - SAME_CLICK,
    )
    for row in rows.prefetch_related("terms__role"):
        if {(term.role.application_id, term.role.key) for term in row.terms.all()} == set(offer.roles):
            return row
    return None
