"""Sentences of rules: English for machines and the record; a page says them in the reader's language.

Pure: nothing here knows which language that is. ``tenants.http.refusals`` and the ``dated`` filter translate.
"""

from collections.abc import Mapping
from typing import Any


class Said(str):
    """The English sentence, which still knows its pattern and what stands in its gaps."""

    pattern: str
    parts: Mapping[str, Any] | None
    context: str

    def __new__(cls, pattern: str, parts: Mapping[str, Any] | None = None, context: str = "") -> "Said":
        sentence = super().__new__(cls, pattern % parts if parts else pattern)
        sentence.pattern, sentence.parts, sentence.context = pattern, parts, context
        return sentence

    def __str__(self) -> str:
        """Itself: ``str()`` of a plain subclass would forget the pattern."""
        return self


def said(pattern: str, parts: Mapping[str, Any] | None = None) -> Said:
    """``said("%(name)s is inactive.", {"name": user})``: found by ``make messages``."""
    return Said(pattern, parts)


def term(word: str, context: str = "") -> Said:
    """A code for the gap of a sentence: people read the word that a page has for it elsewhere."""
    return Said(word, context=context)
