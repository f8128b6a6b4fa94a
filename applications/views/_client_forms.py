"""The forms of clients and their credentials: shape only, every rule is the action's.

An upload is read here, before any action: what holds a private key goes no further, and is not drawn again.
"""

from collections.abc import Callable
from typing import Any

from django import forms
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from applications.forms import Data, MomentField
from applications.proofs import certificates, keys
from applications.proofs.pem import LONGEST
from applications.proofs.refused import Unusable

METHODS = {
    "client_secret_basic": _("A secret, in the Authorization header"),
    "client_secret_post": _("A secret, in the form"),
    "private_key_jwt": _("A signed assertion (private_key_jwt)"),
    "self_signed_tls_client_auth": _("A certificate that is registered here"),
    "tls_client_auth": _("A certificate with a registered subject"),
}
_LARGEST = 4 * LONGEST  # bytes


class Upload(forms.Form):
    """Something pasted or uploaded, with a note and an end. Subclasses name the ``pasted`` field's reader."""

    note = forms.CharField(label=_("Note"), max_length=200, required=False, help_text=_("Where it is used."))
    expires_at = MomentField(
        label=_("Expires"), required=False, help_text=_("Empty: it is valid until it is revoked.")
    )

    def read_upload(self, name: str, read: Callable[[str], Any]) -> Any:
        """What is in the box or in the file beside it; None with an error at the field."""
        pasted = str(self.cleaned_data.get(name) or "")
        file = self.cleaned_data.get(f"{name}_file")
        try:
            if pasted.strip() and file is not None:
                raise Unusable("two", _t("Paste it or choose a file, not both."))
            text = pasted if file is None else _text_of(file)
            if not text.strip():
                raise Unusable("missing", _t("Paste it or choose a file."))
            return read(text)
        except Unusable as refused:
            self.add_error(name, refused.text)
            self._forget(name)
            return None

    def _forget(self, name: str) -> None:
        """It is of no use, and perhaps it holds a private key: the page does not repeat it."""
        self.data = {**dict(self.data.items()), name: ""}


class Pasted(forms.CharField):
    """A box for PEM or JSON. ``either``: it, or the file beside it, is needed."""

    either = True

    def __init__(self, rows: int = 6, **options: Any) -> None:
        attributes = {"rows": rows, "class": "mono", "spellcheck": "false", "autocomplete": "off"}
        super().__init__(required=False, widget=forms.Textarea(attributes), **options)


class FileBeside(forms.FileField):
    """The other way to hand it in."""

    either = True

    def __init__(self) -> None:
        super().__init__(label=_("Or a file"), required=False, allow_empty_file=True)


class KeyForm(Upload):
    """A public key."""

    key = Pasted(
        label=_("Public key"),
        help_text=_(
            "PEM (a PUBLIC KEY or a CERTIFICATE) or a JWK. Never the private key: that stays where it signs."
        ),
    )
    key_file = FileBeside()
    field_order = ("key", "key_file", "note", "expires_at")

    def clean(self) -> dict[str, Any]:
        self.cleaned_data["read"] = self.read_upload("key", keys.of_text)
        return self.cleaned_data


class CertificateForm(Upload):
    """One certificate."""

    pem = Pasted(
        label=_("Certificate"),
        help_text=_("PEM, without its private key. It counts for as long as it is valid."),
    )
    pem_file = FileBeside()
    field_order = ("pem", "pem_file", "note", "expires_at")

    def clean(self) -> dict[str, Any]:
        self.cleaned_data["read"] = self.read_upload("pem", certificates.of_pem)
        return self.cleaned_data


