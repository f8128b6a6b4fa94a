"""Letting a person in who has proved who he is: the browser's session, how he proved it, and its end."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import transaction

from iam_portal.gate import Actor
from tenants import acquainted, emails, hashers
from tenants.history import record
from tenants.lifetimes import Lifetime, lifetime
from tenants.models import User, UserSession
from tenants.models.users import FEDERATED
from tenants.signals import sessions_ended

__all__ = ["FEDERATED", "Halfway", "Origin", "SignedIn", "confirm", "end", "enter", "renew", "tell_ended"]

# Authentication methods as ID tokens name them (RFC 8176 §2).
PASSWORD, CODE, MULTIPLE = "pwd", "otp", "mfa"
DEVICE_KEY, SYNCED_KEY = "hwk", "swk"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a sign-in comes from."""

    source_address: str = ""
    user_agent: str = ""
    request_id: str = ""
    browser: str = ""  # what the browser keeps of who has signed in there (:mod:`tenants.acquainted`)

    def actor(self, user: User) -> Actor:
        """The person, as history notes him."""
        return Actor("user", str(user.id), str(user), user.tenant_id, self.request_id, self.source_address)


class SignedIn(NamedTuple):
    """Somebody who is in: ``token`` is the value of his session cookie."""

    user: User
    token: str


class Halfway(NamedTuple):
    """Somebody whose password was right, and who is not in: ``token`` opens the second step alone."""

    user: User
    token: str


def enter(
    *, user: User, former: UserSession | None, methods: Iterable[str], origin: Origin, at: datetime
) -> SignedIn:
    """A session for this person, who is locked and may be here. Every way in ends in this function.

    ``former`` is the live session of this browser: the same person's goes on, another's ends.
    """
    proved = sorted(set(methods))
    return SignedIn(user, _go_on(user, former, proved, at, origin) or _start(user, proved, at, origin))


def end(*, session: UserSession, by: Actor, at: datetime) -> None:
    """End this session; the others of the user stay."""
    with transaction.atomic():
        if UserSession.objects.filter(pk=session.pk, ended_at=None).update(ended_at=at):
            _record("session.ended", session, by, at)
            tell_ended(tenant_id=session.tenant_id, user_id=session.user_id, by=by, at=at)


def tell_ended(*, tenant_id: UUID, user_id: UUID, by: Actor, at: datetime) -> None:
    """What rests on sessions of the person that ended at this moment has ended with them."""
    sessions_ended.send(sender=UserSession, tenant_id=tenant_id, user_id=user_id, by=by, at=at)


def renew(*, session: UserSession, at: datetime) -> str:
    """The session goes on under a new cookie, as its person proved again who he is. Empty where it has ended.

    Whoever knew the former value is out. It is no new sign-in: applications are not told.
    """
    token = hashers.fresh()
    renewed = {"digest": hashers.digest(token), "confirmed_at": at, "seen_at": at}
    alive = UserSession.objects.filter(pk=session.pk, ended_at=None).update(**renewed)
    return token if alive else ""


def confirm(*, session: UserSession, by: Actor, at: datetime) -> str:
    """The same, for an act that asks for it: history says so."""
    token = renew(session=session, at=at)
    if token:
        _record("session.confirmed", session, by, at)
    return token


def _go_on(
    user: User, former: UserSession | None, methods: list[str], at: datetime, origin: Origin
) -> str | None:
    """The same person signed in again where he was: his session goes on under a new cookie.

    What rests on it (sign-ins to applications) stays. Somebody else's session in this browser ends.
    """
    if former is None:
        return None
    by = origin.actor(former.user)
    if former.user_id != user.pk:
        end(session=former, by=by, at=at)
        return None
    token = hashers.fresh()
    renewed = {
        "digest": hashers.digest(token),
        "reauthenticated_at": at,
        "seen_at": at,
        "methods": methods,
    }
    if not UserSession.objects.filter(pk=former.pk, ended_at=None).update(**renewed):
        return None
    _record("session.confirmed", former, by, at, methods)
    return token


def _start(user: User, methods: list[str], at: datetime, origin: Origin) -> str:
    token = hashers.fresh()
    session = UserSession(
        tenant_id=user.tenant_id,
        user=user,
        digest=hashers.digest(token),
        created_at=at,
        seen_at=at,
        expires_at=at + lifetime(user.tenant, Lifetime.SESSION),
        methods=methods,
        source_address=origin.source_address[:64],
        user_agent=origin.user_agent[:200].replace("\0", ""),
    )
    session.full_clean()
    session.save(force_insert=True)
    if user.last_login is not None and not acquainted.counted_by(origin.browser, user):
        where = acquainted.browser(session.user_agent)
        emails.tell_new_browser(user=user, browser=where, source_address=session.source_address, at=at)
    User.objects.filter(pk=user.pk).update(last_login=at)
    _record("session.started", session, origin.actor(user), at, methods)
    return token


def _record(action: str, session: UserSession, by: Actor, at: datetime, methods: Sequence[str] = ()) -> None:
    told = {"session": str(session.id), **({"methods": list(methods)} if methods else {})}
    ended = action == "session.ended"
    record(
        action=action,
        tenants=[session.tenant_id],
        by=by,
        at=at,
        subject=("user", session.user_id, str(session.user)),
        before=told if ended else None,
        after=None if ended else told,
    )
