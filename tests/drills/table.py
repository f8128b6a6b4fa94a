"""The table of docs/drills.md, as a run of the drills writes it."""

import os
import platform
from collections.abc import Iterable
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from iam_portal.launchers import placement
from tests.drills.carrying_out import Row
from tests.drills.servers import first_line
from tests.support.database import bindir

_COLUMNS = (
    "fault",
    "what was running",
    "requests",
    "errors",
    "answers wrong",
    "lost",
    "doubled",
    "longest, s",
    "recovered, s",
)
_PACKAGES = ("Django", "psycopg", "celery", "granian")
_BEGIN, _END = "<!-- drills: written by the command -->\n", "<!-- end -->"


def write(rows: Iterable[Row], *, at: datetime, short: bool) -> str:
    """The table, and by what it was measured."""
    lines = [
        f"| {' | '.join(_COLUMNS)} |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|",
        *(
            f"| {row.fault} | {row.running} | {row.requests:,} | {row.errors:,} | {row.wrong} | {row.lost} "
            f"| {row.doubled} | {row.longest:.1f} | {row.recovered:.1f} |"
            for row in rows
        ),
    ]
    postgres = first_line(str((bindir() or placement.find_binaries()) / "postgres"), "--version")
    versions = [f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in _PACKAGES)]
    what = ", ".join([postgres.replace("postgres (PostgreSQL)", "PostgreSQL"), *versions])
    form = "Short" if short else "Long"
    return "\n".join([*lines, "", f"{form} form, {at:%-d %B %Y}; {what}; {os.cpu_count()} cores.", ""])


def put(page: Path, text: str) -> None:
    """Into the page, in place of what stood there."""
    head, _, rest = page.read_text().partition(_BEGIN)
    page.write_text(f"{head}{_BEGIN}\n{text}\n{_END}{rest.partition(_END)[2]}")