class SubjectForm(Upload):
    """A subject name and its anchor."""

    subject_dn = forms.CharField(
        label=_("Subject"),
        max_length=certificates.LONGEST_DN,
        widget=forms.TextInput({"placeholder": "CN=robot,OU=Plant 4,O=Acme,C=DE"}),
        help_text=_("As in the certificate, most specific part first (RFC 4514)."),
    )
    anchor = Pasted(
        label=_("Trust anchor"),
        help_text=_("The authority that signs the client's certificates, in PEM. No other one is believed."),
    )
    anchor_file = FileBeside()
    field_order = ("subject_dn", "anchor", "anchor_file", "note", "expires_at")

    def clean(self) -> dict[str, Any]:
        self.cleaned_data["read"] = self.read_upload("anchor", certificates.anchor_of_pem)
        try:
            if "subject_dn" in self.cleaned_data:
                self.cleaned_data["name"] = certificates.subject_dn(self.cleaned_data["subject_dn"])
        except Unusable as refused:
            self.add_error("subject_dn", refused.text)
        return self.cleaned_data


class IssuerForm(Upload):
    """Whom to trust about whom."""

    issuer = forms.CharField(
        label=_("Issuer"),
        max_length=500,
        widget=forms.URLInput({"placeholder": "https://"}),
        help_text=_("Exactly as it stands in the token (iss)."),
    )
    subject = forms.CharField(
        label=_("Subject"),
        max_length=500,
        widget=forms.TextInput({"placeholder": "system:serviceaccount:jobs:nightly"}),
        help_text=_("Exactly as in the token (sub). A * may end it, after a fixed part and its : or /."),
    )
    jwks_uri = forms.CharField(
        label=_("Address of its keys"),
        max_length=500,
        required=False,
        widget=forms.URLInput({"placeholder": "https://"}),
        help_text=_("Empty: found by the issuer's own discovery."),
    )
    jwks = Pasted(
        rows=4,
        label=_("Or its keys"),
        help_text=_("A JWK set, for an issuer that cannot be reached from here."),
    )
    field_order = ("issuer", "subject", "jwks_uri", "jwks", "note", "expires_at")

    def clean(self) -> dict[str, Any]:
        given = str(self.cleaned_data.get("jwks") or "").strip()
        self.cleaned_data["read"] = self.read_upload("jwks", keys.set_of_text) if given else None
        return self.cleaned_data


class Lines(forms.CharField):
    """A list, one entry in each line."""

    def __init__(self, *, rows: int = 3, **options: Any) -> None:
        widget = forms.Textarea({"rows": rows, "class": "mono", "spellcheck": "false"})
        super().__init__(required=False, max_length=12_000, widget=widget, **options)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list | tuple) else value

    def clean(self, value: Any) -> tuple[str, ...]:
        return tuple(line.strip() for line in super().clean(value).splitlines() if line.strip())


class PublicClientForm(forms.Form):
    """What a public client needs to begin with."""

    redirect_uris = Lines(
        label=_("Redirect addresses"),
        help_text=_("One in each line, compared letter by letter. Apps may use com.example.app:/path."),
    )
    web_origins = Lines(
        label=_("Web origins"),
        rows=2,
        help_text=_("Whose pages may call the token endpoint, like https://app.example.org."),
    )


class ClientForm(PublicClientForm):
    """All that is set on a client. A public one has no proof of its own, and always PKCE."""

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
            ("redirect_uris", "post_logout_redirect_uris", "web_origins", "pkce_required"),
        ),
        (
            _("How it proves itself"),
            ("authentication_method", "jwks_uri", "secret_either_way", "assertion_for_token_endpoint"),
        ),
        (_("Tokens"), ("algorithm", "token_without_target", "ignore_unknown_scopes", "scope_aliases")),
    )
    OF_CONFIDENTIAL = (*GROUPS[1][1], "pkce_required")

    def __init__(self, data: Data = None, *, initial: dict[str, Any], public: bool) -> None:
        super().__init__(data, initial=initial)
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
                raise forms.ValidationError(_t("Write each line like: name = words"))
            if name.strip() in found:
                raise forms.ValidationError(_t("A name stands there twice."))
            found[name.strip()] = " ".join(words.split())
        return found


def _text_of(file: Any) -> str:
    if file.size > _LARGEST:
        raise Unusable("too_large", _t("The file is too large for a key or a certificate."))
    try:
        return str(file.read().decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Unusable("no_text", _t("The file holds no text. Convert it to PEM first.")) from None
