"""Single-use links and session cookies: 256 random bits, of which only the digest is kept."""

import hashlib
import secrets


def fresh() -> str:
    """A new value, fit for an address and a cookie."""
    return secrets.token_urlsafe(32)


def digest(value: str) -> str:
    """SHA-256 in hex. Unkeyed is enough: nobody can try 256 bits. Any text is taken, even a malformed one."""
    return hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()
