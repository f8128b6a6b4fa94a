"""What several forms are made of."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.db.models import Model
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

MINUTE = timedelta(minutes=1)


def moment_input() -> forms.DateTimeInput:
    """A day and a time in the page's zone, which ``_field.html`` shows beside it."""
    return forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class AboutRow(forms.Form):
    """A form whose action keeps a row: what a constraint of the row says stands at the field it is about."""

    model: ClassVar[type[Model]]
    constraints: ClassVar[dict[str, str]] = {}  # name of the constraint → name of the field

    def add_error(self, field: str | None, error: Any) -> None:
        if field is not None:
            super().add_error(field, error)
            return
        for one in error if isinstance(error, list) else [error]:
            super().add_error(self._place(" ".join(getattr(one, "messages", [str(one)]))), one)

    def _place(self, text: str) -> str | None:
        """The field of the constraint that says this; None leaves it above the form."""
        for constraint in self.model._meta.constraints:
            if constraint.violation_error_message == text:
                return self.constraints.get(constraint.name)
        return None


class TypedNameForm(forms.Form):
    """The object's name, typed, where an act cannot be undone."""

    typed = forms.CharField(max_length=200, widget=forms.TextInput({"autocomplete": "off"}))

    def __init__(self, data: Any = None, *, initial: Mapping[str, Any] | None = None, name: str) -> None:
        super().__init__(data, initial=dict(initial or {}))
        self.expected = name
        self.fields["typed"].label = _("Type %(name)s to confirm") % {"name": name}

    def clean_typed(self) -> str:
        """Capital letters and spaces around it do not matter."""
        typed = str(self.cleaned_data["typed"]).strip()
        if typed.casefold() != self.expected.casefold():
            raise forms.ValidationError(_("This is not the name."))
        return typed


class SpanForm(forms.Form):
    """From when until when something is to be true; the action decides whether it may be."""

    starts_at = forms.DateTimeField(
        label=gettext_lazy("From"),
        required=False,
        widget=moment_input(),
        help_text=gettext_lazy("Empty: from now on."),
    )
    ends_at = forms.DateTimeField(
        label=gettext_lazy("Until"),
        required=False,
        widget=moment_input(),
        help_text=gettext_lazy("Empty: no end."),
    )

    def __init__(self, *args: Any, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.at = at

    def clean_starts_at(self) -> datetime | None:
        """The minute that is running means now: the control knows no seconds."""
        start: datetime | None = self.cleaned_data["starts_at"]
        if start is None or timedelta(0) <= self.at - start < MINUTE:
            return None
        if start < self.at:
            raise forms.ValidationError(_("It cannot begin in the past."))
        return start

    def clean_ends_at(self) -> datetime | None:
        end: datetime | None = self.cleaned_data["ends_at"]
        if end is not None and end <= (self.cleaned_data.get("starts_at") or self.at):
            raise forms.ValidationError(_("It has to end after it began."))
        return end
