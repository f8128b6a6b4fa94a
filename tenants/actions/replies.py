"""Replies that are given a second time: who sends a request again with the same key does nothing again."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from iam_portal.errors import DomainError, Kind
from iam_portal.gate import Actor
from tenants.models import IdempotentReply, Tenant

KEPT = timedelta(hours=24)


class KeyReused(DomainError):
    """The key came with something else before."""

    code = "idempotency_key_reused"
    kind = Kind.UNPROCESSABLE


class StillRunning(DomainError):
    """The same request is at work at this moment."""

    code = "idempotency_running"


class AlreadyCreated(DomainError):
    """It was done. Its reply held a secret, which is shown once."""

    code = "already_created"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that may come twice: by whom, where, with which key and body."""

    tenant: Tenant
    by: Actor
    address: str
    key: str
    body: Any

    @property
    def slot(self) -> str:
        """Another principal's key is another key, and so is that of another address."""
        return _digest([self.by.kind, self.by.id, self.address, self.key])


def claim(asked: Asked, *, at: datetime) -> IdempotentReply | None:
    """The reply of the first time, or None: then it is the first, until the transaction ends.

    The lock is not waited for: whoever sends twice at once hears of the one that is running.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"reply:{asked.slot}"])
        if not cursor.fetchone()[0]:
            raise StillRunning("The same request is at work. Ask again in a moment.", data={"retryAfter": 1})
    rows = IdempotentReply.objects.filter(tenant=asked.tenant, slot=asked.slot)
    rows.filter(expires_at__lte=at).delete()
    found = rows.first()
    if found is None:
        return None
    if found.asked != _digest(asked.body):
        raise KeyReused("This key came with another body before. Nothing was changed.")
    if found.reply is None:
        raise AlreadyCreated("This was done already. Its reply held a secret, which is shown once.")
    return found


def keep(asked: Asked, *, status: int, reply: str | None, etag: str, at: datetime) -> None:
    """For a day, with what was done: both stand or fall together."""
    row = IdempotentReply(
        tenant=asked.tenant,
        slot=asked.slot,
        asked=_digest(asked.body),
        status=status,
        reply=reply,
        etag=etag,
        expires_at=at + KEPT,
    )
    row.full_clean()
    row.save(force_insert=True)


def _digest(value: Any) -> str:
    """Of the value, however it was spelled as JSON."""
    canonical = json.dumps(value, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
