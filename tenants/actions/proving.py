"""Proving again who one is, while signed in: before acts that give power or cannot be undone.

It is no sign-in: applications are not told of it, and a second factor is not asked for once more.
"""

from datetime import datetime

from django.contrib.auth.hashers import check_password
from django.db import transaction

from iam_portal.errors import DomainError, Kind
from iam_portal.gate import Actor
from iam_portal.walls import tenant_scope
from tenants.actions import entering, guesses, passkeys
from tenants.actions.challenges import Purpose
from tenants.actions.passkeys import Answer
from tenants.lifetimes import Lifetime, lifetime
from tenants.models import User, UserSession


class ProofNeeded(DomainError):
    """Password or passkey were given too long ago in this session."""

    code = "proof_needed"
    kind = Kind.FORBIDDEN


class ProofRefused(DomainError):
    """Not the password of who is signed in here, or the session has ended."""

    code = "proof_refused"
    kind = Kind.FORBIDDEN


def is_recent(*, session: UserSession, at: datetime) -> bool:
    """Whether the last proof still counts, by the choice of the tenant."""
    return session.proven_at > at - lifetime(session.tenant, Lifetime.PROOF)


def by_password(*, session: UserSession, password: str, by: Actor, at: datetime) -> str:
    """The new value of the session's cookie. The slow comparison holds no transaction."""
    user = session.user
    guesses.count(user=user, by=by, at=at)
    if not check_password(password, user.password):
        raise ProofRefused("This is not your password.")
    with tenant_scope(session.tenant_id), transaction.atomic():
        same = User.objects.filter(pk=user.pk, password=user.password)
        token = entering.confirm(session=session, by=by, at=at) if same.exists() else ""
        if not token:
            raise ProofRefused("This session has ended. Sign in again.")
        guesses.forget(user=user, by=by, at=at)
        return token


def by_passkey(*, session: UserSession, answer: Answer, by: Actor, at: datetime) -> str:
    """The same with one of his passkeys."""
    with tenant_scope(session.tenant_id), transaction.atomic():
        passkeys.prove(
            tenant=session.tenant,
            answer=answer,
            purpose=Purpose.CONFIRM,
            bound_to=session.pk,
            at=at,
            user=session.user,
        )
        token = entering.confirm(session=session, by=by, at=at)
        if not token:
            raise ProofRefused("This session has ended. Sign in again.")
        return token
