"""Sentences of rules: English for machines and the record; a page says them in the reader's language.

Pure: nothing here knows which language that is. ``tenants.http.refusals`` and the ``dated`` filter translate.
"""

from collections.abc import Mapping
from typing import Any


class Said(str):
    """The English sentence, which still knows its pattern and what stands in its gaps."""

    pattern: str
    parts: Mapping[str, Any] | None

    def __new__(cls, pattern: str, parts: Mapping[str, Any] | None = None) -> "Said":
        sentence = super().__new__(cls, pattern % parts if parts else pattern)
        sentence.pattern, sentence.parts = pattern, parts
        return sentence

    def __str__(self) -> str:
        """Itself: ``str()`` of a plain subclass would forget the pattern."""
        return self


def said(pattern: str, parts: Mapping[str, Any] | None = None) -> Said:
    """``said("%(name)s is inactive.", {"name": user})``: found by ``make messages``."""
    return Said(pattern, parts)
