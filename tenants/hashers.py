"""Single-use links and session cookies: 256 random bits, of which only the digest is kept. And demos."""

import hashlib
import secrets

from django.contrib.auth.hashers import Argon2PasswordHasher


def fresh() -> str:
    """A new value, fit for an address and a cookie."""
    return secrets.token_urlsafe(32)


def digest(value: str) -> str:
    """SHA-256 in hex. Unkeyed is enough: nobody can try 256 bits. Any text is taken, even a malformed one."""
    return hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()


class LightArgon2(Argon2PasswordHasher):
    """Of demos only, whose passwords everybody knows: fifty people are made at the start."""

    time_cost = 1
    memory_cost = 8192  # KiB
    parallelism = 1
