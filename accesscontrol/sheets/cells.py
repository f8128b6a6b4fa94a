"""The texts in the cells of a workbook (ECMA-376 part 1, SpreadsheetML), and nothing that could run.

The XML streams past: no tree is built, no document type is taken, so no entity is ever followed. A formula is
refused where it stands and never worked out, nor is its last result believed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from xml.etree.ElementTree import ParseError

from defusedxml.ElementTree import DefusedXMLParser

from accesscontrol.sheets.packed import Package
from accesscontrol.sheets.refused import Objections, address, broken
from iam_portal.sentences import said

ROWS, COLUMNS, CELLS = 20_000, 500, 250_000  # filled ones
MOST_SHEETS = 20
LONGEST = 5_000  # signs of a cell: twice the longest text that any field takes
_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")  # ST_Xstring: how signs are written that XML has no place for
_STRINGS = {"inlineStr", "str"}
_NO_TEXT = {
    "n": said("a number"),
    "b": said("true or false"),
    "e": said("an error"),
    "d": said("a date"),
}
_BROKEN = "The workbook is damaged, or no program of an office wrote it. Nothing was changed."


@dataclass(frozen=True, slots=True)
class Grid:
    """The filled cells of a sheet: row → column → text, both from 1."""

    name: str
    rows: Mapping[int, Mapping[int, str]]


def grids(raw: bytes, objections: Objections) -> dict[str, Grid]:
    """Sheet by sheet; what is no text is objected to, what is no workbook refused."""
    package = Package(raw)
    book, links = _Book(), _Links()
    _parse(_required(package, "xl/workbook.xml"), book)
    _parse(_required(package, "xl/_rels/workbook.xml.rels"), links)
    if not 0 < len(book.sheets) <= MOST_SHEETS:
        raise broken(said("A workbook has 1 to %(most)d sheets.", {"most": MOST_SHEETS}))
    shared = _Strings()
    if (strings := package.part("xl/sharedStrings.xml")) is not None:
        _parse(strings, shared)
    found: dict[str, Grid] = {}
    left = CELLS
    for name, link, state in book.sheets:
        if state != "visible":
            objections.add(name, "hidden_sheet", "This sheet is hidden. Show it, or delete it.")
        sheet = _Sheet(name, shared.texts, objections, left)
        _parse(_required(package, _target(links.targets.get(link, ""))), sheet)
        left = sheet.left
        if name in found:
            raise broken(_BROKEN)
        found[name] = Grid(name, sheet.rows)
    return found


class _Target(Protocol):
    """What the parser tells what it meets."""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None: ...

    def end(self, tag: str) -> None: ...

    def data(self, text: str) -> None: ...


def _parse(raw: bytes, target: _Target) -> None:
    parser: Any = DefusedXMLParser(target=target, forbid_dtd=True)
    try:
        parser.feed(raw)
        parser.close()
    except (ParseError, ValueError, LookupError):  # what is forbidden is a ValueError, too
        raise broken(_BROKEN) from None


def _required(package: Package, name: str) -> bytes:
    found = package.part(name)
    if found is None:
        raise broken(_BROKEN)
    return found


def _target(link: str) -> str:
    """Relations count from the folder of the workbook, or from the root."""
    return link.removeprefix("/") if link.startswith("/") else f"xl/{link}"


def _local(tag: str) -> str:
    """Without its namespace: the strict form of the standard has another one."""
    return tag.rpartition("}")[2]


class _Silent:
    def start(self, tag: str, attributes: Mapping[str, str]) -> None: ...

    def end(self, tag: str) -> None: ...

    def data(self, text: str) -> None: ...

    def close(self) -> None: ...


class _Book(_Silent):
    """The sheets: name, relation, state."""

    def __init__(self) -> None:
        self.sheets: list[tuple[str, str, str]] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if _local(tag) == "sheet":
            given = {_local(name): value for name, value in attributes.items()}
            self.sheets.append((given.get("name", ""), given.get("id", ""), given.get("state", "visible")))


class _Links(_Silent):
    def __init__(self) -> None:
        self.targets: dict[str, str] = {}

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if _local(tag) == "Relationship":
            self.targets[attributes.get("Id", "")] = attributes.get("Target", "")


class _Texts(_Silent):
    """Gathers what stands in ``t``, without the readings of Asian scripts."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.taking = self.aside = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        name = _local(tag)
        self.aside = self.aside or name == "rPh"
        self.taking = name in ("t", "v") and not self.aside

    def end(self, tag: str) -> None:
        self.taking = False
        if _local(tag) == "rPh":
            self.aside = False

    def data(self, text: str) -> None:
        if self.taking:
            self.parts.append(text)

    def taken(self) -> str:
        """What was gathered since the last time; longer than any field, it is cut and so refused."""
        text, self.parts = "".join(self.parts)[: LONGEST + 1], []
        return text


