"""Signing in and out of one tenant. Who guesses learns nothing: every refusal is alike, and takes as long."""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.hashers import check_password
from django.db import connection, models
from django.db.models.functions import Lower
from django.db.models.lookups import Exact

from iam_portal.errors import DomainError, Kind
from iam_portal.gate import Actor
from iam_portal.walls import tenant_scope
from tenants import hashers, policies
from tenants.actions import entering, live_sessions, steps
from tenants.actions.entering import PASSWORD, Halfway, Origin, SignedIn, enter
from tenants.lifetimes import Lifetime, lifetime
from tenants.models import SignInFailure, Tenant, User, UserSession

FAILURES = 10  # refused attempts on one name from one address …
ADDRESS_FAILURES = 50  # … or on all names of an organization …
WINDOW = timedelta(minutes=5)  # … in this time
TOUCH = timedelta(minutes=1)
REFUSED = "User name or password is wrong, or this account cannot sign in."
UNUSABLE = "!"  # a password field that matches nothing, at the cost of a real comparison


class SignInRefused(DomainError):
    """Unknown organization, unknown name, wrong password, inactive, suspended: never told apart."""

    code = "sign_in_refused"
    kind = Kind.FORBIDDEN


class TooManyAttempts(DomainError):
    """This name, or names of this organization, were tried too often from this address, known or not."""

    code = "too_many_attempts"
    kind = Kind.THROTTLED


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was sent to the sign-in page. ``slug`` matters where it named no tenant."""

    slug: str
    username: str
    source_address: str
    at: datetime

    @property
    def organization(self) -> str:
        """What digests of attempts on the same organization, real or not, begin with."""
        return hashers.digest(self.slug)[:16]

    @property
    def digest(self) -> str:
        return self.organization + hashers.digest(f"{self.slug}:{self.username}")[16:]

    @property
    def origin(self) -> str:
        """The address that counts. Of IPv6 it is the /64: whoever has one of its addresses has them all."""
        try:
            address = ipaddress.ip_address(self.source_address)
        except ValueError:
            return self.source_address
        if isinstance(address, ipaddress.IPv4Address) or address.ipv4_mapped:
            return str(address)
        return str(ipaddress.IPv6Network((int(address), 64), strict=False))


def sign_in(
    *,
    tenant: Tenant | None,
    username: str,
    password: str,
    at: datetime,
    source_address: str = "",
    user_agent: str = "",
    request_id: str = "",
    slug: str = "",
    former: UserSession | None = None,
) -> SignedIn | Halfway:
    """The user and the value of his session cookie; of the second step's, where he needs one before.

    The name may be his e-mail address.

    ``former`` is the live session of this browser: the same person's goes on, another's ends.

    ``tenant`` is None for an address that names none; its refusals (and their limit) look like any other.
    The password is compared between two short transactions, so that no connection of the pool and no lock
    waits for the slow hash. Inside an outer one, its refusal must commit: catch it without a savepoint.
    """
    attempt = Attempt(tenant.slug if tenant else slug, username.strip().lower(), source_address[:64], at)
    counted_in = tenant or Tenant.objects.filter(is_platform=True).first()
    if counted_in is None:  # an installation without any tenant
        raise SignInRefused(REFUSED)
    with tenant_scope(counted_in.id):
        _count(counted_in, attempt)
        user = _find(tenant, attempt)
    if not check_password(password, user.password if user else UNUSABLE) or user is None:
        raise SignInRefused(REFUSED)
    with tenant_scope(counted_in.id):
        if known := _still(user, at):
            _failures(counted_in, attempt).filter(attempt=attempt.digest).delete()
            if steps.needed(user=known, at=at):
                return steps.begin(user=known, at=at)
            origin = Origin(source_address, user_agent, request_id)
            return enter(user=known, former=former, methods=[PASSWORD], origin=origin, at=at)
    raise SignInRefused(REFUSED)


def resolve(*, tenant: Tenant | UUID, token: str, at: datetime, seen: bool = True) -> UserSession | None:
    """The live session behind a cookie, with its user and tenant; seen now (written at most once a minute).

    ``seen=False`` for what no person did: an open stream that asks again must not keep a session from idling.
    """
    tenant_id = tenant.pk if isinstance(tenant, Tenant) else tenant
    session = live_sessions.find(tenant_id=tenant_id, token=token, at=at)
    if session is None or session.seen_at <= at - lifetime(session.tenant, Lifetime.SESSION_IDLE):
        return None
    if seen and at - session.seen_at >= TOUCH:
        UserSession.objects.filter(pk=session.pk, seen_at__lt=at).update(seen_at=at)
        session.seen_at = at
    return session


def sign_out(*, session: UserSession, by: Actor, at: datetime) -> None:
    """End this session; the others of the user stay."""
    entering.end(session=session, by=by, at=at)


def end_all(*, user: User, at: datetime) -> int:
    """End every session of the user, and what he began, as a consequence of what the caller records."""
    steps.drop_all(user=user)
    return UserSession.objects.filter(user=user, ended_at=None).update(ended_at=at)


def _count(counted_in: Tenant, attempt: Attempt) -> None:
    """Note the attempt as refused, before it is known to be; a success takes it back.

    One at a time for an organization and an address: parallel guesses are all counted before they compare.
    """
    with connection.cursor() as cursor:
        lock = f"sign-in:{counted_in.id}:{attempt.organization}:{attempt.origin}"
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [lock])
    recent = _failures(counted_in, attempt).filter(at__gt=attempt.at - WINDOW)
    by_name = recent.filter(attempt=attempt.digest).count()
    # An unknown address would be everybody's: there one guesser could shut all the others out.
    by_address = recent.count() if attempt.origin else 0
    if by_name >= FAILURES or by_address >= ADDRESS_FAILURES:
        minutes = int(WINDOW.total_seconds() // 60)
        raise TooManyAttempts(
            f"Too many attempts. Wait {minutes} minutes.", data={"retryAfter": minutes * 60}
        )
    SignInFailure.objects.filter(tenant=counted_in, at__lte=attempt.at - WINDOW).delete()
    SignInFailure.objects.create(
        tenant=counted_in, attempt=attempt.digest, source_address=attempt.origin, at=attempt.at
    )


def _failures(counted_in: Tenant, attempt: Attempt) -> models.QuerySet[SignInFailure]:
    """Of this organization, from this address."""
    return SignInFailure.objects.filter(
        tenant=counted_in, attempt__startswith=attempt.organization, source_address=attempt.origin
    )


def _find(tenant: Tenant | None, attempt: Attempt) -> User | None:
    """By user name, else by e-mail address; only who may be here now."""
    if tenant is None or "\0" in attempt.username:
        return None
    name = models.Value(attempt.username)
    matches = models.Q(Exact(Lower("username"), name)) | models.Q(Exact(Lower("email"), Lower(name)))
    here = policies.present(tenant_id=tenant.pk, at=attempt.at).select_related("tenant")
    found = list(here.filter(matches))
    return min(found, key=lambda user: user.username.lower() != attempt.username, default=None)


def _still(user: User, at: datetime) -> User | None:
    """The user, locked, unless he was deleted, deactivated or his password changed while we compared."""
    locked = policies.held_user(tenant=user.tenant, user_id=user.pk)
    if locked is None:
        return None
    # A second statement, because the one that waited for the lock sees the other tables as they were before.
    here = policies.present(tenant_id=user.tenant_id, at=at).select_related("tenant")
    return here.filter(pk=locked.pk, password=user.password).first()
