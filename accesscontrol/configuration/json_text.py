"""JSON in which no name is given twice: the last would win silently."""

import json
from collections import Counter
from typing import Any

from iam_portal.errors import Invalid


class NotJson(Invalid):
    """The text is no JSON that is taken."""

    code = "json_invalid"


def read(text: str | bytes) -> Any:
    """The value, or :class:`NotJson`."""
    try:
        value = json.loads(text, object_pairs_hook=_once, parse_constant=_refused)
        json.dumps(value, ensure_ascii=False).encode()  # half of a character could not be repeated
    except (ValueError, RecursionError):
        raise NotJson("This is no JSON in UTF-8.") from None
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        # Counted once for all: name by name, some megabytes would take minutes.
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name in counts if counts[name] > 1)
        raise NotJson(f"The name {json.dumps(twice[:100])} is given twice.")
    return made


def _refused(text: str) -> None:
    raise ValueError(text)
