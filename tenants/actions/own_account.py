"""What a person does with the own account: another password, another mailbox. Each asks for proof."""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.contrib.auth.hashers import check_password
from django.db import transaction
from django.utils.translation import gettext as _

from iam_portal.errors import DomainError, Invalid, Kind
from iam_portal.gate import Actor
from iam_portal.walls import tenant_scope
from tenants import emails, hashers, passwords, policies
from tenants.actions import entering, guesses, links, sessions
from tenants.history import record
from tenants.models import User, UserLink, UserSession
from tenants.signals import password_set

PROOFS, PROOFS_WITHIN = (
    5,
    timedelta(hours=1),
)  # links to other mailboxes, maybe strangers'

_Told = Mapping[str, object] | None


class PasswordWrong(Invalid):
    """The present password is another one."""

    code = "password_wrong"


class TooManyProofs(DomainError):
    """Links to other addresses were asked for too often."""

    code = "too_many_proofs"
    kind = Kind.THROTTLED


def confirm(*, session: UserSession, password: str, by: Actor, at: datetime) -> None:
    """Ask for the present password: whoever finds a browser signed in does not take the account over.

    Counted for the person, with all other proofs: by minutes, by the day, and he is told by mail. Signing in
    with the password is not stopped by it. A refusal must be committed, and none of what follows with it:
    catch it without a savepoint.
    """
    user = session.user
    guesses.count(user=user, by=by, at=at)
    if not check_password(password, user.password):
        raise PasswordWrong("", errors=[_wrong()])
    with tenant_scope(user.tenant_id):
        guesses.forget(user=user, by=by, at=at)


def change_password(*, session: UserSession, password: str, by: Actor, at: datetime) -> str:
    """Another password, after :func:`confirm`. The value of this browser's new cookie.

    All else that was signed in with the former one ends: other browsers, and applications for good.
    """
    with transaction.atomic():
        user = policies.locked_user(tenant=session.tenant, user_id=session.user_id)
        user.tenant = session.tenant
        passwords.give(user, password)
        user.save(update_fields=["password"])
        links.void(user=user, at=at)
        sessions.end_all(user=user, by=by, at=at, but=session)
        token = entering.renew(session=session, at=at)
        _record("user.password_set", user, by, at, {"by": "person"})
        password_set.send(sender=User, tenant=session.tenant, user=user, by=by, at=at)
        emails.tell_password_changed(user=user, at=at)
    return token


def end_others(*, session: UserSession, by: Actor, at: datetime) -> int:
    """Sign every other browser of the person out."""
    with transaction.atomic():
        ended = sessions.end_all(user=session.user, by=by, at=at, but=session)
        if ended:
            subject = ("user", session.user_id, str(session.user))
            record(
                action="session.others_ended",
                tenants=[session.tenant],
                by=by,
                at=at,
                subject=subject,
                before={"others": ended},
            )
    return ended


def ask_address(*, session: UserSession, email: str, by: Actor, at: datetime) -> None:
    """Send a link to another address; until it is used nothing changes, and a second one voids the first.

    Whether somebody here has the address is told to who proves it, and not to who types it.
    """
    with transaction.atomic():
        user = policies.locked_user(tenant=session.tenant, user_id=session.user_id)
        user.tenant = session.tenant
        proofs = UserLink.objects.filter(user=user, purpose=links.Purpose.EMAIL)
        lately = proofs.filter(created_at__gt=at - PROOFS_WITHIN).order_by("-created_at")
        if since := lately.values_list("created_at", flat=True)[PROOFS - 1 : PROOFS].first():
            wait = math.ceil((since + PROOFS_WITHIN - at).total_seconds())
            raise TooManyProofs(_("Too many links were sent. Wait an hour."), data={"retryAfter": wait})
        proofs.filter(used_at=None).update(used_at=at, email="")
        token = hashers.fresh()
        link = UserLink(
            tenant=session.tenant,
            user=user,
            purpose=links.Purpose.EMAIL,
            email=email.strip(),
            digest=hashers.digest(token),
            created_at=at,
            expires_at=at + links.RESET_LIFETIME,
        )
        link.full_clean()
        link.save(force_insert=True)
        _record("user.address_asked", user, by, at, {"linkId": str(link.id)})
        emails.send_proof(link=link, token=token)


def proof(*, session: UserSession, token: str, at: datetime) -> str:
    """The address that a link of this person proves; ``LinkUnknown`` for any other."""
    return _proof(session, token, at).email


def prove_address(*, session: UserSession, token: str, by: Actor, at: datetime) -> User:
    """Use the link up: its address is the person's from now on, and the former one is told."""
    with transaction.atomic():
        policies.hold(session.tenant)
        user = policies.locked_user(tenant=session.tenant, user_id=session.user_id)
        user.tenant = session.tenant
        link = _proof(session, token, at)
        former, user.email, user.email_proven_at = user.email, link.email, at
        before = {"revision": f"r-{user.revision}"}
        user.revision += 1
        user.full_clean()
        user.save(update_fields=["email", "email_proven_at", "revision"])
        links.void(user=user, at=at)  # those that went to the former one, too
        after = {"fields": ["email"], "revision": f"r-{user.revision}"}
        _record("user.changed", user, by, at, after, before=before)
        if former and former.lower() != user.email.lower():
            emails.tell_address_changed(user=user, former=former)
    return user


def _proof(session: UserSession, token: str, at: datetime) -> UserLink:
    rows = UserLink.objects.filter(tenant=session.tenant, user=session.user_id, purpose=links.Purpose.EMAIL)
    found = rows.filter(digest=hashers.digest(token), used_at=None, expires_at__gt=at).first()
    if found is None:
        raise links.LinkUnknown("This link is not known, or no longer valid. Ask for a new one.")
    return found


def _wrong() -> dict[str, str]:
    return {"pointer": "/current", "code": "password_wrong", "detail": _("This is not your password.")}


def _record(action: str, user: User, by: Actor, at: datetime, after: _Told, *, before: _Told = None) -> None:
    tenants, subject = [user.tenant_id], ("user", user.id, str(user))
    record(action=action, tenants=tenants, by=by, at=at, subject=subject, before=before, after=after)
