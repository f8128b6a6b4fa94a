"""Workbooks as people send them: opened, changed and saved by a program that is not ours."""

import io
from collections.abc import Callable, Mapping
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from django.http import HttpResponse
from openpyxl import Workbook, load_workbook

from tests.support.configuring import World, address, send

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Edit = Callable[[Any], object]


def download(world: World, who: Any, client: Any = None) -> bytes:
    reply = world.export(who, client, Accept=XLSX)
    assert (reply.status_code, reply["Content-Type"]) == (200, XLSX), reply.content
    return bytes(reply.content)


def edited(raw: bytes, edit: Edit) -> bytes:
    """Saved after a change of its sheets."""
    book = load_workbook(io.BytesIO(raw))
    edit(book)
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def texts(raw: bytes, name: str) -> list[list[str]]:
    """What a program shows of a sheet."""
    sheet = load_workbook(io.BytesIO(raw))[name]
    return [[str(text or "") for text in row] for row in sheet.iter_rows(values_only=True)]


def plan(world: World, who: Any, raw: bytes, client: Any = None) -> HttpResponse:
    return send(client or who.client, f"{address(who.tenant)}:plan", raw, XLSX)


def apply(world: World, who: Any, raw: bytes, revision: str, client: Any = None) -> HttpResponse:
    headers = {"If-Match": f'"{revision}"'}
    return send(client or who.client, f"{address(who.tenant)}:apply", raw, XLSX, **headers)


def simple(sheets: Mapping[str, list[list[Any]]]) -> bytes:
    """A workbook of these cells."""
    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def repacked(raw: bytes, change: Callable[[dict[str, bytes]], object]) -> bytes:
    """With other parts in the archive."""
    with ZipFile(io.BytesIO(raw)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    made = io.BytesIO()
    with ZipFile(made, "w", ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return made.getvalue()
