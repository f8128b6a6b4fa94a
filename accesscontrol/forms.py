"""What people type when they give roles, and when they ask who may do what."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from applications.models.resources import ROLE_KEY_PATTERN
from iam_portal.gate import Privilege
from tenants.forms import SpanForm, moment_input

SERVICE = "client_credentials"
PRIVILEGES = [(privilege.value, privilege.value) for privilege in Privilege]
# What can be asked about: between these every zone has its own hour, and a token its end.
MOMENTS = [
    MinValueValidator(datetime(1970, 1, 2, tzinfo=UTC), _("That is too long ago.")),
    MaxValueValidator(datetime(9000, 1, 1, tzinfo=UTC), _("That is too far away.")),
]


class AssignForm(SpanForm):
    """A role and a span. Which roles there are is given; the action decides whether one may be given."""

    role = forms.ChoiceField(
        label=_("Role"),
        error_messages={
            "required": _("Choose a role."),
            "invalid_choice": _("Choose a role that is offered."),
        },
    )
    field_order = ("role", "starts_at", "ends_at")

    def __init__(self, *args: Any, values: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["role"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = values


def offered(name: str) -> forms.TextInput:
    """A text for which the page offers values, in a ``datalist`` of this name."""
    return forms.TextInput({"list": name, "autocomplete": "off"})


def at_field() -> forms.DateTimeField:
    """A moment, now when it is left out."""
    return forms.DateTimeField(
        label=_("At"),
        required=False,
        widget=moment_input(),
        help_text=_("Empty: now."),
        validators=MOMENTS,
    )


class ReviewForm(forms.Form):
    """When, compared with when, and about what."""

    asks = True

    at = at_field()
    other = forms.DateTimeField(
        label=_("Compared with"),
        required=False,
        widget=moment_input(),
        help_text=_("Shows only what is not the same then."),
        validators=MOMENTS,
    )
    resource = forms.CharField(
        label=_("Resource"), required=False, max_length=200, help_text=_("A part of its type or id.")
    )


class DecisionForm(forms.Form):
    """May this principal do this? What is named is looked up by the page."""

    use_required_attribute = False  # with an application alone, its resources are offered
    asks = True

    who = forms.CharField(
        label=_("Who"),
        max_length=200,
        help_text=_("A person, a group, or an application as a service: name, e-mail or id."),
        error_messages={"required": _("Name somebody.")},
    )
    application = forms.CharField(
        label=_("Application"),
        max_length=200,
        widget=offered("applications"),
        help_text=_("In which application: its name or id."),
        error_messages={"required": _("Name an application.")},
    )
    resource = forms.CharField(
        label=_("Resource"),
        max_length=401,
        widget=offered("resources"),
        help_text=_("As type/id, like urn:acme:machine/press-4."),
        error_messages={"required": _("Name a resource.")},
    )
    privilege = forms.ChoiceField(label=_("Privilege"), choices=PRIVILEGES)
    owner = forms.ChoiceField(label=_("On whose data"), required=False)
    at = at_field()

    def __init__(self, *args: Any, owners: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["owner"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("Your organization's")), *owners]

    def clean_resource(self) -> str:
        text = str(self.cleaned_data["resource"])
        kind, _slash, key = text.partition("/")
        if not kind.startswith("urn:") or not key:
            raise forms.ValidationError(_("Write it as type/id, like urn:acme:machine/press-4."))
        return text


class TokenForm(forms.Form):
    """What would the token endpoint answer?"""

    asks = True
    use_required_attribute = False

    client = forms.CharField(
        label=_("Client"),
        max_length=73,
        widget=offered("clients"),
        help_text=_("Its id. It is that of its application, or ends in -frontend."),
        error_messages={"required": _("Name a client.")},
    )
    grant = forms.ChoiceField(
        label=_("Grant"),
        choices=[
            (SERVICE, _("As a service (client credentials)")),
            ("authorization_code", _("In the name of a person (sign-in)")),
            ("refresh_token", _("In the name of a person (refresh)")),
        ],
    )
    target = forms.RegexField(
        r"^[a-z0-9][a-z0-9._-]{0,63}$",
        label=_("For the application"),
        required=False,
        widget=offered("applications"),
        help_text=_("The id of the application that it wants to call."),
        error_messages={"invalid": _("That is not the id of an application.")},
    )
    who = forms.CharField(
        label=_("Person"),
        required=False,
        max_length=200,
        help_text=_("Who signs in: name, e-mail or id. Only for the grants in the name of a person."),
    )
    scope = forms.CharField(
        label=_("Further scopes"), required=False, max_length=2000, help_text=_("As it would write them.")
    )
    at = at_field()

    def clean(self) -> dict[str, Any]:
        """A person belongs to two of the grants, and only to them."""
        given = super().clean() or {}
        service = given.get("grant") == SERVICE
        if service and given.get("who"):
            self.add_error("who", _("A service calls in nobody's name. Leave it empty."))
        elif not service and not given.get("who") and "who" not in self.errors:
            self.add_error("who", _("Name the person who signs in."))
        return given


class RoleForm(forms.Form):
    """What people read of a role; its permissions stand beside it."""

    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("What people see when they give it."))
    description = forms.CharField(
        label=_("Description"), max_length=500, required=False, widget=forms.Textarea({"rows": 2})
    )


class NewRoleForm(RoleForm):
    """A role to make."""

    key = forms.RegexField(
        ROLE_KEY_PATTERN,
        label=_("Key"),
        max_length=64,
        required=False,
        help_text=_("Its name in tokens, for good. Empty: made from the name."),
        error_messages={"invalid": _("Use 1 to 64 of a-z 0-9 . _ -, beginning with a letter or digit.")},
    )
    field_order = ("name", "key", "description")

    def clean(self) -> dict[str, Any]:
        """A key out of the name, where none was chosen."""
        given = super().clean() or {}
        if given.get("name") and "key" not in self.errors and not given.get("key"):
            given["key"] = slugify(given["name"])[:64].strip("-_")
            if not given["key"]:
                self.add_error("key", _("No key can be made from this name. Choose one."))
        return given


class RoleConfirmForm(forms.Form):
    """Carries the whole draft through the confirmation, out of sight."""

    name = forms.CharField(widget=forms.HiddenInput)
    description = forms.CharField(widget=forms.HiddenInput, required=False)
    kept = forms.CharField(widget=forms.HiddenInput, required=False)


class ManifestForm(forms.Form):
    """A document, pasted or in a file: one of them is needed, and neither is called optional."""

    text = forms.CharField(
        label=_("Manifest"),
        required=False,
        strip=False,
        max_length=2_000_000,
        widget=forms.Textarea({"rows": 24, "class": "mono", "spellcheck": "false", "autocomplete": "off"}),
        help_text=_("JSON or YAML. Whatever it does not name any more, ends."),
    )
    file = forms.FileField(
        label=_("Or a file"), required=False, help_text=_("Then what stands above is left aside.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.either = True  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """``document``: the file's text, else what was typed."""
        given = super().clean() or {}
        if file := given.get("file"):
            try:
                given["document"] = file.read().decode("utf-8-sig")
            except UnicodeDecodeError:
                self.add_error("file", _("The file holds no text in UTF-8."))
        else:
            given["document"] = given.get("text", "")
        if not self.errors and not given["document"].strip():
            self.add_error("text", _("Paste the manifest, or choose a file."))
        return given

    def keep(self) -> None:
        """Draw what came as a file as text: a browser does not send a file twice."""
        self.data = {**dict(self.data.items()), "text": self.cleaned_data["document"]}
