"""When a credential was used last."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection, transaction

from applications.models import ClientCertificate, ClientKey, ClientSecret, TrustedIssuer

SELDOM = timedelta(minutes=1)
Credential = type[ClientSecret] | type[ClientKey] | type[ClientCertificate] | type[TrustedIssuer]
log = logging.getLogger("iam.oauth")

_NOTE = """
UPDATE {table} SET last_used_at = %(at)s WHERE id = (
    SELECT id FROM {table}
    WHERE id = %(id)s AND (last_used_at IS NULL OR last_used_at <= %(before)s) FOR UPDATE SKIP LOCKED
)
"""
_NOTE_ALL = """
UPDATE {table} SET last_used_at = used.at
FROM unnest(%(ids)s::uuid[], %(moments)s::timestamptz[]) AS used (id, at)
WHERE {table}.id = used.id AND {table}.id IN (
    SELECT id FROM {table} WHERE id = ANY(%(ids)s) FOR UPDATE SKIP LOCKED
) AND ({table}.last_used_at IS NULL OR {table}.last_used_at <= used.at - %(seldom)s)
"""


def note_all(kind: Credential, used: Sequence[tuple[UUID, datetime]]) -> None:
    """The same of many, in one statement; errors are the caller's."""
    ids, moments = zip(*used, strict=True)
    given: dict[str, Any] = {"ids": [*ids], "moments": [*moments], "seldom": SELDOM}
    with connection.cursor() as cursor:
        cursor.execute(_NOTE_ALL.format(table=kind._meta.db_table), given)


def note(kind: Credential, id: UUID, *, last: datetime | None, at: datetime) -> None:
    """Note the use, at most once a minute. Never waits for another request, never fails this one."""
    if last is not None and at - last < SELDOM:
        return
    query = _NOTE.format(table=kind._meta.db_table)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(query, {"at": at, "id": id, "before": at - SELDOM})
    except DatabaseError:
        log.warning("last use of a client's credential was not noted", exc_info=True)
