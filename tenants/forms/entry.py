"""The way in: organization, sign-in, a new password."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tenants.models.tenants import SLUG_PATTERN


class OrganizationForm(forms.Form):
    """Which organization, by its address; none is ever listed."""

    organization = forms.RegexField(
        label=_("Address of your organization"),
        regex=SLUG_PATTERN,
        max_length=40,
        help_text=_("The short name that your administrator gave you, as in the address of its pages."),
        error_messages={"invalid": _("Use lower-case letters, digits and hyphens.")},
        widget=forms.TextInput(
            {"autocomplete": "organization", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        if data is not None:
            data = data.copy()
            data["organization"] = str(data.get("organization", "")).strip().lower()
        super().__init__(data, **kwargs)


class SignInForm(forms.Form):
    """User name and password."""

    username = forms.CharField(
        label=_("User name or e-mail address"),
        max_length=254,
        widget=forms.TextInput(
            {"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false", "autofocus": True}
        ),
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
    )
    next = forms.CharField(required=False, widget=forms.HiddenInput)


class PasswordForm(forms.Form):
    """A new password, twice."""

    password = forms.CharField(
        label=_("New password"),
        strip=False,
        max_length=1000,
        help_text=_(
            "At least 12 characters, and none that everybody uses. A sentence is easiest to remember."
        ),
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )
    repeated = forms.CharField(
        label=_("New password once more"),
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )

    def clean(self) -> None:
        first, second = self.cleaned_data.get("password"), self.cleaned_data.get("repeated")
        if first and second and first != second:
            self.add_error("repeated", _("The two are not the same."))
