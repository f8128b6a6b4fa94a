"""Whether the secrets of an installation can be read: asked at its start, not at the first token."""

import base64
from collections.abc import Callable, Iterable, Sequence

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

_PEPPER_BYTES = 32
SHORTEST_PROOF = SHORTEST_TOKEN = 32


def require_readable(*, encryption_keys: Iterable[str], peppers: Iterable[str]) -> None:
    """ImproperlyConfigured for an entry that cannot be decoded. It is named by its place, never shown."""
    _each("PORTAL_ENCRYPTION_KEYS", encryption_keys, Fernet, "a Fernet key (32 bytes, urlsafe base64)")
    numbers: set[int] = set()
    expected = f"number:base64 of at least {_PEPPER_BYTES} bytes, each number once"
    _each("PORTAL_SECRET_PEPPERS", peppers, lambda entry: _pepper(entry, numbers), expected)


def require_proof(*, header: str, secrets: Sequence[str]) -> None:
    """ImproperlyConfigured where anybody could write the header of a client's certificate himself."""
    if not header:
        return
    # A server for the web cannot tell X-Cert from X_Cert, which a caller could send past what a proxy strips.
    if not (header.isascii() and header.isalnum()):
        raise ImproperlyConfigured("PORTAL_CLIENT_CERTIFICATE_HEADER is not one word of letters and digits.")
    if not secrets or any(len(secret) < SHORTEST_PROOF for secret in secrets):
        text = f"PORTAL_PROXY_SECRET is missing or shorter than {SHORTEST_PROOF} characters"
        raise ImproperlyConfigured(f"{text}, and PORTAL_CLIENT_CERTIFICATE_HEADER is set.")


def require_long(*, tokens: Iterable[str]) -> None:
    """ImproperlyConfigured for a token of ``/metrics`` that can be guessed, or that nobody has filled in."""
    if any(len(token) < SHORTEST_TOKEN for token in tokens):
        raise ImproperlyConfigured(f"PORTAL_METRICS_TOKEN is shorter than {SHORTEST_TOKEN} characters.")


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
