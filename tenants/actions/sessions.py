"""Signing in and out of one tenant. Who guesses learns nothing: every refusal is alike, and takes as long."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.db import connection, models, transaction
from django.db.models.functions import Lower
from django.db.models.lookups import Exact

from iam_portal.errors import DomainError, Kind
from iam_portal.gate import Actor
from iam_portal.walls import tenant_scope
from tenants import hashers, policies
from tenants.history import record
from tenants.models import SignInFailure, Tenant, TenantSuspension, User, UserActivity, UserSession

FAILURES = 10  # refused attempts on one name from one address …
WINDOW = timedelta(minutes=5)  # … in this time
TOUCH = timedelta(minutes=1)
REFUSED = "User name or password is wrong, or this account cannot sign in."
UNUSABLE = "!"  # a password field that matches nothing, at the cost of a real comparison


class SignInRefused(DomainError):
    """Unknown organization, unknown name, wrong password, inactive, suspended: never told apart."""

    code = "sign_in_refused"
    kind = Kind.FORBIDDEN


class TooManyAttempts(DomainError):
    """This name was tried too often from this address, whether it exists or not."""

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
    def digest(self) -> str:
        return hashers.digest(f"{self.slug}:{self.username}")


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
) -> tuple[User, str]:
    """The user and the value of his session cookie. The name may be his e-mail address.

    ``tenant`` is None for an address that names none; its refusals (and their limit) look like any other.
    A refusal must commit the failure that it counts: catch it inside the transaction, without a savepoint.
    """
    attempt = Attempt(tenant.slug if tenant else slug, username.strip().lower(), source_address[:64], at)
    counted_in = tenant or Tenant.objects.filter(is_platform=True).first()
    if counted_in is None:  # an installation without any tenant
        raise SignInRefused(REFUSED)
    with tenant_scope(counted_in.id):
        outcome = _try(counted_in, tenant, attempt, password)
        if isinstance(outcome, User):
            return outcome, _start(outcome, at, source_address, user_agent, request_id)
    raise outcome


def resolve(*, tenant: Tenant, token: str, at: datetime) -> UserSession | None:
    """The live session behind a cookie, with its user; seen now (written at most once a minute)."""
    session = (
        UserSession.objects.select_related("user")
        .filter(tenant=tenant, digest=hashers.digest(token), ended_at=None, expires_at__gt=at)
        .filter(seen_at__gt=at - settings.SESSION_IDLE, user__in=_present(tenant, at))
        .first()
    )
    if session is None:
        return None
    if at - session.seen_at >= TOUCH:
        UserSession.objects.filter(pk=session.pk, seen_at__lt=at).update(seen_at=at)
        session.seen_at = at
    return session


def sign_out(*, session: UserSession, by: Actor, at: datetime) -> None:
    """End this session; the others of the user stay."""
    with transaction.atomic():
        if UserSession.objects.filter(pk=session.pk, ended_at=None).update(ended_at=at):
            _record("session.ended", session, by, at)


def end_all(*, user: User, at: datetime) -> int:
    """End every session of the user, as a consequence of what the caller records."""
    return UserSession.objects.filter(user=user, ended_at=None).update(ended_at=at)


def _try(counted_in: Tenant, tenant: Tenant | None, attempt: Attempt, password: str) -> User | DomainError:
    """One attempt at a time for a name and an address, or parallel guesses would not be counted."""
    with connection.cursor() as cursor:
        lock = f"sign-in:{counted_in.id}:{attempt.digest}:{attempt.source_address}"
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [lock])
    failures = SignInFailure.objects.filter(
        tenant=counted_in, attempt=attempt.digest, source_address=attempt.source_address
    )
    if failures.filter(at__gt=attempt.at - WINDOW).count() >= FAILURES:
        minutes = int(WINDOW.total_seconds() // 60)
        return TooManyAttempts(
            f"Too many attempts. Wait {minutes} minutes.", data={"retryAfter": minutes * 60}
        )
    user = _find(tenant, attempt)
    encoded = user.password if user else UNUSABLE
    if check_password(password, encoded) and user and (known := _still(user, attempt.at)):
        failures.delete()
        return known
    SignInFailure.objects.filter(tenant=counted_in, at__lte=attempt.at - WINDOW).delete()
    failures.create(
        tenant=counted_in, attempt=attempt.digest, source_address=attempt.source_address, at=attempt.at
    )
    return SignInRefused(REFUSED)


def _find(tenant: Tenant | None, attempt: Attempt) -> User | None:
    """By user name, else by e-mail address; only who may be here now."""
    if tenant is None or "\0" in attempt.username:
        return None
    name = models.Value(attempt.username)
    matches = models.Q(Exact(Lower("username"), name)) | models.Q(Exact(Lower("email"), Lower(name)))
    found = list(_present(tenant, attempt.at).filter(matches))
    return min(found, key=lambda user: user.username.lower() != attempt.username, default=None)


def _still(user: User, at: datetime) -> User | None:
    """The user, locked, unless he was deactivated or his password changed while we compared."""
    locked = policies.locked_user(tenant=user.tenant, user_id=user.pk)
    # A second statement, because the one that waited for the lock sees the other tables as they were before.
    return _present(user.tenant, at).filter(pk=locked.pk, password=user.password).first()


def _present(tenant: Tenant, at: datetime) -> models.QuerySet[User]:
    """Users who may be here at the moment: active, and their tenant not suspended."""
    active = UserActivity.objects.at(at).filter(user=models.OuterRef("pk"))
    suspended = TenantSuspension.objects.at(at).filter(tenant=tenant)
    present = tenant.users.filter(models.Exists(active), ~models.Exists(suspended))
    return present.select_related("tenant")


def _start(user: User, at: datetime, source_address: str, user_agent: str, request_id: str) -> str:
    token = hashers.fresh()
    session = UserSession(
        tenant_id=user.tenant_id,
        user=user,
        digest=hashers.digest(token),
        created_at=at,
        seen_at=at,
        expires_at=at + settings.SESSION_LIFETIME,
        source_address=source_address[:64],
        user_agent=user_agent[:200].replace("\0", ""),
    )
    session.full_clean()
    session.save(force_insert=True)
    User.objects.filter(pk=user.pk).update(last_login=at)
    by = Actor("user", str(user.id), str(user), user.tenant_id, request_id, source_address)
    _record("session.started", session, by, at)
    return token


def _record(action: str, session: UserSession, by: Actor, at: datetime) -> None:
    record(
        action=action,
        tenants=[session.tenant_id],
        by=by,
        at=at,
        subject=("user", session.user_id, str(session.user)),
        after={"session": str(session.id)},
    )
