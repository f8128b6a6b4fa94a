"""What to look for in the record."""

from datetime import datetime

from django import forms
from django.utils.translation import gettext_lazy as _

from tenants.forms.rows import moment_input


class RecordForm(forms.Form):
    """What to look for in the record."""

    actor = forms.CharField(
        label=_("Who"), required=False, max_length=200, help_text=_("A part of the name.")
    )
    object = forms.CharField(
        label=_("About"), required=False, max_length=200, help_text=_("A part of the name.")
    )
    action = forms.RegexField(
        r"^[a-z_]{1,40}\.(?:[a-z_]{1,40}|\*)$",
        label=_("Action"),
        required=False,
        max_length=82,
        help_text=_("As in the details of a row, like contract.paused or contract.*"),
        error_messages={"invalid": _("Write it like contract.paused or contract.*")},
    )
    request = forms.CharField(
        label=_("Request"),
        required=False,
        max_length=64,
        help_text=_("Its number, as an error page shows it."),
    )
    since = forms.DateTimeField(label=_("From"), required=False, widget=moment_input())
    until = forms.DateTimeField(label=_("Until"), required=False, widget=moment_input())

    def moments(self) -> tuple[datetime | None, datetime | None]:
        """Both ends, as far as they were understood."""
        return self.cleaned_data.get("since"), self.cleaned_data.get("until")
