"""On what a remembered answer rests, and whether that is still as it was.

Facts stand under keys; every change leaves a trace under its keys (:class:`accesscontrol.models.FactChange`).
The version of a set of keys is read within each request, in one statement: who remembers what he found under
a version, and reads the same version now, knows that nothing has changed between.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from django.db import connection

from accesscontrol.decide import CallFacts
from accesscontrol.models.changes import LOST, number

NOTHING = 0  # no trace has this key
STATEMENT = """
SELECT coalesce(bit_xor(nonce) FILTER (WHERE key <> {own}), 0),
    count(*) FILTER (WHERE key <> {own}), count(*) FILTER (WHERE key = {own})
FROM accesscontrol_factchange WHERE key = ANY({keys}::bigint[] || {own})
"""
# A key that has ended meanwhile uses nothing up; of many at once, one writes its row (RFC 7523 §3 (7)).
TAKING = """
INSERT INTO applications_usedassertion (client_id, digest, expires_at)
SELECT client_id, {digest}, {ends} FROM applications_clientkey WHERE id = {key} AND during @> {at}
ON CONFLICT (client_id, digest) DO NOTHING
"""


class Version(NamedTuple):
    """All nonces in one XOR, and how many there are."""

    nonces: int
    rows: int


class Look(NamedTuple):
    """What is asked: the keys of a ground as an array, and the one key of the request's own."""

    keys: bytes
    own: int


class Seen(NamedTuple):
    """What was read: the version, and how often the one key of the request's own was touched."""

    version: Version
    own: int


class Taking(NamedTuple):
    """An assertion that is to be used up: the row of the key that signed it, its digest and its end."""

    key: UUID
    digest: str
    ends: datetime


class Reader(Protocol):
    """Reads versions; raises whatever the database raises."""

    def read(self, keys: bytes, own: int = NOTHING) -> Seen: ...

    def take(self, taking: Taking, *, at: datetime) -> bool:
        """Whether the key still lives and nobody has used the assertion before; now it is used."""
        ...


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
                STATEMENT.format(own="%(own)s::bigint", keys="%(keys)s"), {"own": own, "keys": keys.decode()}
            )
            nonces, rows, touched = cursor.fetchone()
        return Seen(Version(nonces, rows), touched)

    def take(self, taking: Taking, *, at: datetime) -> bool:
        """See :class:`Reader`."""
        places = {name: f"%({name})s" for name in ("key", "digest", "ends", "at")}
        with connection.cursor() as cursor:
            cursor.execute(TAKING.format(**places), {**taking._asdict(), "at": at})
            return bool(cursor.rowcount)
