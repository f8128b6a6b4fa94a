"""What only the portal's processes can say to the second wall, made of the ring ``PORTAL_ENCRYPTION_KEYS``.

Whoever plants SQL in a statement can name another tenant or change the role, but has none of the keys. The
database keeps what is derived of each in a table that its owner alone reads (``manage.py seal_wall``).
"""

import hashlib
import hmac
from collections.abc import Sequence
from functools import cache, lru_cache

from django.conf import settings


@cache
def keys() -> tuple[bytes, ...]:
    """One for each key of the ring, the newest first; nothing leads back from it to the ring."""
    return tuple(hmac.digest(key.encode(), b"iam:wall", "sha256") for key in settings.PORTAL_ENCRYPTION_KEYS)


def of_tenant(tenant_id: str) -> str:
    """What goes with this tenant's id in ``iam.tenant``; nothing without one."""
    return _seals(f"tenant:{tenant_id}") if tenant_id else ""


def of_crossing() -> str:
    """What makes the second role see anything."""
    return _seals("crossing")


def of_check() -> str:
    """What opens nothing: by it the database says whether it knows this process."""
    return _seals("known")


def of_newest_check() -> str:
    """The same by the newest key alone: whether the wall would still believe us without the older ones."""
    return of_keys("known", keys()[:1])


def of_keys(said: str, kept: Sequence[bytes]) -> str:
    """By each key, so that the database may know the older ones only, or already the newest."""
    return ",".join(hashlib.sha256(key + _inner(key, said)).hexdigest() for key in kept)


def _inner(key: bytes, said: str) -> bytes:
    return hashlib.sha256(key + said.encode()).digest()


@lru_cache(maxsize=10_000)
def _seals(said: str) -> str:
    return of_keys(said, keys())
