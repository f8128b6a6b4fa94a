"""Users and groups."""

from collections.abc import Sequence
from functools import cache
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from tenants.forms.rows import AboutRow, SpanForm, moment_input
from tenants.models import PASSWORD_LENGTHS, Group, Kept, Tenant, User, zones

_AREAS = (
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)
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


class OwnForm(AboutRow):
    """What a person says of himself, against the revision that was shown."""

    model = User
    constraints: ClassVar[dict[str, str]] = {}

    display_name = forms.CharField(
        label=_("Name"),
        max_length=150,
        help_text=_("As colleagues know you."),
        widget=forms.TextInput({"autocomplete": "name"}),
    )
    language = forms.ChoiceField(
        label=_("Language"),
        required=False,
        choices=[("", _("As the browser asks for")), *settings.LANGUAGES],
        help_text=_("Of these pages, and of mail to you."),
    )
    time_zone = forms.ChoiceField(
        label=_("Time zone"), required=False, help_text=_("In which times are shown and typed.")
    )
    revision = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["time_zone"]
        assert isinstance(field, forms.ChoiceField)
        usual = _("As the installation has it (%(zone)s)") % {"zone": settings.TIME_ZONE}
        field.choices = [("", usual), *_by_area()]


@cache
def _by_area() -> list[tuple[str, list[tuple[str, str]]]]:
    """``Europe`` with ``Berlin``, ``Rome``, …; names of the past and of offsets are left out."""
    areas: dict[str, list[tuple[str, str]]] = {"UTC": [("UTC", "UTC")]}
    for name in sorted(zones()):
        area, _slash, place = name.partition("/")
        if area in _AREAS and place:
            areas.setdefault(area, []).append((name, place.replace("_", " ")))
    return list(areas.items())


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


class NamedGroupField(forms.CharField):
    """One of many groups by its name, which no other has; an id is taken, too. Clean, it is the id."""

    widget = forms.TextInput({"autocomplete": "off"})

    def __init__(self, *args: Any, groups: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, max_length=120, **kwargs)
        self.names = {pk: label.lstrip("\u2007") for pk, label in groups}

    def prepare_value(self, value: Any) -> Any:
        return self.names.get(str(value), value)

    def clean(self, value: Any) -> str | None:
        text = super().clean(value)
        wanted = text.casefold()
        found = text if text in self.names else None
        found = found or next((pk for pk, name in self.names.items() if name.casefold() == wanted), None)
        if text and found is None:
            raise forms.ValidationError(_("There is no group of this name here. Give the whole name."))
        return found


class ParentForm(forms.Form):
    """Where a group hangs: chosen from a list that can be looked through, else by name."""

    few = 200

    parent = forms.TypedChoiceField(
        label=_("Below"),
        required=False,
        empty_value=None,
        help_text=_("Its members then also hold the roles of the group above it."),
    )

    def __init__(self, *args: Any, parents: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["parent"]
        if len(parents) > self.few:
            said = _("The whole name of a group, as the list of groups has it. Empty: at the top.")
            named = NamedGroupField(groups=parents, label=field.label, required=False, help_text=said)
            self.fields["parent"] = named
            return
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


class PasswordRulesForm(forms.Form):
    """How long passwords are at least, against the revision that was shown."""

    length = forms.IntegerField(
        label=_("Characters at least"),
        min_value=PASSWORD_LENGTHS[0],
        max_value=PASSWORD_LENGTHS[1],
        help_text=_("From 12 to 64. Long ones of plain words are stronger than short ones of odd signs."),
    )
    revision = forms.IntegerField(widget=forms.HiddenInput)
