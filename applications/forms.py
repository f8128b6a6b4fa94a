"""Forms of the pages: shape only, every rule is the action's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from applications.models.applications import ID_PATTERN
from tenants.forms import TypedNameForm
from tenants.models import Tenant

Data = QueryDict | Mapping[str, Any] | None


class MomentField(forms.DateTimeField):
    """A moment in the active time zone, by the browser's own picker."""

    widget = forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    default_error_messages = {"invalid": _("Give a date and a time, like 2027-03-01 14:00.")}


class DetailsForm(forms.Form):
    """What people read of an application."""

    display_name = forms.CharField(
        label=_("Name"), max_length=120, help_text=_("What people see, in your organization and at partners.")
    )
    name = forms.CharField(
        label=_("Technical name"),
        max_length=120,
        help_text=_("Unique in your organization; services may look the application up by it."),
    )
    description = forms.CharField(
        label=_("Description"), max_length=1000, required=False, widget=forms.Textarea({"rows": 3})
    )
    home_url = forms.URLField(
        label=_("Address"),
        max_length=500,
        required=False,
        assume_scheme="https",
        help_text=_("Where people open it."),
    )


class RegisterForm(DetailsForm):
    """A new application."""

    application_id = forms.RegexField(
        ID_PATTERN,
        label=_("Application id"),
        max_length=64,
        required=False,
        help_text=_(
            "Its client id and its audience in tokens, for good. Leave it empty and one is made;"
            " a chosen one begins with the short name of your organization and a dot."
        ),
        error_messages={"invalid": _("Use 3 to 64 of a-z 0-9 . _ -.")},
    )


class EventsForm(forms.Form):
    """Which events to look for."""

    application = forms.CharField(
        label=_("Application"), max_length=64, required=False, help_text=_("Its id, exactly.")
    )
    subject = forms.CharField(
        label=_("About"),
        max_length=200,
        required=False,
        help_text=_("The id of a contract, an assignment, a partnership, exactly."),
    )
    since = MomentField(label=_("From"), required=False)
    until = MomentField(label=_("Until"), required=False)


class KindForm(forms.Form):
    """How a new application proves itself first. ``later``: it gets its credentials another day."""

    kind = forms.ChoiceField(
        label=_("What is it?"),
        widget=forms.RadioSelect,
        choices=[
            ("secret", _("A service with a secret: the quickest to begin with")),
            ("key", _("A service that signs with its own key: no secret travels")),
            ("certificate", _("A service that comes with a certificate (mutual TLS)")),
            ("issuer", _("A job in a cluster or pipeline that brings a token of that: nothing to store")),
            ("web", _("A web application with a server: people sign in, the server keeps a secret")),
            ("public", _("An application in browsers or on devices: people sign in, no secret (PKCE)")),
            ("later", _("Decide later: register it without credentials")),
        ],
        error_messages={"required": _("Choose one.")},
    )


class ShownForm(forms.Form):
    """Carries back what the confirmation showed, so that nobody confirms what he has not seen."""

    shown = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)


class SuspendForm(ShownForm):
    """Why an application is taken out of operation for a while."""

    reason = forms.CharField(
        label=_("Reason"), max_length=500, required=False, help_text=_("Kept in your organization's record.")
    )


class NameForm(TypedNameForm, ShownForm):
    """The object's name, typed, where an act cannot be undone; against the impact that was shown."""


class SecretForm(forms.Form):
    """A secret to make."""

    note = forms.CharField(
        label=_("Note"), max_length=200, required=False, help_text=_("Where it will be used.")
    )
    expires_at = MomentField(
        label=_("Expires"), required=False, help_text=_("Empty: it is valid until it is revoked.")
    )


class NoteForm(ShownForm):
    """What may be said with an act on a contract."""

    note = forms.CharField(
        label=_("Comment"), max_length=500, required=False, help_text=_("Both sides can read it.")
    )


class PauseForm(NoteForm):
    """A pause: from now, or from a date on; until a date, or until it is resumed."""

    when = MomentField(label=_("From"), required=False, help_text=_("Empty: at once."))
    until = MomentField(label=_("Until"), required=False, help_text=_("Empty: until you resume it."))
    field_order = ("when", "until", "note")


class EndForm(NoteForm):
    """An end: now, or at a date."""

    when = MomentField(label=_("Ends"), required=False, help_text=_("Empty: at once."))
    field_order = ("when", "note")


