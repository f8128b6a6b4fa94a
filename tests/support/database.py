"""The tests' database: a server of our own, or a given one, and the way back to what migrations left.

A given server keeps the migrated database as a template, so that the next run there begins in a second.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import urlsplit, urlunsplit

import environ
import psycopg
from django.core.management import call_command
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone
from psycopg import sql

from iam_portal.launchers.portal import ROOT, Servers
from iam_portal.launchers.postgres import OWNER, WEB_ROLE, EmbeddedPostgres, ensure_database, ensure_roles

GIVEN = "TEST_DATABASE_OWNER_URL"
BEGAN = (
    "TEST_BEGAN_ON"  # the day of the whole run: a portal that is started after midnight finds its template
)
_ALIASES = {"default": WEB_ROLE, "owner": None}
_SEED = "iam_seed"
MANY = 2_000  # rows that a test left in one table
PARAMETERS = ("dbname", "user", "password", "host", "port")
_LEAF_TABLES = """
    SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = %s AND relkind = 'r' AND relname <> 'django_migrations'
"""
_COLUMNS = """
    SELECT attname FROM pg_attribute
    JOIN pg_class ON pg_class.oid = attrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = 'public' AND relname = %s AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
"""


def bindir() -> Path | None:
    """PostgreSQL programs to run instead of the wheel's: CI tests the oldest supported version by it."""
    given = os.environ.get("TEST_POSTGRES_BINDIR")
    return Path(given) if given else None


def pick_a_day() -> None:
    """Before the workers begin: one template for all of them, also at midnight."""
    os.environ.setdefault(BEGAN, datetime.now(UTC).date().isoformat())


@contextmanager
def prepared() -> Iterator[None]:
    """Create, migrate and remember a database, and point Django's connections at it."""
    # A portal that a test starts has its database on the same server.
    name = f"iam_test_{os.getpid()}"
    with server() as address, mock.patch.dict(os.environ, {GIVEN: address}), copied(name):
        _point_all(environ.Env.db_url_config(address), name)
        try:
            yield
        finally:
            connections.close_all()


@contextmanager
def copied(name: str, source: str = "") -> Iterator[Servers]:
    """A database of this name, as ``source`` is or as the migrations make it; gone afterwards."""
    with server() as address:
        owner = environ.Env.db_url_config(address)
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("SELECT pg_advisory_lock(0)")  # workers of one run begin together
            ensure_roles(connection)
            if owner["PASSWORD"]:  # a given server asks for one; ours is reached by a private socket
                password = sql.Literal(owner["PASSWORD"])
                connection.execute(sql.SQL("ALTER ROLE iam_web PASSWORD {}").format(password))
            original = sql.Identifier(source or _template(connection, owner))
            copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
            connection.execute(copy.format(sql.Identifier(name), original))
        try:
            yield Servers(_address(address, WEB_ROLE, name), _address(address, owner["USER"], name))
        finally:
            with psycopg.connect(address, autocommit=True) as connection:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _address(of_server: str, user: str, name: str) -> str:
    parts = urlsplit(of_server)
    login = parts.netloc.replace(parts.username or "", user, 1)
    return urlunsplit(parts._replace(netloc=login, path=f"/{name}"))


def _template(connection: psycopg.Connection, owner: Mapping[str, Any]) -> str:
    """A migrated database that nobody is connected to, for this state of the migrations and this day."""
    name = f"iam_template_{_state()}"
    known = "SELECT 1 FROM pg_database WHERE datname = %s AND datistemplate"
    if connection.execute(known, [name]).fetchone():
        return name
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
    ensure_database(connection, name)
    _point_all(owner, name)
    # Tests name their moments when they are read: the portal began before, however long this takes.
    MigrationLoader(None)  # read while the clock is itself: some take it as a default
    earlier = datetime.now(UTC) - timedelta(hours=1)
    with mock.patch.object(timezone, "now", return_value=earlier):
        call_command("migrate", database="owner", verbosity=0)
    _remember()
    connections.close_all()
    connection.execute(sql.SQL("ALTER DATABASE {} IS_TEMPLATE true").format(sql.Identifier(name)))
    return name


