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

from tenants.branding import named
from tenants.models import Tenant, User, UserLink

log = structlog.get_logger("iam.mail")

LINK_PATH = "/t/{slug}/set-password"  # the page that takes ?token=
PROOF_PATH = "/t/{slug}/account/email/proof"  # the same
ACCOUNT_PATH = "/t/{slug}/account"
SIGN_IN_PATH = "/t/{slug}/sign-in"


def send_link(*, link: UserLink, token: str) -> None:
    """Send the person the link once the transaction has committed; nothing is sent when it rolls back."""
    user, tenant = link.user, link.tenant
    address = _address(LINK_PATH, tenant, f"?token={token}")
    with _language(user):
        subject, body = _of_link(link)
        words = {**_words(user, user.email), "until": _moment(link.expires_at), "address": address}
        # In this process: a queued task would hold the link in the broker.
        _later(subject, body, words, user.email, str(link.id))


def _of_link(link: UserLink) -> tuple[str, str]:
    if link.purpose == UserLink.Purpose.INVITATION:
        subject = _("Your account at %(organization)s")
        body = _(
            "%(greeting)s,\n\n%(organization)s has made an account for you. Your user name is %(username)s."
        )
    else:
        subject = _("A new password at %(organization)s")
        body = _(
            "%(greeting)s,\n\na new password was asked for your account %(username)s at %(organization)s."
        )
    return subject, body + "\n" + _(
        "Set your password here, until %(until)s:\n\n%(address)s\n\nThe link works once."
    )


def send_proof(*, link: UserLink, token: str) -> None:
    """The link that proves another address, to that address."""
    words = {
        **_words(link.user, link.email),
        "until": _moment(link.expires_at),
        "address": _address(PROOF_PATH, link.tenant, f"?token={token}"),
    }
    with _language(link.user):
        subject = _("Your e-mail address at %(organization)s")
        body = _(
            "%(greeting)s,\n\nthis address was given for your account %(username)s at %(organization)s.\n"
            "Confirm it here, until %(until)s:\n\n%(address)s\n\nThe link works once. Who did not ask for it "
            "has nothing to do: nothing changes."
        )
        _later(subject, body, words, link.email, str(link.id))


def tell_address_changed(*, user: User, former: str) -> None:
    """To the mailbox that was his until now."""
    with _language(user):
        subject = _("Another e-mail address at %(organization)s")
        body = _(
            "%(greeting)s,\n\nyour account %(username)s at %(organization)s has another e-mail address since "
            "today. Mail no longer goes here.\n\nIf that was not you, tell an administrator of your "
            "organization at once."
        )
        _later(subject, body, _words(user, former), former, str(user.id))


def tell_password_changed(*, user: User, at: datetime) -> None:
    """To the person, whoever did it."""
    words = {**_words(user, user.email), "when": _moment(at), "address": _address(ACCOUNT_PATH, user.tenant)}
    with _language(user):
        subject = _("Your password at %(organization)s was changed")
        body = _(
            "%(greeting)s,\n\nthe password of your account %(username)s at %(organization)s was changed on "
            "%(when)s. Other browsers and applications are signed out.\n\nIf that was not you, tell an "
            "administrator of your organization at once.\n\n%(address)s"
        )
        _later(subject, body, words, user.email, str(user.id))


def tell_new_browser(*, user: User, browser: str, source_address: str, at: datetime) -> None:
    """To the person: somebody signed in where he never did before."""
    words = {
        **_words(user, user.email),
        "browser": browser,
        "source": source_address or "–",
        "when": _moment(at),
        "address": _address(ACCOUNT_PATH, user.tenant),
    }
    with _language(user):
        subject = _("A sign-in in a new browser at %(organization)s")
        body = _(
            "%(greeting)s,\n\nyour account %(username)s at %(organization)s was signed in to on %(when)s, in "
            "a browser that was not used for it before: %(browser)s, from %(source)s.\n\nIf that was you, "
            "there is nothing to do. If not, change your password: it signs everybody else out."
            "\n\n%(address)s"
        )
        _later(subject, body, words, user.email, str(user.id))


def organizations_of(address: str, people: Sequence[User]) -> None:
    """Where the person of this address has accounts, with the ways to them. Sent at once, to nobody else."""
    with _language(people[0]):
        subject = _("Your organizations")
        body = _("Somebody, maybe you, asked where this e-mail address has an account:\n\n%(ways)s")
        lines = [f"{_one_line(user.tenant.name)}\n{_address(SIGN_IN_PATH, user.tenant)}" for user in people]
        _send(subject, body % {"ways": "\n\n".join(lines)}, address, "organizations")


def _address(path: str, tenant: Tenant, query: str = "") -> str:
    return f"{settings.PORTAL_BASE_URL}{path.format(slug=tenant.slug)}{query}"


def _words(user: User, to: str) -> dict[str, str]:
    """What he is called goes to a mailbox that he proved: else his name is his own text to strangers."""
    proven = user.email_proven_at is not None and to == user.email
    greeting = str(user) if proven else _("Hello")
    return {"greeting": greeting, "organization": named(user.tenant), "username": user.username}


def _language(user: User) -> translation.override:
    """His own, else the installation's: never that of whoever acts."""
    return translation.override(user.language or settings.LANGUAGE_CODE)


def _later(subject: str, body: str, words: Mapping[str, str], to: str, about: str) -> None:
    """No value brings lines of its own: what people call things must not look like a part of the mail."""
    flat = {name: _one_line(value) for name, value in words.items()}
    transaction.on_commit(partial(_send, _one_line(subject % flat), body % flat, to, about))


def _send(subject: str, body: str, to: str, about: str) -> None:
    try:
        send_mail(subject, body, settings.DEFAULT_FROM_EMAIL, [to])
    except Exception as exc:  # the change is committed; no mail server may make it look undone
        log.error("mail_failed", about=about, error=type(exc).__name__)  # its text may quote the mail


def _moment(at: datetime) -> str:
    return at.strftime("%d %B %Y, %H:%M UTC")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def tell(*, user: User, subject: str, said: str) -> None:
    """Tell a person what happened to his account, once it is committed. ``said`` begins in lower case."""
    with _language(user):
        body = _("%(greeting)s,\n\nat %(organization)s, %(said)s")
        words = {**_words(user, user.email), "subject": subject, "said": said}
        _later("%(subject)s · %(organization)s", body, words, user.email, str(user.id))
