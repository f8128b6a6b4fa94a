"""The acts on a contract: who may do them when, and what they ask."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from applications.actions import contracts, pauses
from applications.forms import EndForm, NoteForm, PauseForm
from applications.http import address
from applications.models import Contract
from applications.policies import RESOURCES
from applications.views._standing import is_provider, standing
from iam_portal.decision import Decision
from tenants.views.console import ConsolePage


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act: its words, its side (``""``: either) and the states in which it can be done."""

    name: str
    label: str | Promise
    icon: str
    side: str
    states: tuple[str, ...]
    run: Callable[..., Contract]
    past: tuple[str, ...]  # the actions of its history rows
    done: str | Promise
    form: type[forms.Form] = NoteForm
    primary: bool = False
    danger: bool = False

    def fits(self, contract: Contract, page: ConsolePage) -> bool:
        """Whether the tenant's side can do it in the contract's present state."""
        side = "provider" if is_provider(contract, page.tenant) else "consumer"
        return self.side in ("", side) and standing(contract, page.at) in self.states


_ALL = [
    Act(
        name="propose",
        label=_("Propose contract"),
        icon="mail",
        side="provider",
        states=("draft",),
        run=contracts.propose,
        past=("contract.proposed",),
        done=_("Proposed. The partner can read and answer it now."),
        primary=True,
    ),
    Act(
        name="accept",
        label=_("Accept contract"),
        icon="check",
        side="consumer",
        states=("proposed",),
        run=contracts.accept,
        past=("contract.accepted",),
        done=_("Accepted. From its start on your organization holds the roles."),
        primary=True,
    ),
    Act(
        name="resume",
        label=_("Resume contract"),
        icon="play",
        side="provider",
        states=("paused",),
        run=pauses.resume,
        past=("contract.resumed",),
        done=_("Resumed."),
        primary=True,
    ),
    Act(
        name="pause",
        label=_("Pause contract"),
        icon="pause",
        side="provider",
        states=("in_force", "scheduled"),
        run=pauses.pause,
        past=("contract.paused", "contract.pause_planned"),
        done=_("The pause is set."),
        form=PauseForm,
        danger=True,
    ),
    Act(
        name="decline",
        label=_("Decline contract"),
        icon="x",
        side="consumer",
        states=("proposed",),
        run=contracts.decline,
        past=("contract.declined",),
        done=_("Declined."),
    ),
    Act(
        name="withdraw",
        label=_("Withdraw contract"),
        icon="x",
        side="provider",
        states=("draft", "proposed", "lapsed"),
        run=contracts.withdraw,
        past=("contract.withdrawn",),
        done=_("Withdrawn."),
        danger=True,
    ),
    Act(
        name="end",
        label=_("End contract"),
        icon="stop",
        side="",
        states=("scheduled", "in_force", "paused"),
        run=contracts.end,
        past=("contract.ended", "contract.end_planned"),
        done=_("The end is set."),
        form=EndForm,
        danger=True,
    ),
]
AMENDABLE = ("scheduled", "in_force", "paused")
ACTS = {act.name: act for act in _ALL}


def permission_for(contract: Contract) -> str:
    """What every act on the contract needs."""
    return f"{RESOURCES[contract.type]}:execute"


def menu(page: ConsolePage, contract: Contract) -> dict[str, Any]:
    """``primary`` and ``more`` of the contract's page: the acts of this side in this state."""
    decision = page.can(permission_for(contract))
    fitting = [act for act in ACTS.values() if act.fits(contract, page)]
    primary = [act for act in fitting if act.primary]
    more = [_item(page, contract, act) for act in fitting if not act.primary] if decision else []
    if standing(contract, page.at) == "draft" and page.can(f"{RESOURCES[contract.type]}:modify"):
        url = address("contract-edit", page.slug, contract_id=contract.id)
        more.insert(0, {"label": _("Edit draft"), "url": url, "icon": "edit"})
    if decision and standing(contract, page.at) in AMENDABLE:
        url = address("contract-amend", page.slug, contract_id=contract.id)
        more.insert(0, {"label": _("Amend contract"), "url": url, "icon": "edit"})
    if primary:
        return {"primary": {**_item(page, contract, primary[0]), "decision": decision}, "more": more}
    return {"more": more} if more else _refused(fitting, decision)


def _item(page: ConsolePage, contract: Contract, act: Act) -> dict[str, Any]:
    url = address(f"contract-{act.name}", page.slug, contract_id=contract.id)
    return {"label": act.label, "url": url, "icon": act.icon, "danger": act.danger, "dialog": True}


def _refused(fitting: list[Act], decision: Decision) -> dict[str, Any]:
    """There would be something to do: one button that says what is missing."""
    if not fitting or decision:
        return {}
    return {"primary": {"label": fitting[0].label, "icon": fitting[0].icon, "decision": decision}}
