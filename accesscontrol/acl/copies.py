"""What is sent of an ACL: all of it, or what moved since a revision, as it is kept.

Read by one statement, so that number and entries belong together, and written away owner by owner: however
large it is, a piece of it is in memory, and the database waits for no slow reader.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from tempfile import SpooledTemporaryFile
from typing import IO, Any
from uuid import UUID

from django.db import connection

from accesscontrol.acl.revisions import Standing
from iam_portal.decision import rfc3339
from iam_portal.walls import cross_tenant

SMALL = 1 << 20  # bytes that are kept in memory; beyond, in a file without a name
_PIECE = 1 << 16

_COPY = """
SELECT r.revision, r.risen_at, r.kept_from, e.is_gone, e.lines
FROM accesscontrol_aclrevision r LEFT JOIN LATERAL (
    SELECT {gone} AS is_gone, tenant_id, string_agg(body, E'\\n' ORDER BY type, key) AS lines
    FROM accesscontrol_aclentry
    WHERE application_id = %(application)s AND {chosen}
        AND (%(owner)s::uuid IS NULL OR tenant_id = %(owner)s)
    GROUP BY {groups} ORDER BY {groups}) e ON true
WHERE r.application_id = %(application)s
"""
_ALL = _COPY.format(gone="false", chosen="removed_at IS NULL", groups="tenant_id")
_SINCE = _COPY.format(
    gone="removed_at IS NOT NULL", chosen="revision > %(since)s", groups="is_gone, tenant_id"
)


@dataclass(frozen=True, slots=True)
class Copy:
    """The bytes that are sent, complete, and the number they belong to. ``entries``: how many are told."""

    standing: Standing
    entries: int
    body: SpooledTemporaryFile[bytes]

    def pieces(self) -> Iterator[bytes]:
        """All of it, in order; afterwards it is gone."""
        with self.body as body:
            body.seek(0)
            while piece := body.read(_PIECE):
                yield piece

    @property
    def is_small(self) -> bool:
        """Whether it can be sent in one piece."""
        return self.body.tell() <= SMALL


def copied(
    application_id: str, *, since: int | None = None, owner: UUID | None = None, as_lines: bool = False
) -> Copy:
    """The entries as they are kept; of a tenant that is not served there are none, and of an unknown one.

    Complete or an error: all of it is there before the first byte leaves.
    """
    asked = {"application": application_id, "since": since, "owner": owner}
    with cross_tenant(), connection.chunked_cursor() as cursor:  # entries of every tenant that is served
        cursor.execute(_ALL if since is None else _SINCE, asked)
        rows = iter(cursor)
        first = next(rows)
        body = SpooledTemporaryFile(SMALL)  # noqa: SIM115  (whoever sends it closes it)
        try:
            standing = Standing(*first[:3])
            owners, head = _owners(chain([first], rows)), _head(application_id, standing, since)
            entries = _lines(body, head, owners) if as_lines else _document(body, head, owners, since)
        except BaseException:
            body.close()
            raise
    return Copy(standing, entries, body)


def _owners(rows: Iterable[Any]) -> Iterator[tuple[bool, str]]:
    """(whether they are gone, the entries of one owner as lines)."""
    for *_, is_gone, lines in rows:
        if lines is not None:  # without any entry the revision stands alone
            yield is_gone, lines


def _head(application_id: str, standing: Standing, since: int | None) -> dict[str, Any]:
    head: dict[str, Any] = {"applicationId": application_id, "revision": standing.revision}
    if since is None:
        return {**head, "generatedAt": rfc3339(standing.since)}
    return {**head, "since": since}


def _lines(body: IO[bytes], head: dict[str, Any], owners: Iterable[tuple[bool, str]]) -> int:
    """A line that says what it is, one for each entry, one that says it is complete."""
    count = 0
    _write(body, _json(head), "\n")
    for is_gone, text in owners:
        lines = text.split("\n")
        if is_gone:
            lines = [_json({**json.loads(line), "removed": True}) for line in lines]
        _write(body, "\n".join(lines), "\n")
        count += len(lines)
    _write(body, _json({"complete": True, "revision": head["revision"], "entries": count}), "\n")
    return count


def _document(
    body: IO[bytes], head: dict[str, Any], owners: Iterable[tuple[bool, str]], since: int | None
) -> int:
    """One JSON object. What is gone comes last."""
    count, names = 0, iter(["resources"] if since is None else ["changed", "removed"])
    _write(body, _json(head)[:-1], f',"{next(names)}":[')
    gone, separator = False, ""
    for is_gone, text in owners:
        if is_gone and not gone:
            gone, separator = True, f'],"{next(names)}":['
        _write(body, separator, text.replace("\n", ","))
        separator = ","
        count += text.count("\n") + 1
    _write(body, *(f'],"{name}":[' for name in names), "]}")
    return count


def _write(body: IO[bytes], *texts: str) -> None:
    body.write("".join(texts).encode())


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"))
