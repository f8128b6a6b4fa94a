"""Second factors: their codes, their names, and the password once more."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

_LONGEST_NAME = 60


def _name(example: Any) -> forms.CharField:
    return forms.CharField(
        label=_("Name"),
        max_length=_LONGEST_NAME,
        help_text=example,
        widget=forms.TextInput({"autocomplete": "off"}),
    )


def _code(label: Any, help_text: Any, *, longest: int, **more: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=longest,
        help_text=help_text,
        widget=forms.TextInput(
            {"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false", **more}
        ),
    )


class SecondStepForm(forms.Form):
    """The code of an app, or a recovery code: which one, its shape says."""

    code = _code(
        _("Code"),
        _("The six digits that your app shows now. If you have lost it: one of your recovery codes."),
        longest=60,
        autofocus="autofocus",
    )


class AppForm(forms.Form):
    """A new authenticator app with its first code."""

    name = _name(_("So that you know it again, like “phone”."))
    code = _code(_("Code that the app shows"), _("Six digits."), longest=20, inputmode="numeric")
    set_up = forms.CharField(max_length=1000, widget=forms.HiddenInput)


class NameForm(forms.Form):
    """Another name for one that is there."""

    name = _name(_("So that you know it again, like “laptop” or “phone”."))


class AnswerForm(forms.Form):
    """What a browser answers for a passkey. Its script fills it in."""

    credential = forms.CharField(max_length=20_000, strip=False, widget=forms.HiddenInput)
    challenge = forms.CharField(max_length=1000, strip=False, widget=forms.HiddenInput)


class PasskeyForm(AnswerForm):
    """A new passkey with its name."""

    name = _name(_("So that you know it again, like “laptop” or “blue key”."))


class IdentityForm(forms.Form):
    """The password of who is signed in, once more."""

    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput({"autocomplete": "current-password", "autofocus": True}),
    )
