"""Signatures of webhooks, as Standard Webhooks has them: symmetric, one for each living secret."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime

PREFIX = "whsec_"
HINT = 4


def new_secret() -> str:
    """``whsec_`` and 256 random bits."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def hint_of(secret: str) -> str:
    """The last characters, by which people tell secrets apart."""
    return secret.rstrip("=")[-HINT:]


def headers(*, event_id: str, at: datetime, body: bytes, living: Iterable[str]) -> dict[str, str]:
    """The three headers that a receiver verifies. The moment is this attempt's: old ones are refused."""
    timestamp = str(int(at.timestamp()))
    signed = f"{event_id}.{timestamp}.".encode() + body
    marks = [hmac.digest(_key(secret), signed, hashlib.sha256) for secret in living]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{base64.b64encode(mark).decode()}" for mark in marks),
    }


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(PREFIX))
