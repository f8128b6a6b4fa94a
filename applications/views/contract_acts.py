"""The acts on a contract: first what they cause, then the act against the revision that was shown."""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from applications.actions import pauses, weighing
from applications.http import address
from applications.models import Contract
from applications.policies import either
from applications.views import _contract as shapes
from applications.views._acts import ACTS, Act, permission_for
from applications.views._causes import causes
from applications.views._standing import is_provider
from applications.views.contracts import ContractPage
from iam_portal.errors import DomainError, Kind, NotFound
from iam_portal.gate import Privilege
from tenants import impact as impacts
from tenants.impact import ImpactChanged, ImpactRequired, carry_out, foresee
from tenants.views import record
from tenants.views.console import revision_of

NARROWING = ("pause", "end")
Found = Mapping[str, Any]  # an impact in its wire form


class ActPage(ContractPage):
    """One act of ``ACTS`` on one contract."""

    permission = either(Privilege.EXECUTE)
    name: ClassVar[str] = ""

    @property
    def act(self) -> Act:
        """The act of this address."""
        return ACTS[self.name]

    def acted_on(self, contract_id: UUID) -> Contract:
        """The contract, if the act belongs to this side and the person may do it."""
        contract = self.contract(contract_id)
        side = "provider" if is_provider(contract, self.tenant) else "consumer"
        if self.act.side not in ("", side):
            raise NotFound
        self.require(permission_for(contract))
        return contract

    def weighed(self, contract: Contract, given: Mapping[str, Any]) -> impacts.Act:
        """The act as the impact knows it."""
        when, until = given.get("when"), given.get("until")
        who: dict[str, Any] = {"tenant": self.tenant, "at": self.at}
        return weighing.stopping(self.name, contract=contract, when=when, until=until, **who)

    def run(self, contract: Contract, given: Mapping[str, Any], revision: int | None = None) -> Contract:
        """Do it."""
        return self.act.run(
            tenant=self.tenant, contract_id=contract.id, by=self.actor, at=self.at, revision=revision, **given
        )

    def impact(self, contract: Contract, given: Mapping[str, Any] | None = None) -> Found | None:
        """What the act takes away; None for acts that give, and for what is refused anyway."""
        if self.name not in NARROWING:
            return None
        given = given or {}
        try:
            found = foresee(self.weighed(contract, given), lambda: self.run(contract, given))
        except DomainError:
            return None
        return found.as_json()

    def given(self, form: forms.Form) -> dict[str, Any]:
        """What the person said with the act."""
        return {name: form.cleaned_data[name] for name in form.fields if name != "shown"}

    def back(self, contract: Contract) -> str:
        """The contract's page."""
        return address("contract-detail", self.slug, contract_id=contract.id)


class ConfirmedActPage(ActPage):
    """Its confirmation, and what is shown instead when somebody else was faster."""

    def show(self, contract: Contract, form: forms.Form, impact: Found | None, **more: Any) -> HttpResponse:
        """The confirmation. ``when``: whose effect is shown; ``differs``, ``changes``: see the template."""
        title, back = shapes.title(contract, self.tenant), self.back(contract)
        crumbs = [*self.crumbs(), {"label": title, "url": back}]
        confirm = {
            **causes(self.name, contract, title=title, impact=impact, page=self),
            "act": self.act.label,
            "url": self.request.path,
            "cancel_url": back,
            "danger": self.act.danger,
            "revision": contract.revision,
        }
        if when := more.pop("when", None):
            confirm["at"] = when
        context = {"page": {"title": self.act.label, "breadcrumb": crumbs}, "confirm": confirm, "form": form}
        context |= more
        return self.render("applications/contract_act.html", context, 412 if "changes" in more else 200)

    def again(self, impact: Found | None) -> forms.Form:
        """The form as it was sent, now beside what stands on the page."""
        data = self.request.POST.copy()
        data["shown"] = _revision(impact)
        return self.act.form(data)

    def changed_meanwhile(self, contract: Contract, revision: int) -> HttpResponse:
        """Show what others did since; the second of two clicks finds its own act done."""
        changes = record.since(tenant=self.tenant, kind="contract", object_id=contract.id, revision=revision)
        done = [row for row in changes if row["actor_id"] == self.actor.id]
        if len(changes) == len(done) == 1 and done[0]["action"] in self.act.past:
            return HttpResponseRedirect(self.back(contract))
        if late := too_late(self, contract, changes):
            return late
        impact = self.impact(contract)
        return self.show(contract, self.again(impact), impact, changes=changes)


