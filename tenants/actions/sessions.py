"""Signing in and out of one tenant. Who guesses learns nothing: every refusal is alike, and takes as long."""

from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.hashers import check_password
from django.db import models
from django.db.models.functions import Lower
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy

from iam_portal.errors import DomainError, Kind
from iam_portal.gate import Actor
from iam_portal.walls import tenant_scope
from tenants import acquainted, policies
from tenants.actions import attempts, entering, live_sessions, steps
from tenants.actions.attempts import Attempt
from tenants.actions.entering import PASSWORD, Halfway, Origin, SignedIn, enter
from tenants.lifetimes import Lifetime, lifetime
from tenants.models import Tenant, TenantSuspension, User, UserActivity, UserSession

TOUCH = timedelta(minutes=1)
REFUSED = gettext_lazy("User name or password is wrong, or this account cannot sign in.")
DEACTIVATED = gettext_lazy(
    "This account is deactivated. An administrator of your organization can reactivate it."
)
SUSPENDED = gettext_lazy("This organization is suspended. Nobody can sign in until that ends.")
UNUSABLE = "!"  # a password field that matches nothing, at the cost of a real comparison


class SignInRefused(DomainError):
    """Unknown organization, unknown name, wrong password: never told apart."""

    code = "sign_in_refused"
    kind = Kind.FORBIDDEN


class AccountClosed(SignInRefused):
    """Deactivated, or of a suspended organization: said to nobody but who knew the password."""

    code = "account_closed"


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
    browser: str = "",
) -> SignedIn | Halfway:
    """The user and the value of his session cookie; of the second step's, where he needs one before.

    The name may be his e-mail address. ``former`` is the live session of this browser: the same person's goes
    on, another's ends. ``browser`` is what it keeps of who has signed in there (:mod:`tenants.acquainted`).
    ``tenant`` is None where the address names none: refused like any other. The password is compared between
    two short transactions. Inside an outer one, its refusal must commit: catch it without a savepoint.
    """
    counted_in = _counted_in(tenant)
    typed = username.strip().lower()
    with tenant_scope(counted_in.id):
        user = _find(tenant, typed, at)
        known, names = acquainted.counted_by(browser, user), _names(user, typed)
        attempt = Attempt(tenant.slug if tenant else slug, typed, source_address[:64], at, known, names)
        counted = attempts.count(tenant=counted_in, attempt=attempt)
    right = check_password(password, user.password if user else UNUSABLE) and not counted.hopeless
    with tenant_scope(counted_in.id):
        if user is not None and right and (here := _still(user, at)):
            attempts.forgive(tenant=counted_in, attempt=attempt)
            origin = Origin(source_address, user_agent, request_id, browser)
            return _further(here, former, origin, at)
        refusal = _closed(user, at) if user and right else SignInRefused(str(REFUSED))
        told = {"because": refusal.code, "request_id": request_id}
        attempts.note(counted, tenant=counted_in, user=user, attempt=attempt, **told)
    raise refusal


def _further(user: User, former: UserSession | None, origin: Origin, at: datetime) -> SignedIn | Halfway:
    """In, or to the second step: the password was right."""
    if steps.needed(user=user, at=at):
        return steps.begin(user=user, at=at)
    return enter(user=user, former=former, methods=[PASSWORD], origin=origin, at=at)


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


def end_all(*, user: User, by: Actor, at: datetime, but: UserSession | None = None) -> int:
    """End every session of the user, as a consequence of what the caller records; maybe all but one."""
    steps.drop_all(user=user)
    rows = UserSession.objects.filter(user=user, ended_at=None)
    ended = (rows.exclude(pk=but.pk) if but else rows).update(ended_at=at)
    if ended:
        entering.tell_ended(tenant_id=user.tenant_id, user_id=user.pk, by=by, at=at)
    return ended


def _counted_in(tenant: Tenant | None) -> Tenant:
    """Where attempts on a name of no organization are counted: at the platform."""
    found = tenant or Tenant.objects.filter(is_platform=True).first()
    if found is None:  # an installation without any tenant
        raise SignInRefused(str(REFUSED))
    return found


def _find(tenant: Tenant | None, typed: str, at: datetime) -> User | None:
    """By user name, else by e-mail address; also who may not be here now, and is told so by his password."""
    if tenant is None or "\0" in typed:
        return None
    name = models.Value(typed)
    matches = models.Q(Exact(Lower("username"), name)) | models.Q(Exact(Lower("email"), Lower(name)))
    active = models.Exists(UserActivity.objects.at(at).filter(user=models.OuterRef("pk")))
    rows = tenant.users.filter(matches).select_related("tenant").annotate(active=active)
    # Who is gone hides nobody who has his name as an address.
    return min(rows, key=lambda user: (not user.active, user.username.lower() != typed), default=None)


def _names(user: User | None, typed: str) -> tuple[str, str]:
    return (user.username.lower(), user.email.lower()) if user else (typed, typed)


def _closed(user: User, at: datetime) -> SignInRefused:
    """Why the right password does not open; as if it were wrong where it changed while we compared."""
    if TenantSuspension.objects.at(at).filter(tenant=user.tenant_id).exists():
        return AccountClosed(str(SUSPENDED))
    gone = not policies.is_active(user=user, at=at)
    return AccountClosed(str(DEACTIVATED)) if gone else SignInRefused(str(REFUSED))


def _still(user: User, at: datetime) -> User | None:
    """The user, locked, unless he was deleted, deactivated or his password changed while we compared."""
    locked = policies.held_user(tenant=user.tenant, user_id=user.pk)
    if locked is None:
        return None
    # A second statement, because the one that waited for the lock sees the other tables as they were before.
    here = policies.present(tenant_id=user.tenant_id, at=at).select_related("tenant")
    return here.filter(pk=locked.pk, password=user.password).first()
