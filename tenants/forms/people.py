"""Users and groups."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tenants.forms.rows import AboutRow, SpanForm, moment_input
from tenants.models import Group, Kept, Tenant, User

NOT_KNOWN = _("There is nobody of this user name or e-mail address here.")


class UserForm(AboutRow):
    """Who somebody is."""

    model = User
    constraints = {
        "user_username_once": "username",
        "user_username_grammar": "username",
        "user_email_once": "email",
    }

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


class GroupForm(AboutRow):
    """A group's name and purpose."""

    model = Group
    constraints = {"group_name_once": "name"}

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


class ChosenPlaceForm(PlaceForm):
    """The place that was chosen, beside what the move takes away."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["parent"].widget = forms.HiddenInput()


class MemberForm(SpanForm):
    """Somebody of this organization, by user name or e-mail address, from now on or for a span."""

    user = forms.CharField(
        label=_("Add a member"),
        max_length=254,
        widget=forms.TextInput({"list": "people", "autocomplete": "off", "autocapitalize": "none"}),
        help_text=_("User name or e-mail address."),
    )
    field_order = ("user", "starts_at", "ends_at")

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


class EndForm(forms.Form):
    """Until when somebody is in a group."""

    ends_at = forms.DateTimeField(
        label=_("Until"), required=False, widget=moment_input(), help_text=_("Empty: no end.")
    )


class DeletedPeopleForm(forms.Form):
    """What history keeps of them, against the revision that was shown."""

    keeps = forms.ChoiceField(
        label=_("History keeps"),
        choices=Kept.choices,
        help_text=_(
            "Of people who are deleted. With a pseudonym their name is put out wherever it was noted."
        ),
    )
    revision = forms.IntegerField(widget=forms.HiddenInput)