class ContractAct(ConfirmedActPage):
    """The confirmation with what the act causes, and the act."""

    def get(self, request: HttpRequest, contract_id: UUID) -> HttpResponse:
        contract = self.acted_on(contract_id)
        if late := too_late(self, contract):
            return late
        impact = self.impact(contract)
        return self.show(contract, self.act.form(initial={"shown": _revision(impact)}), impact)

    def post(self, request: HttpRequest, contract_id: UUID) -> HttpResponse:
        contract = self.acted_on(contract_id)
        revision, form = revision_of(request), self.act.form(request.POST)
        if revision is not None and revision != contract.revision:
            return self.changed_meanwhile(contract, revision)
        if not self.act.fits(contract, self) or not form.is_valid():
            return too_late(self, contract) or self.show(contract, form, self.impact(contract))
        return self._run(contract, form, self.given(form), revision)

    def _run(
        self, contract: Contract, form: forms.Form, given: dict[str, Any], revision: int | None
    ) -> HttpResponse:
        when = given.get("when")
        with self.attempt(form) as outcome:
            carry_out(
                self.weighed(contract, given),
                lambda: self.run(contract, given, revision),
                expected=form.cleaned_data["shown"] or None,
                required=self.name in NARROWING,
            )
        if outcome:
            return self.done(str(self.act.done), self.back(contract))
        if isinstance(outcome.refusal, ImpactChanged | ImpactRequired):
            impact = outcome.refusal.data["impact"]
            return self.show(contract, self.again(impact), impact, when=when, differs=True)
        if revision and isinstance(outcome.refusal, DomainError) and outcome.refusal.kind is Kind.STALE:
            return self.changed_meanwhile(self.acted_on(contract.id), revision)
        return self.show(contract, form, self.impact(contract), when=when)


class CancelPause(ContractPage):
    """Take a planned pause back."""

    permission = either(Privilege.EXECUTE)

    def get(self, request: HttpRequest, contract_id: UUID, pause_id: int) -> HttpResponse:
        contract = self._pausing(contract_id, pause_id)
        confirm = {
            "title": _("Cancel the planned pause?"),
            "nothing": _("The contract will not be paused at that time. Nobody loses anything."),
            "act": _("Cancel pause"),
            "url": request.path,
            "cancel_url": self._back(contract),
        }
        crumbs = [{"label": shapes.title(contract, self.tenant), "url": self._back(contract)}]
        page = {"title": _("Cancel pause"), "breadcrumb": crumbs}
        return self.render("iam_portal/confirm.html", {"page": page, "confirm": confirm})

    def post(self, request: HttpRequest, contract_id: UUID, pause_id: int) -> HttpResponse:
        contract = self._pausing(contract_id, pause_id)
        with self.attempt() as outcome:
            pauses.cancel(
                tenant=self.tenant, contract_id=contract.id, pause_id=pause_id, by=self.actor, at=self.at
            )
        if outcome:
            messages.success(request, _("The planned pause is cancelled."))
        return HttpResponseRedirect(self._back(contract))

    def _pausing(self, contract_id: UUID, pause_id: int) -> Contract:
        contract = self.contract(contract_id)
        self.require(permission_for(contract))
        planned = {pause.id for pause in contract.pauses.all() if pause.during.lower > self.at}
        if pause_id not in planned or not is_provider(contract, self.tenant):
            raise NotFound
        return contract

    def _back(self, contract: Contract) -> str:
        return address("contract-detail", self.slug, contract_id=contract.id)


def too_late(
    page: ActPage, contract: Contract, changes: list[dict[str, Any]] | None = None
) -> HttpResponse | None:
    """Where the act does not fit the contract's state any more: back to it, with what happened."""
    if page.act.fits(contract, page):
        return None
    said = _("This cannot be done in the contract's present state. Nothing was changed by you.")
    for row in (changes or [])[:1]:
        said += f" {row['actor']} {row['text']}."
    messages.warning(page.request, said)
    return HttpResponseRedirect(page.back(contract))


def _revision(impact: Found | None) -> str:
    return str(impact["revision"]) if impact else ""
