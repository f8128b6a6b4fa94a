"""Recovery codes: ten on paper, each good once, for who has lost all else."""

import re
import secrets
from datetime import datetime

from iam_portal.gate import Actor
from tenants import hashers
from tenants.history import record
from tenants.models import RecoveryCode, User

NUMBER, GROUPS, LENGTH = 10, 4, 5
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # no 0 1 l o i: they are read from paper. 20 of them: 99 bits


def make(*, user: User, by: Actor, at: datetime) -> list[str]:
    """Fresh ones in the place of all former, in the transaction of the caller, who holds the person."""
    former = RecoveryCode.objects.filter(user=user)
    had = former.filter(used_at=None).count()
    former.delete()
    codes = [_fresh() for _ in range(NUMBER)]
    RecoveryCode.objects.bulk_create(
        RecoveryCode(tenant_id=user.tenant_id, user=user, digest=_digest(user, code), created_at=at)
        for code in codes
    )
    _record("factor.codes_made", user, by, at, before={"left": had}, after={"made": NUMBER})
    return codes


def use(*, user: User, code: str, by: Actor, at: datetime) -> bool:
    """Whether this is one that was not used yet; now it is. The caller holds the person."""
    rows = RecoveryCode.objects.filter(user=user, digest=_digest(user, code), used_at=None)
    if not rows.update(used_at=at):
        return False
    left = RecoveryCode.objects.filter(user=user, used_at=None).count()
    _record("factor.code_used", user, by, at, before={"left": left + 1}, after={"left": left})
    return True


def _fresh() -> str:
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(LENGTH)) for _ in range(GROUPS))
    return "-".join(groups)


def _digest(user: User, code: str) -> str:
    """However it was typed. With the person, so that two may have the same."""
    return hashers.digest(f"{user.pk}:{re.sub(r'[^0-9a-z]', '', code.lower())}")


def _record(
    action: str, user: User, by: Actor, at: datetime, *, before: dict[str, int], after: dict[str, int]
) -> None:
    subject, tenants = ("user", user.id, str(user)), [user.tenant_id]
    record(action=action, tenants=tenants, by=by, at=at, subject=subject, before=before, after=after)
