"""The forms of clients: shape only, every rule is the action's."""

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from applications.forms import Data

METHODS = {
    "client_secret_basic": _("A secret in the header (Basic)"),
    "client_secret_post": _("A secret in the form"),
    "private_key_jwt": _("An assertion signed by its key"),
    "self_signed_tls_client_auth": _("A certificate registered here"),
    "tls_client_auth": _("A certificate of a registered subject"),
}

DEMANDS = {"off": _("Off"), "optional": _("Optional"), "required": _("Required")}


class Lines(forms.CharField):
    """A list, one entry in each line. ``either``: at least one is needed."""

    def __init__(self, *, rows: int = 3, either: bool = False, **options: Any) -> None:
        self.either = either
        widget = forms.Textarea({"rows": rows, "class": "mono", "spellcheck": "false"})
        super().__init__(required=False, max_length=12_000, widget=widget, **options)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list | tuple) else value

    def clean(self, value: Any) -> tuple[str, ...]:
        return tuple(line.strip() for line in super().clean(value).splitlines() if line.strip())


class PublicClientForm(forms.Form):
    """What a public client needs to begin with."""

    redirect_uris = Lines(
        either=True,
        label=_("Redirect addresses"),
        help_text=_("One in each line, compared letter by letter. Apps may use com.example.app:/path."),
    )
    web_origins = Lines(
        label=_("Web origins"),
        rows=2,
        help_text=_("Whose pages may call the token endpoint, like https://app.example.org."),
    )


class NewPublicForm(PublicClientForm):
    """A public client that does not work before people can come back to it."""

    def clean_redirect_uris(self) -> tuple[str, ...]:
        return _one_at_least(self.cleaned_data["redirect_uris"])


class WebClientForm(forms.Form):
    """What a confidential client of a web application needs to begin with."""

    redirect_uris = Lines(
        either=True,
        label=_("Redirect addresses"),
        help_text=_("Where people come back to with a code. One in each line, compared letter by letter."),
    )
    post_logout_redirect_uris = Lines(
        label=_("Addresses after sign-out"), rows=2, help_text=_("Where people may be sent afterwards.")
    )

    def clean_redirect_uris(self) -> tuple[str, ...]:
        return _one_at_least(self.cleaned_data["redirect_uris"])


class ClientForm(PublicClientForm):
    """All that is set on a client. A public one has no proof, always PKCE, and no service tokens."""

    post_logout_redirect_uris = Lines(
        label=_("Addresses after sign-out"), rows=2, help_text=_("Where people may be sent afterwards.")
    )
    pkce_required = forms.BooleanField(
        label=_("Codes are bound by PKCE"),
        required=False,
        help_text=_("Off: a code that was stolen on its way is worth a token to whoever has the secret."),
    )
    authentication_method = forms.ChoiceField(
        label=_("It proves itself by"),
        choices=list(METHODS.items()),
        help_text=_("Every other way is refused from then on; what is registered stays."),
    )
    jwks_uri = forms.CharField(
        label=_("Address of its keys"),
        max_length=500,
        required=False,
        widget=forms.URLInput({"placeholder": "https://"}),
        help_text=_("Where it publishes its public keys, beside those registered here."),
    )
    secret_either_way = forms.BooleanField(
        label=_("Take the secret in header and form alike"),
        required=False,
        help_text=_("On: a secret that slips into a form, and so into logs, works as well."),
    )
    assertion_for_token_endpoint = forms.BooleanField(
        label=_("Take assertions made for the token endpoint"),
        required=False,
        help_text=_("On: what was signed for one of our addresses counts as signed for the organization."),
    )
    algorithm = forms.ChoiceField(
        label=_("Its tokens are signed with"),
        choices=[("ES256", "ES256"), ("RS256", _("RS256, for old libraries"))],
    )
    token_without_target = forms.BooleanField(
        label=_("Without a target, a token for everything it may call"),
        required=False,
        help_text=_("On: one token opens several applications; each of them could use it at the others."),
    )
    backchannel_logout_uri = forms.CharField(
        label=_("Address for sign-outs (back-channel logout)"),
        max_length=500,
        required=False,
        widget=forms.URLInput({"placeholder": "https://"}),
        help_text=_("Where it is told that somebody has signed out, by the portal itself."),
    )
    pushed_requests = forms.ChoiceField(
        label=_("Requests pushed beforehand (PAR)"),
        choices=list(DEMANDS.items()),
        help_text=_("Required: nobody who reads or changes an address can change what is asked for."),
    )
    dpop = forms.ChoiceField(
        label=_("Proof of a key (DPoP)"),
        choices=list(DEMANDS.items()),
        help_text=_("Required: its tokens are of no use to who steals them. Off: a proof is not looked at."),
    )
    token_exchange = forms.BooleanField(
        label=_("Exchange tokens that it was called with"),
        required=False,
        help_text=_("On: it may call others in the name of whoever called it, with the roles both hold."),
    )
    ignore_unknown_scopes = forms.BooleanField(
        label=_("Ignore unknown scopes"),
        required=False,
        help_text=_("On: a misspelt scope gives a token without it instead of an error."),
    )
    scope_aliases = Lines(
        label=_("Old scope names"),
        help_text=_("One in each line: vehicle.read = aud:acme.telemetry acme.telemetry/viewer"),
    )

    GROUPS = (
        (
            _("People signing in"),
            (
                *("redirect_uris", "post_logout_redirect_uris", "web_origins", "pkce_required"),
                *("pushed_requests", "backchannel_logout_uri"),
            ),
        ),
        (
            _("How it proves itself"),
            ("authentication_method", "jwks_uri", "secret_either_way", "assertion_for_token_endpoint"),
        ),
        (
            _("Tokens"),
            (
                *("algorithm", "dpop", "token_without_target", "token_exchange"),
                *("ignore_unknown_scopes", "scope_aliases"),
            ),
        ),
    )
    OF_CONFIDENTIAL = (*GROUPS[1][1], "pkce_required", "token_without_target", "token_exchange")

    def __init__(self, data: Data = None, *, initial: dict[str, Any], public: bool) -> None:
        super().__init__(data, initial=initial)
        self.fields["redirect_uris"].either = public  # type: ignore[attr-defined]
        if public:
            for name in self.OF_CONFIDENTIAL:
                del self.fields[name]

    def groups(self) -> list[dict[str, Any]]:
        """The fields in cards."""
        made = [
            {"title": title, "fields": [self[name] for name in names if name in self.fields]}
            for title, names in self.GROUPS
        ]
        return [group for group in made if group["fields"]]

    def clean_scope_aliases(self) -> dict[str, str]:
        """Name and words, parted by the first equals sign that has a space before it, or by the first."""
        found: dict[str, str] = {}
        for line in self.cleaned_data["scope_aliases"]:
            name, sign, words = line.partition(" = ") if " = " in line else line.partition("=")
            if not sign or not words.strip():
                raise forms.ValidationError(gettext("Write each line like: name = words"))
            if name.strip() in found:
                raise forms.ValidationError(gettext("A name stands there twice."))
            found[name.strip()] = " ".join(words.split())
        return found


def _one_at_least(found: tuple[str, ...]) -> tuple[str, ...]:
    if not found:
        raise forms.ValidationError(gettext("Name one address at least."))
    return found
