"""Connections of the process's own, by which versions are read: few, kept, with prepared statements."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any

import psycopg
from django.conf import settings
from django.db import connections
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

from accesscontrol.oauth.short.gathered import Gathered
from accesscontrol.oauth.short.together import Together
from accesscontrol.oauth.short.versions import NOTHING, STATEMENT, TAKING, Look, Seen, Taking, Version
from iam_portal import apart

MOST_LINES = 16  # connections of a process
AGAIN = 1.0  # seconds after a failed attempt to connect
_OURS = {"context", "cursor_factory", "prepare_threshold"}  # Django's own; not for a connection beside it
_LIMITS = {"connect_timeout": 2, "tcp_user_timeout": 3000, "application_name": "iam-short"}
# With few rows the planner would read the whole table, and go on to do so when there are many.
# Given when connecting: a pooler in between refuses them, where a SET would stay on a connection of others.
_SETTINGS = "-c enable_seqscan=off -c plan_cache_mode=force_generic_plan -c statement_timeout=3000"
_ONE, _MANY, _TAKE = b"version", b"versions", b"taking"
_STATEMENTS = {
    _ONE: STATEMENT.format(own="$1::bigint", keys="$2"),
    # Each by an index range of its own: one question, one snapshot.
    _MANY: f"""
SELECT found.* FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS asked (own, keys, place)
CROSS JOIN LATERAL ({STATEMENT.format(own="asked.own", keys="asked.keys")}) AS found ORDER BY asked.place
""",
    _TAKE: TAKING.format(key="$1::uuid", digest="$2::text", ends="$3::timestamptz", at="$4::timestamptz"),
}


class KeptReader:
    """Without the framework and without a transaction: one round trip for all who look at the same time.

    It sees everything that was committed before it was asked.
    """

    def __init__(self) -> None:
        self.lines = Lines()
        self._together = Together(self.lines.ask, most=MOST_LINES)
        self._gathered = Gathered(self.lines.ask, most=MOST_LINES)

    def read(self, keys: bytes, own: int = NOTHING) -> Seen:
        """:class:`psycopg.Error` where it could not be found out."""
        look = Look(keys, own)
        return self._gathered.read(look) if apart.is_on_loop() else self._together.read(look)

    def take(self, taking: Taking, *, at: datetime) -> bool:
        """Each by a statement of its own: two that came together must not share its answer."""
        return apart.done(partial(self.lines.take, taking, at))

    def close(self) -> None:
        """Let go of all connections that are free."""
        self.lines.close()


class Lines:
    """As many as are asked at once; the one that was given back last is taken first."""

    def __init__(self) -> None:
        self.free: list[psycopg.Connection] = []
        self._failed_at = float("-inf")
        self._connecting = threading.Lock()

    def ask(self, looks: Sequence[Look]) -> Mapping[Look, Seen]:
        """All in one round trip."""
        with self._line() as line:
            return dict(zip(looks, _seen(line, looks), strict=True))

    def take(self, taking: Taking, at: datetime) -> bool:
        """Whether this use was the first."""
        moments = (each.isoformat().encode() for each in (taking.ends, at))
        with self._line() as line:
            given = [str(taking.key).encode(), taking.digest.encode(), *moments]
            result = line.pgconn.exec_prepared(_TAKE, given)
            if result.status != ExecStatus.COMMAND_OK:
                raise psycopg.OperationalError("The assertion cannot be taken.")
            return bool(result.command_tuples)

    @contextmanager
    def _line(self) -> Iterator[psycopg.Connection]:
        """One for a question. After a fault nothing that was connected before it is asked again."""
        try:
            line = self.free.pop()
        except IndexError:
            line = self.connected()
        done = False
        try:
            yield line
            done = True
        finally:
            if done:
                self.free.append(line)
            else:
                line.close()
                self.close()

    def close(self) -> None:
        """Let go of all that are free."""
        while self.free:
            self.free.pop().close()

    def connected(self) -> psycopg.Connection:
        """A new one. While the database is away, one attempt a second."""
        with self._connecting:
            if time.monotonic() - self._failed_at < AGAIN:
                raise psycopg.OperationalError("The database was away a moment ago.")
            try:
                return _prepared()
            except Exception:
                self._failed_at = time.monotonic()
                raise


def _seen(line: psycopg.Connection, looks: Sequence[Look]) -> list[Seen]:
    if len(looks) == 1:
        name, given = _ONE, [b"%d" % looks[0].own, looks[0].keys]
    else:
        owns = b",".join(b"%d" % each.own for each in looks)
        keys = b'","'.join(each.keys for each in looks)  # numbers, commas and braces alone
        name, given = _MANY, [b"{%s}" % owns, b'{"%s"}' % keys]
    result = line.pgconn.exec_prepared(name, given)
    if result.status != ExecStatus.TUPLES_OK:
        raise psycopg.OperationalError("The version cannot be read.")
    return [_row(result, number) for number in range(result.ntuples)]


def _row(result: PGresult, number: int) -> Seen:
    nonces, rows, touched = (int(result.get_value(number, column) or 0) for column in range(3))
    return Seen(Version(nonces, rows), touched)


def _prepared() -> psycopg.Connection:
    made = psycopg.connect(**_parameters(), autocommit=True)
    for name, statement in _STATEMENTS.items():
        if made.pgconn.prepare(name, statement.encode()).status != ExecStatus.COMMAND_OK:
            made.close()
            raise psycopg.OperationalError("The statement cannot be prepared.")
    return made


def _parameters() -> dict[str, Any]:
    """How to reach the database past a pooler that hands connections around."""
    wrapper = connections["default"]
    if settings.DATABASE_DIRECT:
        options = settings.DATABASE_DIRECT.get("OPTIONS", {})
        wrapper = type(wrapper)({**wrapper.settings_dict, **settings.DATABASE_DIRECT, "OPTIONS": options})
    known = wrapper.get_connection_params()
    given = {name: value for name, value in known.items() if name not in _OURS}
    return {**_LIMITS, **given, "options": f"{given.get('options', '')} {_SETTINGS}".strip()}
