"""The way in: organization, sign-in, a new password."""

from typing import Any

from django import forms
from django.core.validators import EmailValidator, RegexValidator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from tenants.models.tenants import SLUG_PATTERN


class OrganizationForm(forms.Form):
    """Which organization, by its address; none is ever listed."""

    organization = forms.CharField(
        label=_("Address of your organization"),
        max_length=40,
        help_text=_("The short name that your administrator gave you, as in the address of its pages."),
        widget=forms.TextInput(
            {"autocomplete": "organization", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        if data is not None:
            data = data.copy()
            data["organization"] = str(data.get("organization", "")).strip().lower()
        super().__init__(data, **kwargs)

    def clean_organization(self) -> str:
        """By what it looks like; it is not looked up."""
        text = str(self.cleaned_data["organization"])
        RegexValidator(SLUG_PATTERN, message=_("Use lower-case letters, digits and hyphens."))(text)
        return text


class EntryForm(OrganizationForm):
    """The same, or an e-mail address, to which the organizations of its person are written."""

    organization = forms.CharField(
        label=_("Organization, or your e-mail address"),
        max_length=254,
        help_text=_(
            "The short name of the organization, as in the address of its pages. With your e-mail address, "
            "the ways to sign in come by mail."
        ),
        widget=forms.TextInput({"autocomplete": "email", "autocapitalize": "none", "spellcheck": "false"}),
    )

    def clean_organization(self) -> str:
        """Either, by what it looks like."""
        if not self.email:
            return super().clean_organization()
        EmailValidator(message=_("This is no e-mail address."))(self.email)
        return self.email

    @property
    def email(self) -> str:
        """The address that was typed; empty where it is an organization's."""
        text = str(self.cleaned_data["organization"])
        return text if "@" in text else ""


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
    """A new password, twice. ``fewest``: how many characters the organization asks for."""

    password = forms.CharField(
        label=_("New password"),
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )
    repeated = forms.CharField(
        label=_("New password once more"),
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, fewest: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = ngettext(
            "At least %(count)d character, and no password that everybody uses. A sentence is easiest to "
            "remember.",
            "At least %(count)d characters, and no password that everybody uses. A sentence is easiest to "
            "remember.",
            fewest,
        ) % {"count": fewest}

    def clean(self) -> None:
        first, second = self.cleaned_data.get("password"), self.cleaned_data.get("repeated")
        if first and second and first != second:
            self.add_error("repeated", _("The two are not the same."))


def _present() -> forms.CharField:
    return forms.CharField(
        label=_("Present password"),
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
    )


class ChangedPasswordForm(PasswordForm):
    """The same by the person, who proves that it is he."""

    current = _present()
    field_order = ("current", "password", "repeated")


class AddressForm(forms.Form):
    """Another e-mail address, to be proven."""

    email = forms.EmailField(
        label=_("New e-mail address"),
        max_length=254,
        help_text=_("A link goes there. Until it is opened, nothing changes."),
        widget=forms.EmailInput({"autocomplete": "email"}),
    )
    current = _present()
