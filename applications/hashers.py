"""Keyed digests of machine-made secrets: 256 random bits need no slow hash, only a key that is elsewhere.

A stolen database alone verifies nothing: the pepper stands in the environment. Peppers are numbered, so
that they can be changed while older digests still verify.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True, slots=True)
class Sealed:
    """What is stored of a secret."""

    digest: str
    pepper: int
    hint: str


def make() -> tuple[str, Sealed]:
    """A new secret (shown once) and what is stored of it."""
    value = secrets.token_urlsafe(32)
    number = max(peppers())
    return value, Sealed(digest(value, number), number, value[-4:])


def digest(value: str, pepper: int) -> str:
    """HMAC-SHA-256 in hex. An unknown pepper number gives a digest that nothing matches."""
    key = peppers().get(pepper)
    if key is None:
        return ""
    return hmac.new(key, value.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def matches(value: str, sealed_digest: str, pepper: int) -> bool:
    """Constant-time comparison."""
    computed = digest(value, pepper)
    return bool(computed) and hmac.compare_digest(computed, sealed_digest)


@cache
def peppers() -> dict[int, bytes]:
    """Pepper keys by number, read once per process."""
    found: dict[int, bytes] = {}
    for entry in settings.PORTAL_SECRET_PEPPERS:
        number, _, encoded = entry.partition(":")
        key = base64.b64decode(encoded)
        if len(key) < 32:
            raise ImproperlyConfigured("A pepper needs at least 32 bytes.")
        found[int(number)] = key
    if not found:
        raise ImproperlyConfigured("PORTAL_SECRET_PEPPERS names no pepper.")
    return found
