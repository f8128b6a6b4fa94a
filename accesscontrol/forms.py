"""What people type when they give roles."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tenants.forms import moment_input

MINUTE = timedelta(minutes=1)


class AssignForm(forms.Form):
    """A role and a span. Which roles there are is given; the action decides whether one may be given."""

    role = forms.ChoiceField(
        label=_("Role"),
        error_messages={
            "required": _("Choose a role."),
            "invalid_choice": _("Choose a role that is offered."),
        },
    )
    starts_at = forms.DateTimeField(
        label=_("From"), required=False, widget=moment_input(), help_text=_("Empty: from now on.")
    )
    ends_at = forms.DateTimeField(
        label=_("Until"), required=False, widget=moment_input(), help_text=_("Empty: until it is withdrawn.")
    )

    def __init__(self, *args: Any, values: list[tuple[str, str]], at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["role"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = values
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
