"""The live session behind a cookie, in plain SQL: it stands in the path of every page and every call of one.

The framework would take longer to write this statement anew for each request than PostgreSQL to answer it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection, models

from tenants import hashers, policies
from tenants.models import Tenant, User, UserSession

# The session first, and then whose it is: a planner that knows little of the tables begins with all people.
_LIVE = """
WITH s AS MATERIALIZED (
    SELECT * FROM {sessions} WHERE digest = %(digest)s AND tenant_id = %(tenant)s
        AND ended_at IS NULL AND expires_at > %(at)s
)
SELECT {session}, {user}, {tenant}
FROM s JOIN {users} u ON u.id = s.user_id JOIN {tenants} t ON t.id = s.tenant_id
WHERE u.id IN ({present})
"""
# Stand in for the values of one question while the statement is written.
_TENANT, _WHO, _AT = UUID(int=0), UUID(int=1), datetime(1970, 1, 1, tzinfo=UTC)


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
    }
    names = {key: model._meta.db_table for key, model in tables.items()}
    columns = {
        "session": _columns(UserSession, "s"),
        "user": _columns(User, "u"),
        "tenant": _columns(Tenant, "t"),
    }
    return _LIVE.format(**columns, **names, present=_present())


def _present() -> str:
    """Who may be here, as the one rule has it, with names in the place of its values."""
    rows = policies.present(tenant_id=_TENANT, at=_AT).filter(pk=_WHO).order_by().values("pk")
    sql, values = rows.query.sql_with_params()
    names = {_TENANT: "%(tenant)s", _WHO: "s.user_id", _AT: "%(at)s"}
    # What is none of them is the number that the framework asks of a row to be there.
    return str(sql % tuple(names[value] if value in names else int(value) for value in values))


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
