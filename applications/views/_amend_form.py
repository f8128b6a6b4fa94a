"""The form of an amendment: boxes for the roles that go and come, dates, and what it asks for as a change."""

from datetime import datetime
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from applications.actions.changes import Change
from applications.forms import MomentField, ShownForm
from applications.models import Contract
from applications.policies import agreed_at
from applications.views._offers import offers
from iam_portal.errors import DomainError
from iam_portal.spans import FOREVER
from tenants.http.refusals import into_form
from tenants.models import Tenant

Choices = list[tuple[str, str]]
# Where the action's objections belong: the first part of the pointer → field.
PLACES = {
    "addRoles": "add",
    "removeRoles": "remove",
    "endsAt": "ends_at",
    "at": "when",
    "answerBy": "answer_by",
}


class AmendForm(ShownForm):
    """A value of a box is ``<application id>/<role key>``."""

    remove = forms.MultipleChoiceField(
        label=gettext_lazy("Remove roles"), required=False, widget=forms.CheckboxSelectMultiple
    )
    add = forms.MultipleChoiceField(
        label=gettext_lazy("Add roles"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("The other side has to accept them."),
    )
    when = MomentField(
        label=gettext_lazy("Roles change"), required=False, help_text=gettext_lazy("Empty: at once.")
    )
    ends_at = MomentField(
        label=gettext_lazy("New end"),
        required=False,
        help_text=gettext_lazy("Empty: the end stays. A later end has to be accepted by the other side."),
    )
    open_end = forms.BooleanField(label=gettext_lazy("No end any more"), required=False)
    answer_by = MomentField(
        label=gettext_lazy("Answer by"),
        required=False,
        help_text=gettext_lazy(
            "Where the other side has to accept: after this the proposal lapses. Empty: no limit."
        ),
    )
    note = forms.CharField(
        label=gettext_lazy("Comment"),
        max_length=500,
        required=False,
        help_text=gettext_lazy("Both sides can read it."),
    )

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        held: Choices,
        offered: Choices,
        has_end: bool,
    ) -> None:
        super().__init__(data)
        self._choose("remove", held)
        self._choose("add", offered)
        if not has_end:
            del self.fields["open_end"]

    def _choose(self, name: str, choices: Choices) -> None:
        if choices:
            self.fields[name].choices = choices  # type: ignore[attr-defined]
        else:
            del self.fields[name]

    def clean(self) -> dict[str, Any]:
        """Only what needs no clock; the action asks the rest."""
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("open_end") and cleaned.get("ends_at"):
            self.add_error("ends_at", _("Give a new end, or none any more."))
        return cleaned

    def change(self) -> Change:
        """What was filled in."""
        given = self.cleaned_data
        ends_at: datetime | None = given["ends_at"]
        return Change(
            add=[_pair(value) for value in given.get("add", ())],
            remove=[_pair(value) for value in given.get("remove", ())],
            moves_end=ends_at is not None or bool(given.get("open_end")),
            ends_at=ends_at,
            when=given["when"],
            answer_by=given["answer_by"],
        )

    def carried(self) -> list[tuple[str, str]]:
        """Everything typed, for the hidden fields of the step that shows what it causes."""
        data = cast(QueryDict, self.data)
        return [(name, value) for name in self.fields if name != "shown" for value in data.getlist(name)]


def form_of(contract: Contract, tenant: Tenant, at: datetime, data: QueryDict | None = None) -> AmendForm:
    """The form with the boxes that this side has.

    The consumer is offered more of the applications in the contract only: of the provider's others it may
    not even know.
    """
    held = {
        f"{term.role.application_id}/{term.role.key}": f"{term.role.application}: {term.role.name}"
        for term in agreed_at(contract.terms.all(), at)
        if term.role.during.upper is None
    }
    within = {term.role.application_id for term in contract.terms.all()}
    provides = tenant.id == contract.provider_id
    offered = [
        (f"{item.application_id}/{key}", f"{item.name}: {name}")
        for item in offers(contract.provider, contract.type, at).offered
        if provides or item.application_id in within
        for key, name, _description in item.roles
    ]
    staying = {
        f"{term.role.application_id}/{term.role.key}" for term in agreed_at(contract.terms.all(), FOREVER)
    }
    return AmendForm(
        data,
        held=sorted(held.items(), key=lambda item: item[1].lower()),
        offered=[choice for choice in offered if choice[0] not in staying],
        has_end=contract.ends_at is not None,
    )


def into_fields(form: AmendForm, refusal: DomainError | ValidationError) -> None:
    """Each objection of the action at its field."""
    if isinstance(refusal, DomainError):
        for error in refusal.errors:
            first = error["pointer"].strip("/").partition("/")[0]
            error["pointer"] = f"/{PLACES.get(first, '')}"
    into_form(form, refusal)


def _pair(value: str) -> tuple[str, str]:
    application_id, _slash, key = value.partition("/")
    return application_id, key
