"""Accepting a contract, and giving its applications the roles that they require of others."""

from typing import Any, ClassVar

from django import forms
from django.http import HttpResponse

from applications.actions.requirements import Tick
from applications.models import Contract
from applications.signals import acceptance_shown
from applications.views.contract_acts import ContractAct, Found

BOX = "required"  # the name of the boxes; a value is ``<application>|<required application>|<role>``
PARTS = 3


class ContractAccept(ContractAct):
    """The confirmation with boxes; what is ticked is given in the same transaction, or nothing is done."""

    name: ClassVar[str] = "accept"
    recent = True

    def show(self, contract: Contract, form: forms.Form, impact: Found | None, **more: Any) -> HttpResponse:
        ticked = self.request.POST.getlist(BOX)
        panels = self.panels(acceptance_shown, contract=contract, ticked=ticked)
        return super().show(contract, form, impact, confirm_panels=panels, **more)

    def given(self, form: forms.Form) -> dict[str, Any]:
        return {**super().given(form), "required": [_tick(text) for text in self.request.POST.getlist(BOX)]}


def _tick(text: str) -> Tick:
    """A box that was sent; of another shape, it is none that any application requires."""
    parts = text.split("|")
    return Tick(*parts) if len(parts) == PARTS else Tick(text, "", "")
