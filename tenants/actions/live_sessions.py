"""The live session behind a cookie, in plain SQL: it stands in the path of every page and every call of one.

The framework would take longer to write this statement anew for each request than PostgreSQL to answer it.
"""

from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection, models

from tenants import hashers
from tenants.models import Tenant, TenantSuspension, User, UserActivity, UserSession

# Who may be here is said once more in `sessions._present`: active, and the tenant not suspended.
_LIVE = """
SELECT {session}, {user}, {tenant}
FROM {sessions} s JOIN {users} u ON u.id = s.user_id JOIN {tenants} t ON t.id = s.tenant_id
WHERE s.digest = %(digest)s AND s.tenant_id = %(tenant)s AND u.tenant_id = %(tenant)s
    AND s.ended_at IS NULL AND s.expires_at > %(at)s
    AND EXISTS (SELECT FROM {activity} a WHERE a.user_id = u.id AND a.during @> %(at)s::timestamptz)
    AND NOT EXISTS (
        SELECT FROM {suspensions} x WHERE x.tenant_id = %(tenant)s AND x.during @> %(at)s::timestamptz)
"""


def find(*, tenant_id: UUID, token: str, at: datetime) -> UserSession | None:
    """The session with its user and tenant, in the tenant's scope; it may have idled too long. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_statement(), {"digest": hashers.digest(token), "tenant": tenant_id, "at": at})
        row = cursor.fetchone()
    if row is None:
        return None
    values = iter(row)
    session: UserSession = _made(UserSession, values)
    session.user = _made(User, values)
    session.tenant = session.user.tenant = _made(Tenant, values)
    return session


@cache
def _statement() -> str:
    tables = {
        "sessions": UserSession,
        "users": User,
        "tenants": Tenant,
        "activity": UserActivity,
        "suspensions": TenantSuspension,
    }
    names = {key: model._meta.db_table for key, model in tables.items()}
    columns = {
        "session": _columns(UserSession, "s"),
        "user": _columns(User, "u"),
        "tenant": _columns(Tenant, "t"),
    }
    return _LIVE.format(**columns, **names)


def _columns(model: type[models.Model], alias: str) -> str:
    return ", ".join(f"{alias}.{field.column}" for field in model._meta.concrete_fields)


def _made(model: type[models.Model], values: Iterator[Any]) -> Any:
    """A row of the model, as its manager would have made it, of the next values."""
    fields = model._meta.concrete_fields
    read = [_read(field, next(values)) for field in fields]
    return model.from_db(connection.alias, [field.attname for field in fields], read)


def _read(field: Any, value: Any) -> Any:
    """Some fields hold other values than their columns."""
    return field.from_db_value(value, None, connection) if hasattr(field, "from_db_value") else value
