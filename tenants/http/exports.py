"""The record as a file that begins before it is known: CSV (RFC 4180) or JSON lines, in constant memory.

A file that ends too early must be told from a complete one: what fails meanwhile breaks the connection, and
JSON lines end with one that says they are complete.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from django.http import StreamingHttpResponse

from iam_portal.decision import rfc3339
from tenants.models import Tenant
from tenants.questions import Asked, Row, as_json, every_row

CSV, NDJSON = "text/csv", "application/x-ndjson"
COLUMNS = (
    "id",
    "at",
    "action",
    "actorType",
    "actorId",
    "actorName",
    "subjectType",
    "subjectId",
    "subjectName",
    "sourceAddress",
    "requestId",
    "before",
    "after",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def defused(cell: object) -> str:
    """A spreadsheet takes a cell that begins like a formula for one, whoever wrote it; so none does."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(_FORMULA) else text


def export(asked: Asked, *, tenant: Tenant, media_type: str) -> StreamingHttpResponse:
    """Every row that fits, newest first."""
    lines: Callable[[Iterator[Row]], Iterator[bytes]] = _table if media_type == CSV else _lines
    kind = f"{CSV}; charset=utf-8" if media_type == CSV else NDJSON
    ending = "csv" if media_type == CSV else "ndjson"
    name = f'attachment; filename="history-{tenant.slug}.{ending}"'
    headers = {"Content-Disposition": name, "Cache-Control": "private, no-store"}
    return StreamingHttpResponse(lines(every_row(asked, tenant=tenant)), content_type=kind, headers=headers)


def as_table(
    names: Sequence[str], rows: Iterable[Sequence[object]], head: Mapping[str, object]
) -> Iterator[bytes]:
    """CSV of any rows; moments as RFC 3339."""
    writer = csv.writer(_Echo())
    yield writer.writerow(names)
    for row in rows:
        yield writer.writerow([defused(plain(cell)) for cell in row])


def as_json_file(
    names: Sequence[str], rows: Iterable[Sequence[object]], head: Mapping[str, object]
) -> Iterator[bytes]:
    """One document: what ``head`` says, and the rows as ``items``. One that broke off is no JSON."""
    opening = json.dumps({name: plain(value) for name, value in head.items()})
    yield f'{opening[:-1]}, "items": ['.encode()
    between = "\n"
    for row in rows:
        item = {name: plain(cell) for name, cell in zip(names, row, strict=True)}
        yield (between + json.dumps(item)).encode()
        between = ",\n"
    yield b"\n]}\n"


def plain(cell: object) -> object:
    """A moment as RFC 3339; everything else as it is."""
    return rfc3339(cell) if isinstance(cell, datetime) else cell


class _Echo:
    """A file that gives back what is written into it."""

    def write(self, text: str) -> bytes:
        return text.encode()


def _table(rows: Iterator[Row]) -> Iterator[bytes]:
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for row in rows:
        yield writer.writerow([defused(cell) for cell in _cells(row)])


def _cells(row: Row) -> list[object]:
    event = row.event
    return [
        event.reference,
        rfc3339(event.at),
        event.action,
        event.actor_kind,
        event.actor_id,
        row.actor_name,
        event.subject_kind,
        event.subject_id,
        row.subject_name,
        row.source_address,
        event.request_id,
        *(None if value is None else json.dumps(value) for value in (event.before, event.after)),
    ]


def _lines(rows: Iterator[Row]) -> Iterator[bytes]:
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007  (counted for the last line)
        yield _line(as_json(row))
    yield _line({"complete": True, "rows": count})


def _line(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"
