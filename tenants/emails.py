"""Mail to people. A link goes into the mail and stands nowhere else: not in logs, not in tasks."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from iam_portal.sentences import Said
from iam_portal.templatetags.moments import plain_utc
from iam_portal.translating import translated
from tenants.branding import named
from tenants.models import AuthenticatorApp, Passkey, Tenant, User, UserLink

log = structlog.get_logger("iam.mail")

LINK_PATH = "/t/{slug}/set-password"  # the page that takes ?token=
PROOF_PATH = "/t/{slug}/account/email/proof"  # the same
ACCOUNT_PATH = "/t/{slug}/account"
FACTORS_PATH = "/t/{slug}/account/factors"
SIGN_IN_PATH = "/t/{slug}/sign-in"
_PARAGRAPH = "factors"  # made here, of values in one line each


def send_link(*, link: UserLink, token: str) -> None:
    """Send the person the link once the transaction has committed; nothing is sent when it rolls back."""
    user, tenant = link.user, link.tenant
    address = _address(LINK_PATH, tenant, f"?token={token}")
    with _language(user):
        subject, body = _of_link(link)
        words = {**_words(user, user.email), "until": plain_utc(link.expires_at), "address": address}
        # In this process: a queued task would hold the link in the broker.
        _later(subject, body, words, user.email, str(link.id))


def _of_link(link: UserLink) -> tuple[str, str]:
    if link.purpose == UserLink.Purpose.INVITATION:
        subject = _("Your account at %(organization)s")
        body = _(
            "%(person)s,\n\n%(organization)s has made an account for you. Your user name is %(username)s."
        )
    else:
        subject = _("A new password at %(organization)s")
        body = _("%(person)s,\n\na new password was asked for your account %(username)s at %(organization)s.")
    return subject, body + "\n" + _(
        "Set your password here, until %(until)s:\n\n%(address)s\n\nThe link works once."
    )


def send_proof(*, link: UserLink, token: str) -> None:
    """The link that proves another address, to that address."""
    address = _address(PROOF_PATH, link.tenant, f"?token={token}")
    with _language(link.user):
        words = {**_words(link.user, link.email), "until": plain_utc(link.expires_at), "address": address}
        subject = _("Your e-mail address at %(organization)s")
        body = _(
            "%(person)s,\n\nthis address was given for your account %(username)s at %(organization)s.\n"
            "Confirm it here, until %(until)s:\n\n%(address)s\n\nThe link works once. Who did not ask for it "
            "has nothing to do: nothing changes."
        )
        _later(subject, body, words, link.email, str(link.id))


def tell_address_changed(*, user: User, former: str) -> None:
    """To the mailbox that was his until now."""
    with _language(user):
        subject = _("Another e-mail address at %(organization)s")
        body = _(
            "%(person)s,\n\nyour account %(username)s at %(organization)s has another e-mail address since "
            "today. Mail no longer goes here.\n\nIf that was not you, tell an administrator of your "
            "organization at once."
        )
        _later(subject, body, _words(user, former), former, str(user.id))


def tell_password_changed(*, user: User, at: datetime) -> None:
    """To the person, whoever did it."""
    address = _address(ACCOUNT_PATH, user.tenant)
    with _language(user):
        words = {
            **_words(user, user.email),
            "when": plain_utc(at),
            "address": address,
            "factors": _kept_factors(user),
        }
        subject = _("Your password at %(organization)s was changed")
        body = _(
            "%(person)s,\n\nthe password of your account %(username)s at %(organization)s was changed on "
            "%(when)s. Other browsers and applications are signed out.\n\n%(factors)sIf that was not you, "
            "tell an administrator of your organization at once.\n\n%(address)s"
        )
        _later(subject, body, words, user.email, str(user.id))


def tell_new_browser(*, user: User, browser: str, source_address: str, at: datetime) -> None:
    """To the person: somebody signed in where he never did before."""
    from_where = {"browser": browser, "source": source_address or "–"}
    address = _address(ACCOUNT_PATH, user.tenant)
    with _language(user):
        words = {**_words(user, user.email), **from_where, "when": plain_utc(at), "address": address}
        subject = _("A sign-in in a new browser at %(organization)s")
        body = _(
            "%(person)s,\n\nyour account %(username)s at %(organization)s was signed in to on %(when)s, in "
            "a browser that was not used for it before: %(browser)s, from %(source)s.\n\nIf that was you, "
            "there is nothing to do. If not, change your password, which signs out every other browser."
            "\n\n%(address)s\n\n%(factors)s"
        )
        words["factors"] = _kept_factors(user)
        _later(subject, body, words, user.email, str(user.id))


def organizations_of(address: str, people: Sequence[User]) -> None:
    """Where the person of this address has accounts, with the ways to them. Sent at once, to nobody else."""
    with _language(people[0]):
        subject = _("Your organizations")
        body = _("Somebody, maybe you, asked where this e-mail address has an account:\n\n%(ways)s")
        lines = [f"{one_line(user.tenant.name)}\n{_address(SIGN_IN_PATH, user.tenant)}" for user in people]
        _send(subject, body % {"ways": "\n\n".join(lines)}, address, "organizations")


def tell(*, user: User, subject: Said, text: Said) -> None:
    """Tell a person what happened to his account, once it is committed. ``text`` begins in lower case.

    Neither is translated yet: whoever acts may read another language than the person who is told.
    """
    with _language(user):
        body = _("%(person)s,\n\nat %(organization)s, %(said)s")
        words = {**_words(user, user.email), "said": translated(text)}
        _later(f"{translated(subject)} · %(organization)s", body, words, user.email, str(user.id))


def _address(path: str, tenant: Tenant, query: str = "") -> str:
    return f"{settings.PORTAL_BASE_URL}{path.format(slug=tenant.slug)}{query}"


def _words(user: User, to: str) -> dict[str, str]:
    """What he is called goes to a mailbox that he proved: else his name is his own text to strangers."""
    proven = user.email_proven_at is not None and to == user.email
    with _language(user):
        greeting = str(user) if proven else _("Hello")
    return {"person": greeting, "organization": named(user.tenant), "username": user.username}


def _language(user: User) -> translation.override:
    """His own, else the installation's: never that of whoever acts."""
    return translation.override(user.language or settings.LANGUAGE_CODE)


