"""The live session behind a cookie, in plain SQL: it stands in the path of every page and every call of one.

The framework would take longer to write this statement anew for each request than PostgreSQL to answer it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.db import connection, models

from tenants import hashers
from tenants.models import Tenant, TenantSuspension, User, UserActivity, UserSession

# Who may be here is said once more in `sessions._present`: active, and the tenant not suspended.
_LIVE = """
SELECT {session}, {user}
FROM {sessions} s JOIN {users} u ON u.id = s.user_id
WHERE s.digest = %(digest)s AND s.tenant_id = %(tenant)s AND u.tenant_id = %(tenant)s
    AND s.ended_at IS NULL AND s.expires_at > %(at)s AND s.seen_at > %(idle_since)s
    AND EXISTS (SELECT FROM {activity} a WHERE a.user_id = u.id AND a.during @> %(at)s::timestamptz)
    AND NOT EXISTS (
        SELECT FROM {suspensions} x WHERE x.tenant_id = %(tenant)s AND x.during @> %(at)s::timestamptz)
"""


def find(*, tenant: Tenant, token: str, at: datetime, idle: timedelta) -> UserSession | None:
    """The session with its user, in the tenant's scope. One query."""
    values = {
        "digest": hashers.digest(token),
        "tenant": tenant.pk,
        "at": at,
        "idle_since": at - idle,
    }
    with connection.cursor() as cursor:
        cursor.execute(_statement(), values)
        row = cursor.fetchone()
    if row is None:
        return None
    width = len(UserSession._meta.concrete_fields)
    session: UserSession = _made(UserSession, row[:width])
    session.user = _made(User, row[width:])
    return session


@cache
def _statement() -> str:
    tables = {
        "sessions": UserSession,
        "users": User,
        "activity": UserActivity,
        "suspensions": TenantSuspension,
    }
    names = {key: model._meta.db_table for key, model in tables.items()}
    return _LIVE.format(session=_columns(UserSession, "s"), user=_columns(User, "u"), **names)


def _columns(model: type[models.Model], alias: str) -> str:
    return ", ".join(f"{alias}.{field.column}" for field in model._meta.concrete_fields)


def _made(model: type[models.Model], values: Sequence[Any]) -> Any:
    """A row of the model, as its manager would have made it."""
    fields = model._meta.concrete_fields
    read = [_read(field, value) for field, value in zip(fields, values, strict=True)]
    return model.from_db(connection.alias, [field.attname for field in fields], read)


def _read(field: Any, value: Any) -> Any:
    """Some fields hold other values than their columns."""
    return field.from_db_value(value, None, connection) if hasattr(field, "from_db_value") else value
