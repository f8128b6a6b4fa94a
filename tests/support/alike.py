"""What two answers to one request share: all but ids and signatures and, from two clocks, the moments."""

import base64
import json
from collections.abc import Container, Iterable
from typing import Any

_MOMENTS = frozenset({"exp", "iat", "nbf"})


def told(
    status: int, fields: Iterable[tuple[str, str]], body: bytes, *, anew: Container[str], moments: bool = True
) -> tuple[Any, ...]:
    """In the order in which the body was written. ``anew``: fields that each answer has for itself."""
    lower = ((name.lower(), value) for name, value in fields)
    kept = sorted((name, value) for name, value in lower if name not in anew)
    if b'"access_token"' not in body:
        return status, kept, body
    of_each = frozenset() if moments else _MOMENTS
    pairs = json.loads(body, object_pairs_hook=list)
    return status, kept, [(name, _without_id(name, value, of_each)) for name, value in pairs]


def _without_id(name: str, value: Any, of_each: Container[str]) -> Any:
    if name == "jti":
        return len(value)
    if name != "access_token" or value.count(".") != 2:
        return value
    head, payload, signature = value.split(".")
    claims = json.loads(_decoded(payload), object_pairs_hook=list)
    return _decoded(head), [_claim(*claim, of_each) for claim in claims], len(signature)


def _claim(name: str, said: Any, of_each: Container[str]) -> tuple[str, Any]:
    if name in of_each:
        return name, None
    return name, len(said) if name == "jti" else said


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