def _later(subject: str, body: str, words: Mapping[str, str], to: str, about: str) -> None:
    """No value brings lines of its own: what people call things must not look like a part of the mail."""
    flat = {name: value if name == _PARAGRAPH else one_line(value) for name, value in words.items()}
    transaction.on_commit(partial(_send, one_line(subject % flat), body % flat, to, about))


def _send(subject: str, body: str, to: str, about: str) -> None:
    try:
        send_mail(subject, body, settings.DEFAULT_FROM_EMAIL, [to])
    except Exception as exc:  # the change is committed; no mail server may make it look undone
        log.error("mail_failed", about=about, error=type(exc).__name__)  # its text may quote the mail


def _kept_factors(user: User) -> str:
    """A paragraph about what no new password takes away: who was in may have added one of his own.

    A passkey lets him in without any password. Their names are whatever he typed, so each stands in one line.
    """
    rows: list[Passkey | AuthenticatorApp] = [
        *Passkey.objects.filter(user=user),
        *AuthenticatorApp.objects.filter(user=user),
    ]
    if not rows:
        return ""
    said = _(
        "A new password does not touch passkeys and authenticator apps. These are on your account:"
        "\n\n%(names)s\n\nRemove what is not yours, and make new recovery codes:\n%(address)s\n\n"
    )
    added = _("%(name)s, added %(when)s")
    lines = [added % {"name": one_line(row.name), "when": plain_utc(row.created_at)} for row in rows]
    names = "\n".join(f"- {line}" for line in lines)
    return said % {"names": names, "address": _address(FACTORS_PATH, user.tenant)}


def one_line(text: str) -> str:
    """What somebody called a thing, without lines of its own."""
    return " ".join(text.split())
