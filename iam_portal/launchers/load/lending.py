"""What only the owner of the tables may do, where its address is known."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import connection, connections


@contextmanager
def temporary_tables() -> Iterator[None]:
    """Lent by the owner for as long as it takes: a sealed wall allows none (docs/adr/0009-sealed-wall.md)."""
    if "owner" not in connections:
        yield
        return
    right = f"TEMPORARY ON DATABASE {connection.ops.quote_name(connection.settings_dict['NAME'])}"
    as_owner(f"GRANT {right} TO iam_web, iam_cross")
    try:
        yield
    finally:
        as_owner(f"REVOKE {right} FROM iam_web, iam_cross")


def as_owner(statement: str) -> None:
    """At once, on a line of its own: whatever transaction the caller is in."""
    address = connections["owner"].get_connection_params()
    with psycopg.connect(**address, autocommit=True) as line:
        line.execute(statement)