@dataclass(frozen=True, slots=True)
class Offered:
    """An application whose roles can be offered: (role key, name, description) each."""

    application_id: str
    name: str
    roles: Sequence[tuple[str, str, str]] = field(default_factory=tuple)


class PartnerStep(forms.Form):
    """With whom, and what kind of contract."""

    few = 100  # so many can be looked through in a list; of more, no others are read than were found

    find = forms.CharField(
        label=_("Find a partner"),
        required=False,
        max_length=200,
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    consumer = forms.ChoiceField(label=_("Partner"), help_text=_("Who shall use your applications."))
    type = forms.ChoiceField(label=_("Type"), widget=forms.RadioSelect)

    def __init__(
        self,
        data: Data = None,
        *,
        initial: Mapping[str, Any] | None = None,
        partners: QuerySet[Tenant],
        types: Sequence[tuple[str, Any]],
        find: str = "",
    ) -> None:
        super().__init__(data, initial={**(initial or {}), "find": find})
        offered = list(partners[: self.few + 1])
        self.has_partners = bool(offered)
        if len(offered) <= self.few:
            del self.fields["find"]
        else:
            said = _("A part of the name, then Find: the first %(few)d that match can be chosen below.")
            self.fields["find"].help_text = said % {"few": self.few}
            offered = list(partners.filter(name__icontains=find)[: self.few]) if find else offered[: self.few]
            chosen = partners.filter(pk__in=_ids(self["consumer"].value()))
            offered = [*(row for row in chosen if row not in offered), *offered]
        consumer: Any = self.fields["consumer"]
        consumer.choices = [("", _("Choose a partner")), *((str(row.pk), row.name) for row in offered)]
        self.fields["type"].choices = types  # type: ignore[attr-defined]

    def name(self) -> str:
        """Of the partner that was chosen, when the form is valid."""
        consumer: Any = self.fields["consumer"]
        return dict(consumer.choices).get(self.cleaned_data.get("consumer", ""), "")


def _ids(text: object) -> list[UUID]:
    """Of what was chosen: none, where it is no id at all."""
    try:
        return [UUID(str(text))]
    except ValueError:
        return []


class RolesStep(forms.Form):
    """Which roles of which applications; a value is ``<application id>/<role key>``."""

    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one role.")},
    )

    def __init__(
        self, data: Data = None, *, initial: Mapping[str, Any] | None = None, offered: Sequence[Offered]
    ) -> None:
        super().__init__(data, initial=dict(initial or {}))
        self.offered = offered
        self.fields["roles"].choices = [  # type: ignore[attr-defined]
            (f"{item.application_id}/{key}", name)
            for item in offered
            for key, name, _description in item.roles
        ]

    def groups(self) -> list[dict[str, Any]]:
        """The boxes, grouped by application."""
        boxes = list(self["roles"].subwidgets)
        groups, start = [], 0
        for item in self.offered:
            own = boxes[start : start + len(item.roles)]
            start += len(item.roles)
            rows = [{"box": box, "role": role} for box, role in zip(own, item.roles, strict=True)]
            groups.append({"name": item.name, "id": item.application_id, "rows": rows})
        return groups


class TermsStep(forms.Form):
    """When, and what else is agreed."""

    starts_at = MomentField(label=_("Starts"), required=False, help_text=_("Empty: when it is accepted."))
    ends_at = MomentField(label=_("Ends"), required=False, help_text=_("Empty: no end is agreed."))
    answer_by = MomentField(
        label=_("Answer by"), required=False, help_text=_("After this the proposal lapses. Empty: no limit.")
    )
    onward_access = forms.BooleanField(
        label=_("The partner may open these applications to others"),
        required=False,
        help_text=_("By access contracts of its own, on its own data. They fall with this contract."),
    )
    note = forms.CharField(
        label=_("Note"),
        max_length=1000,
        required=False,
        widget=forms.Textarea({"rows": 3}),
        help_text=_("Both sides can read it."),
    )

    def __init__(
        self, data: Data = None, *, initial: Mapping[str, Any] | None = None, provision: bool
    ) -> None:
        super().__init__(data, initial=dict(initial or {}))
        if not provision:
            del self.fields["onward_access"]

    def clean(self) -> dict[str, Any]:
        """Only what needs no clock; the action asks the rest."""
        cleaned: dict[str, Any] = super().clean() or {}
        starts: datetime | None = cleaned.get("starts_at")
        ends: datetime | None = cleaned.get("ends_at")
        if starts and ends and ends <= starts:
            self.add_error("ends_at", _("The end must lie after the start."))
        return cleaned
