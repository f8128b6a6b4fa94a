"""The acts on a contract: first what they cause, then the act against the revision that was shown."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from applications import impact
from applications.actions import pauses
from applications.http import address
from applications.models import Contract, ContractPause
from applications.views import _contract as shapes
from applications.views import _history, _losses
from applications.views._acts import ACTS, Act, permission_for
from applications.views._causes import causes
from applications.views._standing import is_provider
from applications.views.contracts import ContractPage
from iam_portal.errors import DomainError, Kind, NotFound
from tenants.views.console import revision_of


class ContractAct(ContractPage):
    """A confirmation with what the act causes, and the act. One class for every act of ``ACTS``."""

    name: ClassVar[str] = ""

    def get(self, request: HttpRequest, contract_id: UUID) -> HttpResponse:
        contract = self._contract(contract_id)
        if not self.act.fits(contract, self):
            return self._too_late(contract)
        losses = self._losses(contract, None, None)
        form = self.act.form(initial={"shown": _losses.digest(losses, None)})
        return self._show(contract, form, losses)

    def post(self, request: HttpRequest, contract_id: UUID) -> HttpResponse:
        contract = self._contract(contract_id)
        revision = revision_of(request)
        if revision is not None and revision != contract.revision:
            return self._changed_meanwhile(contract, revision)
        if not self.act.fits(contract, self):
            return self._too_late(contract)
        form = self.act.form(request.POST)
        if not form.is_valid():
            return self._show(contract, form, self._losses(contract, None, None))
        when, until = form.cleaned_data.get("when"), form.cleaned_data.get("until")
        losses = self._losses(contract, when, until)
        if form.cleaned_data["shown"] != _losses.digest(losses, when):
            return self._show(contract, self._again(losses, when), losses, when=when, differs=True)
        with self.attempt(form) as outcome:
            self._run(contract, form, revision)
        if outcome:
            return self.done(str(self.act.done), self._back(contract))
        if isinstance(outcome.refusal, DomainError) and outcome.refusal.kind is Kind.STALE:
            return self._changed_meanwhile(self._contract(contract_id), contract.revision)
        return self._show(contract, form, losses, when=when)

    @property
    def act(self) -> Act:
        return ACTS[self.name]

    def _contract(self, contract_id: UUID) -> Contract:
        contract = self.contract(contract_id)
        side = "provider" if is_provider(contract, self.tenant) else "consumer"
        if self.act.side not in ("", side):
            raise NotFound
        self.require(permission_for(contract))
        return contract

    def _run(self, contract: Contract, form: forms.Form, revision: int | None) -> None:
        planned = {name: form.cleaned_data[name] for name in ("when", "until") if name in form.fields}
        self.act.run(
            tenant=self.tenant,
            contract_id=contract.id,
            by=self.actor,
            at=self.at,
            note=form.cleaned_data["note"],
            revision=revision,
            **planned,
        )

    def _losses(self, contract: Contract, when: datetime | None, until: datetime | None) -> list[impact.Loss]:
        moment = max(when or self.at, self.at)
        if self.name == "pause":
            return impact.of_pause(contract, when=moment, until=until)
        return impact.of_end(contract, when=moment) if self.name == "end" else []

    def _again(self, losses: list[impact.Loss], when: datetime | None) -> forms.Form:
        data = self.request.POST.copy()
        data["shown"] = _losses.digest(losses, when)
        return self.act.form(data)

    def _show(
        self,
        contract: Contract,
        form: forms.Form,
        losses: list[impact.Loss],
        *,
        when: datetime | None = None,
        differs: bool = False,
        changes: list[dict[str, Any]] | None = None,
    ) -> HttpResponse:
        title = shapes.title(contract, self.tenant)
        page = {
            "title": self.act.label,
            "breadcrumb": [
                {"label": _("Contracts"), "url": address("contract-list", self.slug)},
                {"label": title, "url": self._back(contract)},
            ],
        }
        confirm = {
            **causes(self.name, contract, title, losses, self.slug, self.at),
            "act": self.act.label,
            "url": self.request.path,
            "cancel_url": self._back(contract),
            "danger": self.act.danger,
            "revision": contract.revision,
        }
        if when:
            confirm["at"] = when
        context = {"page": page, "confirm": confirm, "form": form, "differs": differs, "changes": changes}
        return self.render("applications/contract_act.html", context, status=409 if changes else 200)

    def _changed_meanwhile(self, contract: Contract, revision: int) -> HttpResponse:
        """Show what others did since; a second click on the same button finds its own act."""
        changes = _history.since_revision(self.tenant, contract.id, revision)
        mine = [row for row in changes if row["actor_id"] == self.actor.id]
        if len(changes) == len(mine) == 1 and mine[0]["action"] == f"contract.{self.act.past}":
            return HttpResponseRedirect(self._back(contract))
        if not self.act.fits(contract, self):
            return self._too_late(contract, changes)
        losses = self._losses(contract, None, None)
        return self._show(contract, self._again(losses, None), losses, changes=changes or [{}])

    def _too_late(self, contract: Contract, changes: list[dict[str, Any]] | None = None) -> HttpResponse:
        """The act does not fit any more: back to the contract, with what happened."""
        said = _("This cannot be done in the contract's present state. Nothing was changed by you.")
        for row in (changes or [])[:1]:
            said += f" {row['actor']} {row['text']}."
        messages.warning(self.request, said)
        return HttpResponseRedirect(self._back(contract))

    def _back(self, contract: Contract) -> str:
        return address("contract-detail", self.slug, contract_id=contract.id)


class CancelPause(ContractPage):
    """Take a planned pause back."""

    def get(self, request: HttpRequest, contract_id: UUID, pause_id: int) -> HttpResponse:
        contract, pause = self._pause(contract_id, pause_id)
        back = address("contract-detail", self.slug, contract_id=contract.id)
        title = shapes.title(contract, self.tenant)
        confirm = {
            "title": _("Cancel the planned pause?"),
            "nothing": _("The contract will not be paused at that time. Nobody loses anything."),
            "act": _("Cancel pause"),
            "url": request.path,
            "cancel_url": back,
        }
        crumbs = [{"label": title, "url": back}]
        page = {"title": _("Cancel pause"), "breadcrumb": crumbs}
        return self.render("iam_portal/confirm.html", {"page": page, "confirm": confirm})

    def post(self, request: HttpRequest, contract_id: UUID, pause_id: int) -> HttpResponse:
        contract, pause = self._pause(contract_id, pause_id)
        with self.attempt() as outcome:
            pauses.cancel(
                tenant=self.tenant, contract_id=contract.id, pause_id=pause.id, by=self.actor, at=self.at
            )
        back = address("contract-detail", self.slug, contract_id=contract.id)
        return (
            self.done(_("The planned pause is cancelled."), back) if outcome else HttpResponseRedirect(back)
        )

    def _pause(self, contract_id: UUID, pause_id: int) -> tuple[Contract, ContractPause]:
        contract = self.contract(contract_id)
        self.require(permission_for(contract))
        planned = (pause for pause in contract.pauses.all() if pause.id == pause_id)
        pause = next(planned, None)
        if pause is None or pause.during.lower <= self.at or not is_provider(contract, self.tenant):
            raise NotFound
        return contract, pause
