"""What people type on the pages of an organization. Forms check the words; actions check the rules."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.utils.translation import gettext_lazy as _

from tenants.models import Tenant, User
from tenants.models.tenants import SLUG_PATTERN

NOT_KNOWN = _("There is nobody of this user name or e-mail address here.")


def moment_input() -> forms.DateTimeInput:
    """A day and a time in the page's zone, which ``_field.html`` shows beside it."""
    return forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


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


class UserForm(forms.Form):
    """Who somebody is."""

    display_name = forms.CharField(
        label=_("Name"), max_length=150, help_text=_("As colleagues know this person.")
    )
    email = forms.EmailField(
        label=_("E-mail address"),
        max_length=254,
        help_text=_("Links to set a password go there and nowhere else."),
        widget=forms.EmailInput({"autocomplete": "off"}),
    )
    username = forms.CharField(
        label=_("User name"),
        max_length=150,
        help_text=_("For signing in. Letters, digits and . _ @ + -"),
        widget=forms.TextInput({"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}),
    )


class RevisedUserForm(UserForm):
    """The same, against the revision that was shown."""

    revision = forms.IntegerField(widget=forms.HiddenInput)


class GroupForm(forms.Form):
    """A group's name and purpose."""

    name = forms.CharField(label=_("Name"), max_length=120)
    description = forms.CharField(
        label=_("Purpose"), max_length=500, required=False, widget=forms.Textarea({"rows": 3})
    )


class RevisedGroupForm(GroupForm):
    """The same, against the revision that was shown."""

    revision = forms.IntegerField(widget=forms.HiddenInput)


class ParentForm(forms.Form):
    """Where a group hangs."""

    parent = forms.TypedChoiceField(
        label=_("Below"),
        required=False,
        empty_value=None,
        help_text=_("Its members then also hold the roles of the group above it."),
    )

    def __init__(self, *args: Any, parents: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["parent"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("No group: at the top")), *parents]


class NewGroupForm(ParentForm, GroupForm):
    """A group and its place."""

    field_order = ("name", "description", "parent")


class PlaceForm(ParentForm):
    """Another place, against the revision that was shown."""

    revision = forms.IntegerField(widget=forms.HiddenInput)


class MemberForm(forms.Form):
    """Somebody of this organization, by user name or e-mail address."""

    user = forms.CharField(
        label=_("Add a member"),
        max_length=254,
        widget=forms.TextInput({"list": "people", "autocomplete": "off", "autocapitalize": "none"}),
        help_text=_("User name or e-mail address."),
    )

    def __init__(self, *args: Any, tenant: Tenant, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tenant = tenant

    def clean_user(self) -> User:
        text = self.cleaned_data["user"]
        found = self.tenant.users.filter(username__iexact=text).first()
        found = found or self.tenant.users.filter(email__iexact=text).first()
        if found is None:
            raise forms.ValidationError(NOT_KNOWN)
        return found


class PartnerForm(forms.Form):
    """Whom to invite. Without an address, whoever has the link may answer, and is confirmed by hand."""

    expected = forms.RegexField(
        label=_("Address of the organization"),
        regex=SLUG_PATTERN,
        max_length=40,
        required=False,
        help_text=_(
            "If you know it: nobody else can use the link, and the partnership begins when it is accepted. "
            "Without it you see who accepted, and confirm."
        ),
        error_messages={"invalid": _("Use lower-case letters, digits and hyphens.")},
        widget=forms.TextInput({"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}),
    )
    note = forms.CharField(
        label=_("Note"),
        max_length=500,
        required=False,
        widget=forms.Textarea({"rows": 3}),
        help_text=_("Whoever opens the link can read it."),
    )

    def clean_expected(self) -> Tenant | None:
        slug = self.cleaned_data["expected"]
        if not slug:
            return None
        found = Tenant.objects.filter(slug=slug).first()
        if found is None:
            raise forms.ValidationError(_("No organization has this address."))
        return found


class CodeForm(forms.Form):
    """The link of an invitation, or the code at its end."""

    code = forms.CharField(
        label=_("Link or code"),
        max_length=500,
        help_text=_("Paste what the other organization sent you. Looking changes nothing."),
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )

    def clean_code(self) -> str:
        text = self.cleaned_data["code"]
        code = urlsplit(text).path.rstrip("/").rpartition("/")[2] if "/" in text else text
        return str(code)


class AutoAcceptForm(forms.Form):
    """Proposals of this partner that are accepted without looking."""

    contract_types = forms.MultipleChoiceField(
        label=_("Accept without asking"),
        required=False,
        choices=[
            ("provision", _("Provision contracts: the partner gives us an application to run for ourselves")),
            ("access", _("Access contracts: the partner lets us work on its data")),
        ],
        widget=forms.CheckboxSelectMultiple,
        help_text=_("New proposals of this partner are then in force at once. Changes are always asked for."),
    )


class RecordForm(forms.Form):
    """What to look for in the record."""

    actor = forms.CharField(label=_("Who"), required=False, max_length=200)
    object = forms.CharField(label=_("About"), required=False, max_length=200)
    since = forms.DateTimeField(label=_("From"), required=False, widget=moment_input())
    until = forms.DateTimeField(label=_("Until"), required=False, widget=moment_input())

    def moments(self) -> tuple[datetime | None, datetime | None]:
        """Both ends, as far as they were understood."""
        return self.cleaned_data.get("since"), self.cleaned_data.get("until")