class _Strings(_Texts):
    """The texts that cells share."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def end(self, tag: str) -> None:
        super().end(tag)
        if _local(tag) == "si":
            self.texts.append(_plain(self.taken()))  # once: a thousand cells share the one text


@dataclass(slots=True)
class _Here:
    """The cell at which the parser is."""

    row: int = 0
    column: int = 0
    kind: str = "n"
    formula: bool = False


class _Sheet(_Texts):
    def __init__(self, name: str, shared: list[str], objections: Objections, left: int) -> None:
        super().__init__()
        self.name, self.shared, self.objections, self.left = name, shared, objections, left
        self.rows: dict[int, dict[int, str]] = {}
        self.here = _Here()

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        super().start(tag, attributes)
        name, here = _local(tag), self.here
        if name == "row":
            self.here = _Here(row=_counted(attributes.get("r"), here.row + 1))
        elif name == "c":
            row, column = _placed(attributes.get("r"), here)
            self.here = _Here(row, column, attributes.get("t", "n"))
            self.taken()
        elif name == "f":
            here.formula = True
        elif name == "mergeCell":
            place = f"{self.name}!{attributes.get('ref', '')[:20]}"
            self.objections.add(place, "merged_cells", "These cells are merged. Split them.")

    def end(self, tag: str) -> None:
        super().end(tag)
        if _local(tag) == "c":
            self._cell(self.taken())

    def _cell(self, text: str) -> None:
        here = self.here
        if here.formula:
            self._object("formula", "This is a formula. Write the text itself.")
            text = text or "?"  # not empty either: said once is enough
        elif here.kind == "s":
            text = self._shared(text)
        elif text and here.kind not in _STRINGS:
            what = {"what": _NO_TEXT.get(here.kind, _NO_TEXT["e"])}
            self._object(
                "no_text", said("This is %(what)s. Format the cell as text, and write it anew.", what)
            )
        if here.formula or here.kind != "s":
            text = _plain(text)
        if not text:
            return
        if here.row > ROWS or here.column > COLUMNS or self.left == 0:
            text = said(
                "%(sheet)s: there is too much in it. At most %(rows)d rows, %(columns)d columns and %(cells)d"
                " filled cells in all sheets are taken.",
                {"sheet": self.name[:31], "rows": ROWS, "columns": COLUMNS, "cells": CELLS},
            )
            raise broken(text)
        if len(text) > LONGEST:
            self._object("too_long", said("This has more than %(most)d signs.", {"most": LONGEST}))
        self.left -= 1
        row = self.rows.setdefault(here.row, {})
        if here.column in row:  # each program would read another
            raise broken(_BROKEN)
        row[here.column] = text

    def _shared(self, text: str) -> str:
        if not (text.isascii() and text.isdigit() and len(text) < 9) or int(text) >= len(self.shared):
            raise broken(_BROKEN)
        return self.shared[int(text)]

    def _object(self, code: str, text: str) -> None:
        place = f"{self.name}!{address(self.here.column, self.here.row)}"
        self.objections.add(place, code, text)


def _counted(text: str | None, following: int) -> int:
    if text is None:
        return following
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise broken(_BROKEN)
    return int(text)


def _placed(reference: str | None, here: _Here) -> tuple[int, int]:
    """Row and column; a cell without its reference stands beside the one before (§18.3.1.4)."""
    if reference is None:
        return here.row, here.column + 1
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        raise broken(_BROKEN)
    column = 0
    for letter in found[1]:
        column = column * 26 + ord(letter) - 64
    return int(found[2]), column


def _plain(text: str) -> str:
    return _ESCAPED.sub(_sign, text).strip()


def _sign(found: re.Match[str]) -> str:
    """Half of a pair stays as it is written: alone it is no sign."""
    number = int(found[1], 16)
    return found[0] if 0xD800 <= number <= 0xDFFF else chr(number)
