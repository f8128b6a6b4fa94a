"""How contracts are used: tokens counted beside the token path, and what the counts say."""

from applications.usage.buffer import Batch, Buffer, Line, Use, load, note
from applications.usage.reading import (
    Usage,
    counted_since,
    last_used,
    last_used_by,
    of_contract,
    unused,
)

__all__ = [
    "Batch",
    "Buffer",
    "Line",
    "Usage",
    "Use",
    "counted_since",
    "last_used",
    "last_used_by",
    "load",
    "note",
    "of_contract",
    "unused",
]
