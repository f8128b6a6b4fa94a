"""Filters (RFC 7644 §3.4.2.2), read into a tree: never into SQL, and never deeper than somebody would write.

``not`` binds closer than ``and``, ``and`` closer than ``or``. Names of attributes are lower-case in the tree,
without the URN of their schema.
"""

import json
import re
from dataclasses import dataclass
from typing import Final

from accesscontrol.scim.refused import ScimRefused

LONGEST, DEEPEST, MOST = 4000, 12, 60  # characters, parentheses in each other, comparisons
OPERATORS: Final = frozenset({"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"})
Value = str | bool | int | float | None
_TOKEN = re.compile(r'\s*(?:(?P<text>"(?:[^"\\\x00-\x1f]|\\.)*")|(?P<sign>[()\[\]])|(?P<word>[^\s()\[\]"]+))')
_URN = re.compile(r"urn:ietf:params:scim:schemas:core:2\.0:(?:user|group):", re.IGNORECASE)
_NAME = re.compile(r"[a-z$][a-z0-9_$-]{0,63}(?:\.[a-z$][a-z0-9_$-]{0,63})?")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?")
_WORDS: Final[dict[str, Value]] = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class Compare:
    """``pr`` has no value."""

    path: str
    operator: str
    value: Value = None


@dataclass(frozen=True, slots=True)
class Both:
    """All of them."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Any of them."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The contrary."""

    part: "Filter"


@dataclass(frozen=True, slots=True)
class Among:
    """One value of a multi-valued attribute for which all of it holds: ``emails[type eq "work"]``."""

    path: str
    part: "Filter"


Filter = Compare | Both | Either | Not | Among


def parse(text: str) -> Filter:
    """The tree; ScimRefused (invalidFilter) for what is none."""
    reader = Reader(text)
    found = reader.either()
    if reader.peek() is not None:
        raise _wrong("There is something after its end.")
    return found


def name_of(text: str) -> str:
    """The name of an attribute as trees have it; ScimRefused (invalidPath) for what is none."""
    name = _URN.sub("", text).lower()
    if not _NAME.fullmatch(name):
        raise ScimRefused("invalidPath", "There is no attribute of such a name.")
    return name


class Reader:
    """Goes through the words of a filter, one after the other."""

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST:
            raise _wrong(f"It is longer than {LONGEST} characters.")
        self._tokens: list[str] = []
        place = 0
        while text[place:].strip():
            found = _TOKEN.match(text, place)
            if found is None:
                raise _wrong("A text in it has no end.")
            self._tokens.append(found[0].strip())
            place = found.end()
        self._place = self._depth = self._compared = 0

    def peek(self) -> str | None:
        """The next word, if there is one."""
        return self._tokens[self._place] if self._place < len(self._tokens) else None

    def take(self) -> str:
        """The next word."""
        found = self.peek()
        if found is None:
            raise _wrong("It ends too early.")
        self._place += 1
        return found

    def either(self) -> Filter:
        """``a or b or c``."""
        parts = [self._both()]
        while self._is_next("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _both(self) -> Filter:
        parts = [self._one()]
        while self._is_next("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def _one(self) -> Filter:
        word = self.take()
        if word == "(":
            return self._inside(")")
        if word.lower() == "not" and self.peek() == "(":
            self.take()
            return Not(self._inside(")"))
        path = self._path(word)
        if self.peek() == "[":
            self.take()
            return Among(path, self._inside("]"))
        return self._compare(path)

    def _inside(self, end: str) -> Filter:
        self._depth += 1
        if self._depth > DEEPEST:
            raise _wrong("It is nested too deeply.")
        found = self.either()
        if self.take() != end:
            raise _wrong(f"A {end} is missing.")
        self._depth -= 1
        return found

    def _path(self, word: str) -> str:
        try:
            return name_of(word)
        except ScimRefused:
            raise _wrong("An attribute in it has no such name.") from None

    def _compare(self, path: str) -> Compare:
        self._compared += 1
        if self._compared > MOST:
            raise _wrong(f"It compares more than {MOST} times.")
        operator = self.take().lower()
        if operator == "pr":
            return Compare(path, "pr")
        if operator not in OPERATORS:
            raise _wrong("An operator in it is not known.")
        return Compare(path, operator, _value(self.take()))

    def _is_next(self, word: str) -> bool:
        found = self.peek()
        if found is None or found.lower() != word:
            return False
        self._place += 1
        return True


def _value(word: str) -> Value:
    if word.startswith('"'):
        return _text(word)
    if word.lower() in _WORDS:
        return _WORDS[word.lower()]
    if _NUMBER.fullmatch(word):
        return float(word) if "." in word else int(word)
    raise _wrong("A value in it is neither a text in quotation marks, nor a number, true, false or null.")


def _text(word: str) -> str:
    """What no row can hold is no value: a NUL, half of a character."""
    try:
        value = str(json.loads(word))
        value.encode()
    except ValueError:
        raise _wrong("A text in it cannot be read.") from None
    if "\x00" in value:
        raise _wrong("A text in it cannot be read.")
    return value


def _wrong(detail: str) -> ScimRefused:
    return ScimRefused("invalidFilter", f"The filter cannot be read. {detail}")
