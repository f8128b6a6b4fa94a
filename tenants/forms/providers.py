"""Identity providers, their mappers, and who is linked."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tenants.actions.identity_providers import FIELDS
from tenants.forms.rows import AboutRow
from tenants.models import IdentityMapper, IdentityProvider

_PLAIN = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}


class ProviderForm(AboutRow):
    """What may be changed of one."""

    model = IdentityProvider
    constraints = {"identityprovider_key_once": "key", "identityprovider_key_grammar": "key"}

    name = forms.CharField(label=_("Name"), max_length=60, help_text=_("As on the button: “Sign in with …”."))
    client_id = forms.CharField(
        label=_("Client id"),
        max_length=255,
        help_text=_("The id under which the portal is registered there."),
        widget=forms.TextInput(_PLAIN),
    )
    client_secret = forms.CharField(
        label=_("Client secret"),
        max_length=1000,
        required=False,
        help_text=_("Kept sealed and never shown again. Empty: it stays as it is."),
        widget=forms.PasswordInput({"autocomplete": "off"}),
    )
    scopes = forms.CharField(
        label=_("Scopes"),
        max_length=500,
        required=False,
        help_text=_("Separated by spaces; openid is always asked for."),
        widget=forms.TextInput(_PLAIN),
    )
    enabled = forms.BooleanField(
        label=_("On"),
        required=False,
        help_text=_(
            "Whoever knows the sign-in page sees the button. Off, all whom it let in are signed out."
        ),
    )
    is_default = forms.BooleanField(
        label=_("Sign-ins go there at once"),
        required=False,
        help_text=_("Your own page stays at the address that ends in sign-in?here=yes."),
    )
    position = forms.IntegerField(
        label=_("Place on the sign-in page"),
        min_value=0,
        max_value=1000,
        help_text=_("Smaller numbers stand first."),
    )
    makes_people = forms.BooleanField(
        label=_("Makes new people"),
        required=False,
        help_text=_("Whom nobody knows here makes an account, with a proven address, without any role."),
    )
    trusts_email = forms.BooleanField(
        label=_("Its e-mail addresses count as proven"),
        required=False,
        help_text=_("Only where nobody can choose his address there himself."),
    )
    trusts_second_factor = forms.BooleanField(
        label=_("Its second factor counts"),
        required=False,
        help_text=_(
            "Where it says mfa in amr, or the word below in acr. Otherwise the portal asks for its own."
        ),
    )
    second_factor_acr = forms.CharField(
        label=_("Its word (acr) for a second factor"),
        max_length=200,
        required=False,
        help_text=_("As agreed with the provider. Empty: only amr counts."),
        widget=forms.TextInput(_PLAIN),
    )

    @property
    def chosen(self) -> dict[str, Any]:
        """For the action."""
        given = {name: self.cleaned_data[name] for name in FIELDS}
        return {**given, "scopes": self.cleaned_data["scopes"].split()}

    @property
    def secret(self) -> str:
        """What was typed; empty where it stays."""
        return str(self.cleaned_data["client_secret"])


class NewProviderForm(ProviderForm):
    """With what stays for good."""

    key = forms.CharField(
        label=_("Key"),
        max_length=40,
        help_text=_("Part of its addresses here, for good. Lower-case letters, digits and hyphens."),
        widget=forms.TextInput(_PLAIN),
    )
    issuer = forms.CharField(
        label=_("Issuer"),
        max_length=500,
        help_text=_("Exactly as the provider writes it, for good: https://login.example.com/realm"),
        widget=forms.TextInput(_PLAIN),
    )
    field_order = ("name", "key", "issuer")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["client_secret"].required = True
        self.fields["client_secret"].help_text = _("Kept sealed and never shown again.")


class RevisedProviderForm(ProviderForm):
    """Against the revision that was shown."""

    revision = forms.IntegerField(widget=forms.HiddenInput)

    @classmethod
    def of(cls, row: IdentityProvider) -> "RevisedProviderForm":
        """As it is."""
        shown = {name: getattr(row, name) for name in FIELDS}
        return cls(initial={**shown, "scopes": " ".join(row.scopes), "revision": row.revision})


class MapperForm(forms.Form):
    """A claim that puts people into a group, or a template that names them."""

    revision = forms.IntegerField(widget=forms.HiddenInput, required=False)
    kind = forms.ChoiceField(
        label=_("What it sets"),
        choices=[
            ("group", _("membership of a group")),
            ("username", _("user name")),
            ("email", _("e-mail address")),
            ("display_name", _("name")),
        ],
    )
    when = forms.ChoiceField(
        label=_("When"),
        choices=[("first", _("at the first sign-in")), ("every", _("at every sign-in"))],
        initial="every",
    )
    claim = forms.CharField(
        label=_("Claim"),
        max_length=200,
        required=False,
        help_text=_("For a group: groups, or a path like realm_access.roles."),
        widget=forms.TextInput(_PLAIN),
    )
    value = forms.CharField(
        label=_("Value"),
        max_length=500,
        required=False,
        help_text=_("For a group: the claim is this, or a list that has it. Capital letters count."),
        widget=forms.TextInput(_PLAIN),
    )
    group = forms.ChoiceField(label=_("Group"), required=False)
    template = forms.CharField(
        label=_("Template"),
        max_length=200,
        required=False,
        help_text=_("For a name or an address: {given_name} {family_name}"),
        widget=forms.TextInput(_PLAIN),
    )

    def __init__(self, *args: Any, groups: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["group"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "–"), *groups]
        for name in ("claim", "value", "group", "template"):
            self.fields[name].either = True  # type: ignore[attr-defined]  # three of them, or the last

    @classmethod
    def of(cls, row: IdentityMapper, groups: Sequence[tuple[str, str]]) -> "MapperForm":
        """As it is."""
        names = ("kind", "when", "claim", "value", "template", "revision")
        shown = {name: getattr(row, name) for name in names}
        return cls(initial={**shown, "group": str(row.group_id or "")}, groups=groups)

    @property
    def chosen(self) -> dict[str, Any]:
        """For the action, without the group."""
        return {name: self.cleaned_data[name] for name in ("kind", "when", "claim", "value", "template")}


class IdentityForm(forms.Form):
    """Who it is there, by what never changes."""

    user = forms.CharField(
        label=_("User name or e-mail address"), max_length=254, widget=forms.TextInput(_PLAIN)
    )
    subject = forms.CharField(
        label=_("Subject (sub)"),
        max_length=255,
        help_text=_("The provider's own id of the account. No e-mail address, unless it is that."),
        widget=forms.TextInput(_PLAIN),
    )
