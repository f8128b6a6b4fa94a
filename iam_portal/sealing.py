"""Encryption at rest, by the ring ``PORTAL_ENCRYPTION_KEYS``, for what must be read again."""

from dataclasses import dataclass
from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

__all__ = ["InvalidToken", "Resealed", "place_of", "reseal", "seal", "unseal"]


def seal(text: str) -> str:
    """Encrypt with the newest key of the ring."""
    return _ring(tuple(settings.PORTAL_ENCRYPTION_KEYS)).encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Decrypt with whichever key of the ring fits; ``InvalidToken`` where none does."""
    return _ring(tuple(settings.PORTAL_ENCRYPTION_KEYS)).decrypt(sealed.encode()).decode()


@dataclass(slots=True)
class Resealed:
    """What a walk over sealed rows did, and how many no key of the ring could open."""

    changed: int = 0
    unreadable: int = 0


def reseal(sealed: str) -> str:
    """The same under the newest key; unchanged where that one sealed it. ``InvalidToken`` where none fits."""
    ring = tuple(settings.PORTAL_ENCRYPTION_KEYS)
    try:
        _ring(ring[:1]).decrypt(sealed.encode())
    except InvalidToken:
        return _ring(ring).rotate(sealed.encode()).decode()
    return sealed


def place_of(sealed: str) -> int | None:
    """Which key of the ring opens it, 1 the newest; ``None`` where none does."""
    for place, key in enumerate(settings.PORTAL_ENCRYPTION_KEYS, 1):
        try:
            _ring((key,)).decrypt(sealed.encode())
        except InvalidToken:
            continue
        return place
    return None


@cache
def _ring(encryption_keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in encryption_keys])
