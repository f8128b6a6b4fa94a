"""The migration that seals the wall: stopped halfway it is run again; a reader of a table holds nobody up."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction

from iam_portal.wall_sql import NO_TEMPORARY_TABLES
from tenants.migrations._seal_sql import seal_all

migration = import_module("tenants.migrations.0013_sealed_wall")
_POLICIES = "SELECT tablename, policyname, roles::text, qual, with_check FROM pg_policies ORDER BY 1, 2"


def owner(*statements: str) -> list[tuple[Any, ...]]:
    """What the last one finds."""
    with connections["owner"].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def seal() -> None:
    migration.seal(None, SimpleNamespace(connection=connections["owner"]))


@pytest.fixture
def half(committed_db: None) -> Iterator[None]:
    """Two tables are not sealed yet."""
    was = owner(_POLICIES)
    owner("DROP POLICY owner_rows ON tenants_user", "DROP POLICY owner_rows ON tenants_group")
    yield
    seal()
    assert owner(_POLICIES) == was


def test_what_was_stopped_halfway_goes_on(half: None) -> None:
    seal()
    seal()


def test_taken_back_and_done_again_it_is_the_same(committed_db: None) -> None:
    """Both ways it may have been stopped before it was noted as done."""
    was, keys = owner(_POLICIES), owner("SELECT key FROM iam_wall")
    editor = SimpleNamespace(connection=connections["owner"])
    migration.unseal(None, editor)
    migration.unseal(None, editor)
    assert owner("SELECT FROM pg_policies WHERE policyname = 'owner_rows'") == []
    seal()
    assert owner(_POLICIES) == was
    with connections["owner"].cursor() as cursor:
        cursor.executemany("INSERT INTO iam_wall (key) VALUES (%s)", keys)


@contextmanager
def reading(table: str) -> Iterator[None]:
    """Somebody's long question."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT FROM {table}")
        yield


def test_a_long_question_holds_up_nobody_behind_the_migration(half: None) -> None:
    """It gives up its turn after a moment, tries again, and at last says so; what it did stands."""
    began = time.monotonic()
    with reading("tenants_group"), pytest.raises(OperationalError, match="lock timeout"):
        owner(seal_all(tries=3, waits="20ms", rests=0.01))
    assert time.monotonic() - began < 10
    sealed = "SELECT tablename FROM pg_policies WHERE policyname = 'owner_rows'"
    assert ("tenants_user",) in owner(sealed)
    assert ("tenants_group",) not in owner(sealed)


def test_the_right_to_temporary_tables_goes_where_it_may(committed_db: None) -> None:
    asked = "SELECT has_database_privilege('iam_web', current_database(), 'TEMPORARY')"
    (name,) = owner("SELECT quote_ident(current_database())")[0]
    owner(f"GRANT TEMPORARY ON DATABASE {name} TO PUBLIC")
    with transaction.atomic(using="owner"):  # who does not own it is told, and goes on
        owner("SET LOCAL ROLE iam_cross", NO_TEMPORARY_TABLES, "RESET ROLE")
    assert owner(asked) == [(True,)]
    owner(NO_TEMPORARY_TABLES)
    assert owner(asked) == [(False,)]
