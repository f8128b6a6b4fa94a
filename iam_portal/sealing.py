"""Encryption at rest, by the ring ``PORTAL_ENCRYPTION_KEYS``, for what must be read again."""

from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

__all__ = ["InvalidToken", "seal", "unseal"]


def seal(text: str) -> str:
    """Encrypt with the newest key of the ring."""
    return _ring(tuple(settings.PORTAL_ENCRYPTION_KEYS)).encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Decrypt with whichever key of the ring fits; ``InvalidToken`` where none does."""
    return _ring(tuple(settings.PORTAL_ENCRYPTION_KEYS)).decrypt(sealed.encode()).decode()


@cache
def _ring(encryption_keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in encryption_keys])
