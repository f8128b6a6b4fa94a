"""The forms of credentials: shape only, every rule is the action's.

An upload is read here, before any action: what holds a private key goes no further, and is not drawn again.
"""

from collections.abc import Callable
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from applications.forms import MomentField
from applications.proofs import certificates, keys
from applications.proofs.pem import LONGEST
from applications.proofs.refused import Unusable

_LARGEST = 4 * LONGEST  # bytes


class Upload(forms.Form):
    """Something pasted or uploaded, with a note and an end. Subclasses name the ``pasted`` field's reader."""

    forgot = False  # whether some of the input is not drawn again

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
                raise Unusable("two", gettext("Paste it or choose a file, not both."))
            text = pasted if file is None else _text_of(file)
            if not text.strip():
                raise Unusable("missing", gettext("Paste it or choose a file."))
            return read(text)
        except Unusable as refused:
            self.add_error(name, refused.text)
            self._forget(name)
            return None

    def _forget(self, name: str) -> None:
        """It is of no use, and perhaps it holds a private key: the page does not repeat it."""
        self.data, self.forgot = {**dict(self.data.items()), name: ""}, True


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
        help_text=_("Exactly as in the token (sub). A * may end it after two parts, like repo:acme/*."),
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


def _text_of(file: Any) -> str:
    if file.size > _LARGEST:
        raise Unusable("too_large", gettext("The file is too large for a key or a certificate."))
    try:
        return str(file.read().decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Unusable("no_text", gettext("The file holds no text. Convert it to PEM first.")) from None
