"""What an operator types about the organizations of the installation."""

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tenants.forms.rows import AboutRow, SpanForm
from tenants.models import Tenant
from tenants.models.tenants import SLUG_PATTERN

USERNAME = r"^[A-Za-z0-9][A-Za-z0-9._@+-]*$"


class NameForm(AboutRow):
    """Its name, against the revision that was shown."""

    model = Tenant
    constraints = {"tenant_has_name": "name"}

    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("As everybody sees it."))
    revision = forms.IntegerField(widget=forms.HiddenInput)


class NewOrganizationForm(forms.Form):
    """It, and who is to run it. ``check_url`` says of a slug, while it is typed, whether it is free."""

    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("As everybody sees it."))
    slug = forms.RegexField(
        SLUG_PATTERN,
        label=_("Short name"),
        max_length=40,
        help_text=_("Stands in its addresses and before the ids of its applications. It never changes."),
        error_messages={"invalid": _("Use lower-case letters, digits and hyphens, at most 40.")},
    )
    display_name = forms.CharField(
        label=_("First administrator"),
        max_length=150,
        help_text=_("Gets every role of the portal there, and invites everybody else."),
    )
    email = forms.EmailField(
        label=_("E-mail address"),
        max_length=254,
        help_text=_("The invitation goes there and nowhere else."),
        widget=forms.EmailInput({"autocomplete": "off"}),
    )
    username = forms.RegexField(
        USERNAME,
        label=_("User name"),
        max_length=150,
        required=False,
        help_text=_("For signing in. Empty: the e-mail address."),
        error_messages={"invalid": _("Use letters, digits and . _ @ + - in a user name.")},
    )

    def __init__(self, *args: Any, check_url: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        plain = {"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}
        self.fields["username"].widget.attrs |= plain
        self.fields["slug"].widget.attrs |= plain | {
            "hx-get": check_url,
            "hx-trigger": "input delay:400ms, change",
            "hx-select": "#slug-state",
            "hx-target": "#slug-state",
            "hx-swap": "outerHTML",
        }

    def clean(self) -> dict[str, Any]:
        """Where no user name is given it is the address, which then has to be fit for one."""
        given = super().clean() or self.cleaned_data
        if given.get("email") and not given.get("username") and "username" not in self.errors:
            given["username"] = given["email"]
            if not re.fullmatch(USERNAME, given["email"]):
                self.add_error("username", _("The address has signs that a user name cannot have."))
        return given


class SuspensionForm(SpanForm):
    """From when until when, and why; against the impact that was shown."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        required=False,
        help_text=_("Kept in the record of the organization and in yours."),
    )
    shown = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)
    field_order = ("reason", "starts_at", "ends_at", "shown")


class MailboxForm(forms.Form):
    """Where the first invitation goes, if not where it went before."""

    email = forms.EmailField(
        label=_("Another e-mail address"),
        max_length=254,
        required=False,
        help_text=_("Only if the first one was wrong. Empty: the same mailbox."),
        widget=forms.EmailInput({"autocomplete": "off"}),
    )
