"""On what a remembered answer rests, and whether that is still as it was.

Facts stand under keys; every change leaves a trace under its keys (:class:`accesscontrol.models.FactChange`).
The version of a set of keys is read within each request, in one statement: who remembers what he found under
a version, and reads the same version now, knows that nothing has changed between.
"""

import hashlib
import threading
import time
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple, Protocol

import psycopg
from django.conf import settings
from django.db import connection, connections
from psycopg.pq import ExecStatus

from accesscontrol.decide import CallFacts

LOST = "*"  # a change whose row no longer said whose it is
MOST_LINES = 16  # connections of a process: who waits for one costs more than a connection
AGAIN = 1.0  # seconds after a failed attempt to connect
_OURS = {"context", "cursor_factory", "prepare_threshold"}  # Django's own; not for a connection beside it
_LIMITS = {"connect_timeout": 2, "tcp_user_timeout": 3000, "application_name": "iam-short"}
_STATEMENT = """
SELECT coalesce(bit_xor(nonce) FILTER (WHERE key <> {own}), 0),
    count(*) FILTER (WHERE key <> {own}), count(*) FILTER (WHERE key = {own})
FROM accesscontrol_factchange WHERE key = ANY({keys}::bigint[] || {own})
"""
# With few rows the planner would read the whole table, and go on to do so when there are many.
# Given when connecting: a pooler in between refuses them, where a SET would stay on a connection of others.
_SETTINGS = "-c enable_seqscan=off -c plan_cache_mode=force_generic_plan -c statement_timeout=3000"
NOTHING = 0  # no trace has this key


class Version(NamedTuple):
    """All nonces in one XOR, and how many there are."""

    nonces: int
    rows: int


class Seen(NamedTuple):
    """What was read: the version, and how often the one key of the request's own was touched."""

    version: Version
    own: int


class Reader(Protocol):
    """Reads versions; raises whatever the database raises."""

    def read(self, keys: bytes, own: int = NOTHING) -> Seen: ...


def number(key: str) -> int:
    """A key as traces have it: half of a digest. Two that are alike cost a look, and nothing else."""
    half = hashlib.md5(key.encode(), usedforsecurity=False).digest()[:8]
    return int.from_bytes(half, "big", signed=True)


def array(keys: Iterable[str]) -> bytes:
    """As the statement takes them."""
    return ("{" + ",".join(str(number(key)) for key in sorted(keys)) + "}").encode()


def revocation(tenant_id: str, jti: str) -> int:
    """The key of one access token."""
    return number(f"r:{tenant_id}:{jti}")


def rests_on(
    facts: Mapping[str, CallFacts], *, application_ids: Iterable[str], tenant_ids: Collection[str]
) -> bytes:
    """The keys of all that these facts were read from.

    ``a`` an application with its clients, secrets and roles; ``t`` a tenant and its suspensions; ``c`` the
    contracts that it consumes; ``s`` what is assigned to services in it, and its own roles; ``k`` the signing
    keys. Of each provider also what it consumes: an access contract is followed to its source.
    """
    applications, tenants, consumers = set(application_ids), set(tenant_ids), set(tenant_ids)
    for call in facts.values():
        for sharing in (call.caller, call.target):
            applications.add(sharing.application.id)
            tenants |= {*sharing.tenants, sharing.application.owner_id}
            consumers |= {contract.provider_id for contract in sharing.contracts}
    keys = {
        "k",
        LOST,
        *(f"a:{each}" for each in applications),
        *(f"t:{each}" for each in tenants | consumers),
    }
    keys |= {f"c:{each}" for each in consumers} | {f"s:{each}" for each in tenant_ids}
    return array(keys)


class SharedReader:
    """By the framework's connection: in the snapshot of the transaction that the facts are read in."""

    def read(self, keys: bytes, own: int = NOTHING) -> Seen:
        with connection.cursor() as cursor:
            cursor.execute(
                _STATEMENT.format(own="%(own)s::bigint", keys="%(keys)s"), {"own": own, "keys": keys.decode()}
            )
            nonces, rows, touched = cursor.fetchone()
        return Seen(Version(nonces, rows), touched)


class KeptReader:
    """By connections of its own, on which the statement stays prepared: as many as read at once.

    One round trip, without the framework and without a transaction. It sees everything that was committed
    before it was asked.
    """

    _name = b"version"

    def __init__(self) -> None:
        self._places = threading.Semaphore(MOST_LINES)
        self._free: list[psycopg.Connection] = []  # the last that was given back is taken first
        self._failed_at = float("-inf")

    def read(self, keys: bytes, own: int = NOTHING) -> Seen:
        with self._places:
            return self._read(keys, own)

    def _read(self, keys: bytes, own: int) -> Seen:
        try:
            line = self._free.pop()
        except IndexError:
            line = self._connected()
        done = False
        try:
            result = line.pgconn.exec_prepared(self._name, [b"%d" % own, keys])
            if result.status != ExecStatus.TUPLES_OK:
                raise psycopg.OperationalError("The version cannot be read.")
            nonces, rows, touched = (int(result.get_value(0, column) or 0) for column in range(3))
            done = True
        finally:
            if done:
                self._free.append(line)
            else:
                line.close()  # one that failed is not asked again, nor are those made before it
                self.close()
        return Seen(Version(nonces, rows), touched)

    def close(self) -> None:
        """Let go of all that are free."""
        while self._free:
            self._free.pop().close()

    def _connected(self) -> psycopg.Connection:
        if time.monotonic() - self._failed_at < AGAIN:
            raise psycopg.OperationalError("The database was away a moment ago.")
        made = None
        try:
            made = psycopg.connect(**_parameters(), autocommit=True)
            statement = _STATEMENT.format(own="$1::bigint", keys="$2").encode()
            if made.pgconn.prepare(self._name, statement).status != ExecStatus.COMMAND_OK:
                raise psycopg.OperationalError("The statement cannot be prepared.")
        except Exception:
            self._failed_at = time.monotonic()
            if made is not None:
                made.close()
            raise
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
