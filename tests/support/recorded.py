"""Whatever any test has recorded: a person who reads the activity finds words for each of its fields.

``watch`` goes before the one place that writes history.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tenants import history
from tenants.views.field_words import FIELDS
from tenants.views.reason_words import REASONS

MADE_UP = "x."  # acts that only tests know


class NoWords(AssertionError):
    """Give the field a name in ``tenants.views.field_words``, and its values words where they are codes."""


def watch() -> None:
    """Every row from now on."""
    write = history._write

    def written(rows: Sequence[tuple[Any, Mapping[str, Any], str]], by: Any) -> None:
        write(rows, by)
        for _tenant, change, _name in rows:
            if change["action"].startswith(MADE_UP):
                continue
            told = {**(change["before"] or {}), **(change["after"] or {})}
            if nameless := sorted(set(told) - set(FIELDS)):
                raise NoWords(f"{change['action']}: {', '.join(nameless)}")
            if odd := sorted({str(code) for code in told.get("reasons") or ()} - set(REASONS)):
                raise NoWords(f"{change['action']}: reasons {', '.join(odd)} (tenants.views.reason_words)")

    history._write = written
