"""Between the right password and the session: who has a second factor proves it, who needs one sets it up.

Until then there is no session, so no page, no call and no application knows the person.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from iam_portal.errors import DomainError, Kind
from tenants import hashers, policies
from tenants.actions.entering import Halfway
from tenants.models import AuthenticatorApp, Passkey, SignInStep, Tenant, User
from tenants.signals import second_factor_asked

EVERYBODY = "*"  # in the place of a role
_HELD = """
SELECT (SELECT count(*) FROM tenants_authenticatorapp WHERE user_id = %(user)s),
    (SELECT count(*) FROM tenants_passkey WHERE user_id = %(user)s),
    (SELECT count(*) FROM tenants_recoverycode WHERE user_id = %(user)s AND used_at IS NULL)
"""
LIFETIME = timedelta(minutes=15)  # an app or a key may have to be fetched, and set up


class StepOver(DomainError):
    """The second step took too long, was taken already, or was never begun in this browser."""

    code = "sign_in_step_over"
    kind = Kind.FORBIDDEN


@dataclass(frozen=True, slots=True)
class Held:
    """Which second factors a person has. Recovery codes alone are none."""

    apps: int
    passkeys: int
    codes: int

    def __bool__(self) -> bool:
        return self.apps + self.passkeys > 0


def held(user: User) -> Held:
    """What he has now. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_HELD, {"user": user.pk})
        apps, passkeys, codes = cursor.fetchone()
    return Held(apps=apps, passkeys=passkeys, codes=codes)


def has_factor(user: User) -> bool:
    """Whether a password alone lets him in no more."""
    return AuthenticatorApp.objects.filter(user=user).exists() or Passkey.objects.filter(user=user).exists()


def asking(*, user: User, at: datetime) -> list[str] | None:
    """Names of the roles that he holds and that ask for a second factor; none where everybody is asked.

    None: he is not asked.
    """
    chosen = user.tenant.second_factor_roles
    if not chosen or EVERYBODY in chosen:
        return [] if chosen else None
    answers: list[tuple[Any, Any]] = second_factor_asked.send(
        sender=User, tenant=user.tenant, user=user, at=at
    )
    return [name for _receiver, names in answers for name in names] or None


def needed(*, user: User, at: datetime) -> bool:
    """Whether a password alone does not let him in."""
    return has_factor(user) or asking(user=user, at=at) is not None


def begin(*, user: User, at: datetime) -> Halfway:
    """The step of somebody whose password was right. What nobody took in time goes."""
    SignInStep.objects.filter(tenant_id=user.tenant_id, expires_at__lte=at).delete()
    token = hashers.fresh()
    step = SignInStep(
        tenant_id=user.tenant_id,
        user=user,
        digest=hashers.digest(token),
        created_at=at,
        expires_at=at + LIFETIME,
    )
    step.full_clean(exclude=["tenant", "user"])
    step.save(force_insert=True)
    return Halfway(user, token)


def resolve(*, tenant: Tenant, token: str, at: datetime) -> SignInStep | None:
    """The step behind a cookie, of somebody who may still be here."""
    rows = SignInStep.objects.filter(
        tenant=tenant,
        digest=hashers.digest(token),
        expires_at__gt=at,
        user__in=policies.present(tenant_id=tenant.id, at=at),
    )
    return rows.select_related("user", "user__tenant").first() if token else None


def take(*, tenant: Tenant, token: str, at: datetime) -> User:
    """Use the step up: its person, locked. Of two who come at once, one finds it gone."""
    step = resolve(tenant=tenant, token=token, at=at)
    user = policies.held_user(tenant=tenant, user_id=step.user_id) if step else None
    if step is None or user is None or not SignInStep.objects.filter(pk=step.pk).delete()[0]:
        raise StepOver("This sign-in took too long, or was finished elsewhere. Begin again.")
    user.tenant = tenant
    return user


def drop_all(*, user: User) -> None:
    """Nobody goes on with what was begun before."""
    SignInStep.objects.filter(user=user).delete()
