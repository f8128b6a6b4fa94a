"""The second wall between tenants, seen from the code.

Row-level security shows a transaction only the rows of the tenant in ``iam.tenant``. :func:`tenant_scope`
sets it. Questions that really cross tenants go through :func:`cross_tenant`, which changes to a second
database role; only the modules listed in ``tests/architecture/test_walls.py`` may call it. Both say a seal
with it (:mod:`iam_portal.wall_seals`): planted SQL can name a tenant or a role, and sees nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

from django.db import connection, transaction
from django.db.backends.postgresql.base import ServerBindingCursor
from psycopg.pq import TransactionStatus

from iam_portal import wall_seals

_tenant: ContextVar[str] = ContextVar("iam_tenant", default="")
_crossing: ContextVar[int] = ContextVar("iam_crossing", default=0)

WEB_ROLE = "iam_web"
CROSS_ROLE = "iam_cross"


@contextmanager
def tenant_scope(tenant_id: UUID | str) -> Iterator[None]:
    """One transaction that sees the rows of this tenant and no other's.

    The setting and its restoration are both local to the transaction: nothing stays on a pooled
    connection. Inside an outer transaction no savepoint is made; the former tenant comes back at the end.
    """
    former = _tenant.get()
    if former == str(tenant_id) and connection.in_atomic_block:
        yield
        return
    token = _tenant.set(str(tenant_id))
    try:
        with _transaction() as ends_here:
            _enter(str(tenant_id))
            try:
                yield
            finally:
                if not ends_here and _usable():
                    _enter(former)
    finally:
        _tenant.reset(token)


@contextmanager
def cross_tenant() -> Iterator[None]:
    """Run the block as the role that sees every tenant's rows, inside the same transaction."""
    depth = _crossing.get()
    token = _crossing.set(depth + 1)
    try:
        with _transaction() as ends_here:
            if depth == 0:
                _become(CROSS_ROLE, wall_seals.of_crossing())
            try:
                yield
            finally:
                if depth == 0 and not ends_here and _usable():
                    _become(WEB_ROLE, "")
    finally:
        _crossing.reset(token)


def current_tenant() -> str:
    """The id of the tenant in scope, or an empty string."""
    return _tenant.get()


@contextmanager
def _transaction() -> Iterator[bool]:
    """Whether it was opened here, and so ends here: every local setting ends with it."""
    if connection.in_atomic_block:
        yield False
    else:
        with transaction.atomic():
            yield True


def _usable() -> bool:
    """Whether the transaction still takes statements; a failed one restores its settings by rolling back."""
    raw = connection.connection
    if connection.needs_rollback:
        return False
    return raw is not None and raw.info.transaction_status == TransactionStatus.INTRANS


def _enter(tenant: str) -> None:
    # Planted SQL may have left the pass on a connection that is handed on: nobody else crosses by it.
    left = () if _crossing.get() else ("iam.pass", "")
    _set("iam.tenant", tenant, "iam.seal", wall_seals.of_tenant(tenant), *left)


def _become(role: str, seal: str) -> None:
    _set("role", role, "iam.pass", seal)


def _set(*named: str) -> None:
    """Names and values, in turns, for this transaction.

    The values travel beside the statement: its text is seen by other sessions.
    """
    statement = f"SELECT {', '.join(['set_config(%s, %s, true)'] * (len(named) // 2))}"
    with connection.cursor() as cursor:
        cursor.cursor = ServerBindingCursor(connection.connection)  # type: ignore[call-arg]  # as psycopg has it
        cursor.execute(statement, named)
