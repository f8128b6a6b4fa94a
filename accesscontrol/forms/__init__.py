"""What people type when they give roles, and when they ask who may do what."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from iam_portal.gate import Privilege
from iam_portal.templatetags import privileges
from tenants.forms import SpanForm, moment_input

SERVICE = "client_credentials"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
PRIVILEGES = [(privilege.value, privileges.WORDS[privilege]) for privilege in Privilege]
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


class ReportForm(forms.Form):
    """When, or for how long: what the report asks."""

    asks = True

    at = at_field()
    days = forms.IntegerField(
        label=_("Days"), required=False, min_value=1, widget=forms.NumberInput({"autocomplete": "off"})
    )

    def __init__(self, *args: Any, asks: Collection[str], days: int, most: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("at", "days"):
            if name not in asks:
                del self.fields[name]
        if "days" in self.fields:
            field = self.fields["days"]
            field.validators.append(MaxValueValidator(most))
            said = gettext("From 1 to %(most)d. Empty: %(days)d.")
            field.help_text = said % {"most": most, "days": days}


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
            (EXCHANGE, _("In the name of whoever calls it (token exchange)")),
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
        help_text=_("Who signs in: name, e-mail or id. For an exchange a person or an application."),
    )
    scope = forms.CharField(
        label=_("Further scopes"), required=False, max_length=2000, help_text=_("As it would write them.")
    )
    at = at_field()

    def clean(self) -> dict[str, Any]:
        """Somebody belongs to all of the grants but the service's own."""
        given = super().clean() or {}
        service = given.get("grant") == SERVICE
        if service and given.get("who"):
            self.add_error("who", _("A service calls in nobody's name. Leave it empty."))
        elif not service and not given.get("who") and "who" not in self.errors:
            self.add_error("who", _("Name the person who signs in."))
        return given


class RotationForm(forms.Form):
    """Which keys, and when the next ones begin to sign; the action knows which moments are too early."""

    USUAL, SOONEST, MOMENT = "usual", "soonest", "moment"
    ALL = "all"

    algorithm = forms.ChoiceField(label=_("Which"), initial=ALL)
    when = forms.ChoiceField(
        label=_("The next key signs"),
        initial=USUAL,
        widget=forms.RadioSelect,
        choices=[
            (USUAL, _("As usual: published first, then in turn")),
            (SOONEST, _("As soon as every verifier must have seen it: some minutes")),
            (MOMENT, _("From the moment below")),
        ],
    )
    begins_at = forms.DateTimeField(
        label=_("Moment"), required=False, widget=moment_input(), validators=MOMENTS
    )

    def __init__(self, *args: Any, algorithms: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["algorithm"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(self.ALL, _("All kinds")), *((name, name) for name in algorithms)]

    def clean(self) -> dict[str, Any]:
        """A moment is needed for one of the three."""
        given = super().clean() or self.cleaned_data
        if given.get("when") == self.MOMENT and not given.get("begins_at") and "begins_at" not in self.errors:
            self.add_error("begins_at", _("Give the moment."))
        return given
