"""Changing a draft, by the same steps that wrote it."""

from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext as _

from applications.actions import contracts
from applications.http import address
from applications.models import ContractState
from applications.policies import RESOURCES, either
from applications.views._wizard import Wizard, data_of, offer_of
from applications.views.drafting import WizardPage, drawn, refusals, refused, walked
from iam_portal.errors import DomainError, Kind, NotFound
from iam_portal.gate import Privilege
from tenants.views import record
from tenants.views.console import revision_in, revision_of


class DraftPage(WizardPage):
    """The steps over a draft; partner and type stay."""

    permission = either(Privilege.MODIFY)
    first = "roles"
    stale = False
    seen: int | None = None  # the revision that somebody saw who had to prove meanwhile who he is

    def load(self, contract_id: UUID) -> None:
        """The draft, if this organization wrote it and the person may change it."""
        self.draft = self.contract(contract_id)
        self.heading = _("Edit draft")
        if self.draft.state != ContractState.DRAFT or self.draft.provider_id != self.tenant.id:
            raise NotFound
        self.require(f"{RESOURCES[self.draft.type]}:modify")

    def types(self) -> list[str]:
        return [self.draft.type]

    def frame(self) -> dict[str, Any]:
        shown = None if self.stale else self.seen or revision_of(self.request)
        own = {"revision": shown or self.draft.revision, "fixed": True, "cancel_url": self.back()}
        return {**super().frame(), **own}

    def back(self) -> str:
        """The draft's page."""
        return address("contract-detail", self.slug, contract_id=self.draft.id)


class ContractEdit(DraftPage):
    """Replaces what the draft offers, against the revision that the first step showed."""

    def get(self, request: HttpRequest, contract_id: UUID) -> HttpResponse:
        self.load(contract_id)
        return drawn(self, self.wizard(data_of(self.draft)), self.first)

    def post(self, request: HttpRequest, contract_id: UUID) -> HttpResponse:
        self.load(contract_id)
        data = request.POST.copy()
        data["consumer"], data["type"] = str(self.draft.consumer_id), self.draft.type
        return walked(self, self.wizard(data))

    def with_typed(self, fields: QueryDict, *args: Any, **kwargs: Any) -> HttpResponse:
        self.load(kwargs["contract_id"])
        fields["consumer"], fields["type"] = str(self.draft.consumer_id), self.draft.type
        self.seen = revision_in(fields)
        return self.at_step(fields)

    def finish(self, wizard: Wizard, bound: dict[str, forms.Form]) -> HttpResponse:
        revision, errors = revision_of(self.request), refusals()
        propose = wizard.data.get("go") == "propose"
        which: dict[str, Any] = {"tenant": self.tenant, "contract_id": self.draft.id}
        which |= {"by": self.actor, "at": self.at}
        if propose:
            self.require(f"{RESOURCES[self.draft.type]}:execute")
        with self.attempt(errors) as outcome:
            contracts.edit(**which, offer=offer_of(bound)[1], revision=revision)
            if propose:
                contracts.propose(**which)
        if outcome:
            said = (
                _("Proposed. The partner can read and answer it now.")
                if propose
                else _("The draft is saved.")
            )
            return self.done(said, self.back())
        if isinstance(outcome.refusal, DomainError) and outcome.refusal.kind is Kind.STALE:
            self.stale = True
            return drawn(self, wizard, "summary", form=what_changed(self, revision or 0), status=412)
        return refused(self, wizard, bound, outcome, errors)


def what_changed(page: DraftPage, revision: int) -> forms.Form:
    """What others changed; saving again is then a decision, not an accident."""
    errors = refusals()
    said = _("The draft was changed meanwhile. Save once more to replace it by what stands here.")
    errors.add_error(None, said)
    rows = record.since(tenant=page.tenant, kind="contract", object_id=page.draft.id, revision=revision)
    for row in rows:
        errors.add_error(None, f"{row['actor']} {row['text']}.")
    return errors