def _state() -> str:
    """What a template depends on: our migrations, those of the locked packages, the day the run began."""
    pick_a_day()
    read = hashlib.sha256(os.environ[BEGAN].encode())
    for path in [*sorted(ROOT.glob("*/migrations/*.py")), ROOT / "requirements.lock"]:
        read.update(path.name.encode() + path.read_bytes())
    return read.hexdigest()[:16]


def reseed() -> None:
    """Empty every table and put back the rows that migrations had left, as the owner.

    Triggers and foreign keys sleep meanwhile (`session_replication_role`), which takes a superuser.
    Sequences go on: no test may rely on the first number.
    """
    connections.close_all()
    with owner_connection() as owner:
        # A test that leaves a transaction open somewhere must fail here, not hang.
        owner.execute("SET lock_timeout = '10s'")
        owner.execute("SET session_replication_role = replica")
        tables = [sql.Identifier("public", name) for name in _tables(owner, "public")]
        owner.execute(sql.SQL("LOCK TABLE {}").format(sql.SQL(", ").join(tables)))
        # TRUNCATE of all would make new files for every index of them.
        gone = [
            (table, owner.execute(sql.SQL("DELETE FROM {}").format(table)).rowcount)
            for table in _filled(owner, tables)
        ]
        large = [table for table, count in gone if count > MANY]
        if large:  # dead rows and old statistics would mislead the planner of whoever comes next
            owner.execute(sql.SQL("TRUNCATE {} CASCADE").format(sql.SQL(", ").join(large)))
        for name in _tables(owner, _SEED):
            columns = sql.SQL(", ").join(
                sql.Identifier(column) for (column,) in owner.execute(_COLUMNS, [name])
            )
            owner.execute(
                sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {}").format(
                    sql.Identifier("public", name), columns, columns, sql.Identifier(_SEED, name)
                )
            )


def _filled(owner: psycopg.Connection, tables: Sequence[sql.Identifier]) -> list[sql.Identifier]:
    """Those with rows, asked in one statement: most tests fill a few of the many."""
    asked = (sql.SQL("EXISTS (SELECT FROM {})").format(table) for table in tables)
    (found,) = owner.execute(sql.SQL("SELECT ARRAY[{}]").format(sql.SQL(", ").join(asked))).fetchall()
    return [table for table, filled in zip(tables, found[0], strict=True) if filled]


def _remember() -> None:
    """Keep a copy of every row that the migrations made."""
    with owner_connection() as owner:
        owner.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(_SEED)))
        for name in _tables(owner, "public"):
            table = sql.Identifier("public", name)
            if owner.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(table)).fetchone():
                seed = sql.Identifier(_SEED, name)
                owner.execute(sql.SQL("CREATE TABLE {} AS TABLE {}").format(seed, table))


def _tables(owner: psycopg.Connection, schema: str) -> list[str]:
    return [name for (name,) in owner.execute(_LEAF_TABLES, [schema]).fetchall()]


def owner_connection() -> psycopg.Connection:
    """A connection beside Django's, which a test may have left in any state."""
    parameters = connections["owner"].get_connection_params()
    known = {name: parameters[name] for name in PARAMETERS if name in parameters}
    return psycopg.connect(**known)


def _point_all(owner: Mapping[str, Any], name: str) -> None:
    for alias, role in _ALIASES.items():
        point(alias, {**owner, "NAME": name, "USER": role or owner["USER"]})


def point(alias: str, address: Mapping[str, Any]) -> None:
    """Every thread's connection reads the same dictionary: change it in place."""
    connections[alias].close()
    settings = connections.settings[alias]
    options = {**settings["OPTIONS"], **address.get("OPTIONS", {})}
    settings.update({**address, "OPTIONS": options})


@contextmanager
def server() -> Iterator[str]:
    """The owner's address of a server: TEST_DATABASE_OWNER_URL, else one of our own."""
    if given := os.environ.get(GIVEN):
        yield given
        return
    directory = Path(tempfile.mkdtemp(prefix="iam-test-"))
    directory.chmod(0o711)  # run by root, the server is another user
    try:
        with EmbeddedPostgres(directory / "postgres", fast=True, bindir=bindir()) as server:
            yield server.url(OWNER, "postgres")
    finally:
        shutil.rmtree(directory, ignore_errors=True)
