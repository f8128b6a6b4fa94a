"""What to look for in the record."""

from datetime import datetime

from django import forms
from django.utils.translation import gettext_lazy as _

from tenants.forms.rows import moment_input


class RecordForm(forms.Form):
    """What to look for in the record."""

    actor = forms.CharField(label=_("Who"), required=False, max_length=200)
    object = forms.CharField(label=_("About"), required=False, max_length=200)
    since = forms.DateTimeField(label=_("From"), required=False, widget=moment_input())
    until = forms.DateTimeField(label=_("Until"), required=False, widget=moment_input())

    def moments(self) -> tuple[datetime | None, datetime | None]:
        """Both ends, as far as they were understood."""
        return self.cleaned_data.get("since"), self.cleaned_data.get("until")
