"""Whether the secrets of an installation can be read: asked at its start, not at the first token."""

import base64
from collections.abc import Callable, Iterable

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

_PEPPER_BYTES = 32


def require_readable(*, encryption_keys: Iterable[str], peppers: Iterable[str]) -> None:
    """ImproperlyConfigured for an entry that cannot be decoded. It is named by its place, never shown."""
    _each("PORTAL_ENCRYPTION_KEYS", encryption_keys, Fernet, "a Fernet key (32 bytes, urlsafe base64)")
    numbers: set[int] = set()
    expected = f"number:base64 of at least {_PEPPER_BYTES} bytes, each number once"
    _each("PORTAL_SECRET_PEPPERS", peppers, lambda entry: _pepper(entry, numbers), expected)


def _each(name: str, entries: Iterable[str], read: Callable[[str], object], expected: str) -> None:
    for place, entry in enumerate(entries, 1):
        try:
            read(entry)
        except ValueError:  # its words could repeat the value
            raise ImproperlyConfigured(f"Entry {place} of {name} is not {expected}.") from None


def _pepper(entry: str, numbers: set[int]) -> None:
    number, _, encoded = entry.partition(":")
    if not (number.isascii() and number.isdigit()) or int(number) in numbers:
        raise ValueError
    if len(base64.b64decode(encoded, validate=True)) < _PEPPER_BYTES:
        raise ValueError
    numbers.add(int(number))
