"""Each way in which a sign-in by a provider fails: its code, what to say, and what to do about it.

The person sees the words of :data:`WAYS`, never those of the provider; the guide has the same table.
"""

from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Failed(Exception):
    """``code`` is one of :data:`WAYS`; ``word`` narrows it down, and quotes nothing of an answer."""

    def __init__(self, code: str, word: str = "") -> None:
        super().__init__(code)
        self.code, self.word = code, word


@dataclass(slots=True)
class Trace:
    """The steps that were taken, for an administrator who tries a provider. No token and no secret."""

    steps: list[tuple[str, str]] = field(default_factory=list)

    def add(self, step: str, told: str = "") -> None:
        """One that went well."""
        self.steps.append((step, told))


_LATER = _("Try again later; if it stays so, tell an administrator of your organization.")
_AGAIN = _("Begin again at the sign-in page.")
_ADMINISTRATOR = _("An administrator of your organization has to look at the provider's settings.")
WAYS: dict[str, tuple[str | Promise, str | Promise]] = {
    "provider_unreachable": (_("The provider's description cannot be had, or is not sound."), _LATER),
    "provider_busy": (_("Too many sign-ins are waiting for providers at the moment."), _LATER),
    "sign_in_elsewhere": (
        _("This sign-in was not begun in this browser, or too long ago."),
        _AGAIN,
    ),
    "sign_in_used": (_("This sign-in was finished already."), _AGAIN),
    "provider_refused": (_("The provider did not sign you in."), _AGAIN),
    "issuer_mixed_up": (_("The answer does not come from the provider that was asked."), _AGAIN),
    "code_missing": (_("The provider's answer has no code."), _ADMINISTRATOR),
    "code_refused": (
        _("The provider did not take the code: client id, secret or return address may be wrong there."),
        _ADMINISTRATOR,
    ),
    "token_missing": (_("The provider gave no ID token."), _ADMINISTRATOR),
    "token_malformed": (_("The provider's ID token is not sound."), _ADMINISTRATOR),
    "token_issuer": (_("The ID token is of another issuer."), _ADMINISTRATOR),
    "token_audience": (_("The ID token is not for this client."), _ADMINISTRATOR),
    "token_algorithm": (_("The ID token is not signed with a public key."), _ADMINISTRATOR),
    "token_signature": (_("No key of the provider has signed the ID token."), _ADMINISTRATOR),
    "token_time": (_("The ID token is too old, or of the future. The clocks may differ."), _LATER),
    "token_nonce": (_("The ID token belongs to another sign-in."), _AGAIN),
    "token_access": (_("The ID token belongs to another access token."), _ADMINISTRATOR),
    "sign_in_old": (_("The provider did not ask anew who you are, or does not say when."), _AGAIN),
    "subject_missing": (_("The provider does not say who you are."), _ADMINISTRATOR),
    "userinfo_refused": (_("The provider does not tell about you."), _LATER),
    "userinfo_subject": (_("The provider tells about somebody else."), _ADMINISTRATOR),
    "account_closed": (
        _("Your account here is deactivated, or your organization is suspended."),
        _("An administrator of your organization can reactivate it."),
    ),
    "not_known": (
        _("Nobody here is linked to your account at the provider."),
        _("Sign in here in another way and link it, or ask an administrator of your organization."),
    ),
    "identity_taken": (
        _("Your account at the provider is linked here already."),
        _("Sign out at the provider, and come back with the account that is to be linked."),
    ),
    "email_unproven": (
        _("The provider does not say that your e-mail address is proven."),
        _("Prove it there, or ask an administrator of your organization to invite you."),
    ),
}
