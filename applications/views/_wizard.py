"""The steps of writing a contract. Everything typed travels in the form itself, so that nothing is lost."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from applications.actions.drafts import Offer
from applications.forms import PartnerStep, RolesStep, TermsStep
from applications.models import Contract
from applications.views._offers import Offers, offers
from iam_portal.errors import DomainError
from tenants.models import Tenant
from tenants.views.console import ConsolePage

STEPS: dict[str, str | Promise] = {
    "partner": _("Partner"),
    "roles": _("Roles"),
    "terms": _("Terms"),
    "summary": _("Summary"),
}
FIELDS = {
    "partner": ("consumer", "type"),
    "roles": ("roles",),
    "terms": ("starts_at", "ends_at", "answer_by", "onward_access", "note"),
}
CARRIED = [name for names in FIELDS.values() for name in names]
TYPES = {
    "provision": _("Provision: the partner runs it for itself, with data of its own"),
    "access": _("Access: the partner works on your data, in your name"),
}


@dataclass
class Wizard:
    """What was typed so far, and the forms over it. ``types`` are those that the person may draft."""

    page: ConsolePage
    data: QueryDict
    partners: QuerySet[Tenant]
    types: Sequence[str]

    @property
    def type(self) -> str:
        """The chosen type, or the first that may be chosen."""
        chosen = self.data.get("type", "")
        return chosen if chosen in self.types else self.types[0]

    @cached_property
    def offers(self) -> Offers:
        """What can be offered by a contract of the chosen type."""
        return offers(self.page.tenant, self.type, self.page.at)

    def form(self, step: str, *, bound: bool = False) -> Any:
        """The form of a step: checked when ``bound``, else only filled with what was typed before."""
        data = self.data if bound else None
        initial = None if bound else self._initial(step)
        if step == "partner":
            types = [(name, TYPES[name]) for name in self.types]
            find = self.data.get("find", "").replace("\0", "")[:200]
            return PartnerStep(data, initial=initial, partners=self.partners, types=types, find=find)
        if step == "roles":
            return RolesStep(data, initial=initial, offered=self.offers.offered)
        return TermsStep(data, initial=initial, provision=self.type == "provision")

    def checked(self) -> tuple[str | None, dict[str, forms.Form]]:
        """Every form bound, and the first step with an error."""
        bound = {step: self.form(step, bound=True) for step in FIELDS}
        wrong = next((step for step, form in bound.items() if not form.is_valid()), None)
        return wrong, bound

    def hidden(self, step: str) -> list[tuple[str, str]]:
        """The input of all other steps, to be carried along."""
        others = [name for name in CARRIED if name not in FIELDS.get(step, ())]
        return [(name, value) for name in others for value in self.data.getlist(name)]

    def trail(self, step: str) -> list[dict[str, Any]]:
        """The steps as the page shows them."""
        names = list(STEPS)
        here = names.index(step)
        return [
            {"label": label, "current": name == step, "done": names.index(name) < here}
            for name, label in STEPS.items()
        ]

    def _initial(self, step: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in FIELDS[step]:
            values = self.data.getlist(name)
            if values:
                found[name] = values if name == "roles" else values[-1]
        return found


# Where the action's objections belong: pointer → (step, field).
PLACES = {
    "consumerTenantId": ("partner", "consumer"),
    "roles": ("roles", "roles"),
    "startsAt": ("terms", "starts_at"),
    "endsAt": ("terms", "ends_at"),
    "answerBy": ("terms", "answer_by"),
}


def placed(refusal: object, bound: dict[str, forms.Form]) -> str | None:
    """Put each objection at its field; the first step that has one, None when some belong to no field."""
    errors = refusal.errors if isinstance(refusal, DomainError) else []
    places = [PLACES.get(error["pointer"].strip("/").split("/")[0]) for error in errors]
    if not errors or None in places:
        return None
    for place, error in zip(places, errors, strict=True):
        if place is not None:
            bound[place[0]].add_error(place[1], error["detail"])
    return next(step for step in FIELDS if any(place and place[0] == step for place in places))


def neighbour(step: str, distance: int) -> str:
    """The step before or after; the ends stay."""
    names = list(STEPS)
    return names[min(max(names.index(step) + distance, 0), len(names) - 1)]


def offer_of(bound: dict[str, forms.Form]) -> tuple[UUID, Offer]:
    """The partner's id and the offer, out of valid forms."""
    terms = bound["terms"].cleaned_data
    roles = [tuple(value.split("/", 1)) for value in bound["roles"].cleaned_data["roles"]]
    offer = Offer(
        type=bound["partner"].cleaned_data["type"],
        roles=[(application_id, key) for application_id, key in roles],
        starts_at=terms["starts_at"],
        ends_at=terms["ends_at"],
        answer_by=terms["answer_by"],
        onward_access=terms.get("onward_access", False),
        note=terms["note"],
    )
    return UUID(bound["partner"].cleaned_data["consumer"]), offer


def data_of(contract: Contract) -> QueryDict:
    """A draft as if it had been typed."""
    data = QueryDict(mutable=True)
    data["consumer"], data["type"] = str(contract.consumer_id), contract.type
    keys = sorted(f"{term.role.application_id}/{term.role.key}" for term in contract.terms.all())
    data.setlist("roles", list(keys))
    for name in ("starts_at", "ends_at", "answer_by"):
        moment = getattr(contract, name)
        if moment:
            data[name] = timezone.localtime(moment).strftime("%Y-%m-%dT%H:%M")
    if contract.onward_access:
        data["onward_access"] = "on"
    data["note"] = contract.note
    return data
