"""Mail to people. A link goes into the mail and stands nowhere else: not in logs, not in tasks."""

from datetime import datetime
from functools import partial

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.utils.translation import gettext as _

from tenants.models import User, UserLink

log = structlog.get_logger("iam.mail")

LINK_PATH = "/t/{slug}/set-password"  # the page that takes ?token=


def send_link(*, link: UserLink, token: str) -> None:
    """Send the person the link once the transaction has committed; nothing is sent when it rolls back."""
    user, tenant = link.user, link.tenant
    address = f"{settings.PORTAL_BASE_URL}{LINK_PATH.format(slug=tenant.slug)}?token={token}"
    if link.purpose == UserLink.Purpose.INVITATION:
        subject = _("Your account at %(organization)s") % {"organization": tenant.name}
        body = _(
            "%(person)s,\n\n%(organization)s has made an account for you. Your user name is %(username)s."
        )
    else:
        subject = _("A new password at %(organization)s") % {"organization": tenant.name}
        body = _("%(person)s,\n\na new password was asked for your account %(username)s at %(organization)s.")
    body += "\n" + _("Set your password here, until %(until)s:\n\n%(address)s\n\nThe link works once.")
    words = {
        "person": str(user),
        "organization": tenant.name,
        "username": user.username,
        "until": _moment(link.expires_at),
        "address": address,
    }
    # In this process: a queued task would hold the link in the broker.
    transaction.on_commit(partial(_send, _one_line(subject), body % words, user.email, str(link.id)))


def _send(subject: str, body: str, to: str, link_id: str) -> None:
    try:
        send_mail(subject, body, settings.DEFAULT_FROM_EMAIL, [to])
    except Exception as exc:  # the change is committed; no mail server may make it look undone
        log.error("mail_failed", link_id=link_id, error=type(exc).__name__)  # its text may quote the mail


def _moment(at: datetime) -> str:
    return at.strftime("%d %B %Y, %H:%M UTC")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def tell(*, user: User, subject: str, said: str) -> None:
    """Tell a person what happened to his account, once it is committed. ``said`` begins in lower case."""
    words = {"person": str(user), "organization": user.tenant.name, "said": said}
    body = _("%(person)s,\n\nat %(organization)s, %(said)s") % words
    transaction.on_commit(partial(_send, _one_line(f"{subject} · {user.tenant.name}"), body, user.email, ""))
