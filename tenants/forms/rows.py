"""What several forms are made of."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.db.models import Model
from django.utils.translation import gettext as _


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
