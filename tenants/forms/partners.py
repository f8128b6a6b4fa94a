"""Invitations, and what is accepted without looking."""

from urllib.parse import urlsplit

from django import forms
from django.utils.translation import gettext_lazy as _

from tenants.models.tenants import SLUG_PATTERN


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
        help_text=_(
            "New proposals of this partner are then accepted at once, unseen, and in force from their start."
            " Amendments are always asked for, and no application gets a role of another by it."
            " Switching it off changes nothing that was accepted."
        ),
    )
