"""Single-use links to a person's own mailbox. The value exists in the mail only; here is its digest."""

import math
from datetime import datetime, timedelta

from django.conf import settings

from iam_portal.errors import DomainError, Kind
from iam_portal.sentences import said
from tenants import emails, hashers, policies
from tenants.models import Tenant, User, UserLink

RESET_LIFETIME = timedelta(hours=24)
HOUR = timedelta(hours=1)
TO_ONE = 5  # links to one person in an hour
Purpose = UserLink.Purpose


class LinkUnknown(DomainError):
    """Unknown, used, expired, of another organization or of an inactive person: never told apart."""

    code = "link_unknown"
    kind = Kind.MISSING


class TooManyLinks(DomainError):
    """This person, or this organization, was sent as many links within an hour as are sent."""

    code = "too_many_links"
    kind = Kind.THROTTLED


def issue(*, tenant: Tenant, user: User, at: datetime) -> UserLink:
    """Void older links and send a new one: an invitation to whom never set a password, else a reset.

    Asks nobody: the callers ask ``principal_becoming``. Nothing returned can be used by the administrator.
    """
    require_few(tenant=tenant, user=user, at=at)
    void(user=user, at=at)
    token = hashers.fresh()
    purpose = Purpose.RESET if user.has_usable_password() else Purpose.INVITATION
    lifetime = settings.INVITATION_LIFETIME if purpose == Purpose.INVITATION else RESET_LIFETIME
    link = UserLink(
        tenant=tenant,
        user=user,
        purpose=purpose,
        digest=hashers.digest(token),
        created_at=at,
        expires_at=at + lifetime,
    )
    link.full_clean()
    link.save(force_insert=True)
    emails.send_link(link=link, token=token)
    return link


def require_few(*, tenant: Tenant, user: User, at: datetime) -> None:
    """TooManyLinks where the mailbox, or all of the organization, had as many as are sent in an hour.

    The portal must not be made to fill a stranger's mailbox. However many there are, the look is short.
    """
    lately = UserLink.objects.filter(tenant=tenant, created_at__gt=at - HOUR)
    sent = lately.exclude(purpose=Purpose.EMAIL).order_by("-created_at")  # those are counted by themselves
    bounds = ((sent.filter(user=user), TO_ONE), (sent, settings.PORTAL_LINKS_PER_HOUR))
    reached = [rows.values_list("created_at", flat=True)[most - 1 : most].first() for rows, most in bounds]
    if since := max((moment for moment in reached if moment), default=None):
        wait = max(1, math.ceil((since + HOUR - at).total_seconds()))
        detail = said("Too many mails were sent within an hour. Try again later.")
        raise TooManyLinks(detail, data={"retryAfter": wait})


def take(*, tenant: Tenant, token: str, at: datetime) -> UserLink:
    """Use up the link. Its user is locked first, so that of two who come at once one finds it used."""
    rows = UserLink.objects.filter(tenant=tenant).exclude(purpose=Purpose.EMAIL)  # that sets no password
    known = rows.filter(digest=hashers.digest(token)).first()
    user = policies.held_user(tenant=tenant, user_id=known.user_id) if known else None
    link = UserLink.objects.filter(pk=known.pk, used_at=None, expires_at__gt=at).first() if known else None
    if user is None or link is None or not policies.is_active(user=user, at=at):
        raise LinkUnknown("This link is not known, or no longer valid. Ask for a new one.")
    link.user, link.used_at = user, at
    link.save(update_fields=["used_at"])
    return link


def look(*, tenant: Tenant, token: str) -> UserLink | None:
    """The link as it stands, good or not, with its user: who has its value may know what became of it."""
    rows = UserLink.objects.filter(tenant=tenant, digest=hashers.digest(token), user__deleted_at=None)
    return rows.exclude(purpose=Purpose.EMAIL).select_related("user").first()


def void(*, user: User, at: datetime) -> None:
    """No unused link of this user works any more, and none says which address it was to prove."""
    UserLink.objects.filter(user=user, used_at=None).update(used_at=at, email="")
