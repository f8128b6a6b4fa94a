"""Whatever a running portal leaves behind, to be looked through for values that must not stand there."""

import base64
import re
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import psycopg
import redis
from psycopg import sql

from tests.support.portal import RunningPortal

_MAIL = re.compile(r"^Content-Type: text/plain.*?^-{79}$", re.DOTALL | re.MULTILINE)
_TABLES = """
    SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
"""


class Overheard:
    """Everything that is said to the broker meanwhile: payloads of tasks, whoever takes them."""

    def __init__(self, address: str) -> None:
        self._client = redis.Redis.from_url(address)
        self._lines: list[str] = []
        self._monitor = self._client.monitor()
        self._monitor.__enter__()
        threading.Thread(target=self._listen, daemon=True).start()

    def text(self) -> str:
        """What a body of base64 says, too."""
        return "\n".join([*self._lines, *(decoded for line in self._lines for decoded in _decoded(line))])

    def _listen(self) -> None:
        try:
            for said in self._monitor.listen():
                self._lines.append(said["command"])
        except (redis.RedisError, OSError, ValueError):
            pass  # the broker was stopped


def _decoded(line: str) -> Iterator[str]:
    for part in line.replace("\\", "").split('"'):
        if len(part) > 40 and " " not in part:
            try:
                yield base64.b64decode(part, validate=True).decode(errors="replace")
            except ValueError:
                continue


def dumped(portal: RunningPortal) -> dict[str, str]:
    """The rows of every table as a dump of the database has them."""
    found = {}
    with psycopg.connect(portal.environment["DATABASE_OWNER_URL"]) as connection:
        for (name,) in connection.execute(_TABLES).fetchall():
            with connection.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(name))) as rows:
                found[f"table {name}"] = b"".join(bytes(row) for row in rows).decode(errors="replace")
    return found


def logged(folder: Path) -> dict[str, str]:
    """What the processes wrote, without the mails, which a real installation sends to their mailboxes."""
    texts = {path.name: path.read_text(errors="replace") for path in sorted(folder.glob("*.log"))}
    return {f"log {name}": _MAIL.sub("", text) for name, text in texts.items()}


def found_in(places: Mapping[str, str], secrets: Mapping[str, str]) -> set[tuple[str, str]]:
    """Which secret stands where, plainly or only spelled otherwise."""
    spelled = {name: _spellings(value) for name, value in secrets.items()}
    return {
        (name, place)
        for place, text in places.items()
        for name, spellings in spelled.items()
        if any(spelling in text for spelling in spellings)
    }


def _spellings(value: str) -> set[str]:
    raw = value.encode()
    return {value, quote(value, safe=""), raw.hex(), base64.b64encode(raw).decode().rstrip("=")}
