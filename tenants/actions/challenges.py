"""Challenges of WebAuthn: for one purpose, one browser and some minutes, and answered once.

Nothing is stored when one is given out: otherwise whoever opens the sign-in page often enough fills the
table. The challenge travels signed with the page; only that it was answered is noted.
"""

import base64
import secrets
from datetime import datetime, timedelta
from enum import StrEnum

from django.core import signing

from iam_portal.errors import DomainError, Kind
from tenants import hashers
from tenants.models import SpentChallenge, Tenant

LIFETIME = timedelta(minutes=5)
CLOCKS_DIFFER = 60  # seconds, between two machines of the installation
_SALT = "iam.passkey"


class Purpose(StrEnum):
    """An answer to a challenge for one of them is none for another."""

    SIGN_IN = "sign-in"
    STEP = "step"
    CONFIRM = "confirm"
    REGISTER = "register"


class ChallengeOver(DomainError):
    """Too old, answered already, or given to another browser or for another purpose."""

    code = "challenge_over"
    kind = Kind.FORBIDDEN


def give(*, tenant_id: object, purpose: Purpose, bound_to: object, at: datetime) -> tuple[bytes, str]:
    """A fresh challenge and the text that comes back with it. ``bound_to``: a session, a step, or nothing."""
    challenge = secrets.token_bytes(32)
    encoded = base64.b64encode(challenge).decode()
    told = [encoded, _meant(encoded, tenant_id, purpose, bound_to), at.timestamp()]
    return challenge, signing.dumps(told, salt=_SALT)


def spend(
    *,
    tenant: Tenant,
    signed: str,
    purpose: Purpose,
    bound_to: object,
    at: datetime,
    given_to: object = None,
) -> bytes:
    """The challenge, used up in the transaction of what it proves. ``given_to``: not the tenant's own id."""
    refusal = ChallengeOver("This took too long, or was answered already. Try again.")
    try:
        encoded, meant, moment = signing.loads(signed, salt=_SALT)
    except (signing.BadSignature, ValueError, TypeError):
        raise refusal from None
    age = at.timestamp() - moment
    fits = meant == _meant(encoded, given_to or tenant.pk, purpose, bound_to)
    if not fits or not -CLOCKS_DIFFER <= age < LIFETIME.total_seconds():
        raise refusal
    SpentChallenge.objects.filter(tenant=tenant, expires_at__lte=at).delete()
    _, fresh = SpentChallenge.objects.get_or_create(
        digest=hashers.digest(encoded), defaults={"tenant": tenant, "expires_at": at + LIFETIME}
    )
    if not fresh:
        raise refusal
    return base64.b64decode(encoded)


def _meant(encoded: str, tenant_id: object, purpose: Purpose, bound_to: object) -> str:
    """What it is for, unreadable: the sign-in page of an organization must not say whether there is one."""
    return hashers.digest(f"{encoded}:{tenant_id}:{purpose.value}:{bound_to}")
