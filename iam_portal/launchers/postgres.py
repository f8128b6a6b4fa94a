"""An embedded PostgreSQL: a private server as a foreground child, reachable by a private socket only."""

import os
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from iam_portal.launchers import placement
from iam_portal.launchers.children import Busy, Child, LaunchError, run, spawn, tail
from iam_portal.launchers.processes import claim

OWNER = "iam_owner"
WEB = "iam_web"
WEB_ROLE = "iam_web"
CROSS_ROLE = "iam_cross"
DATABASE = "iam"
_START_SECONDS = 60.0  # a start after a crash replays the log first
_FIRST_WITH_BUILTIN_LOCALE = 17
# For tests: nothing need survive a crash, and parallel workers and compiled plans cost more than they save on
# few rows. Commits are written out all the same: a replica follows at once.
_FAST = ("fsync=off", "full_page_writes=off", "max_parallel_workers_per_gather=0", "jit=off")
# libpq and initdb read many variables; none of the caller's may reach them.
_ENVIRONMENT = {"PATH": os.defpath, "LANG": "C", "LC_ALL": "C"}


class EmbeddedPostgres:
    """One data directory with its server; start and stop it, or use it as a context manager."""

    name = "database"
    # For those that derive from it: settings of the server, and by whom the cluster is made.
    more_settings: tuple[str, ...] = ()
    superuser = OWNER

    def __init__(
        self,
        data_dir: Path,
        fast: bool = False,
        *,
        bindir: Path | None = None,
        log: Path | None = None,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self.log = log or self.data_dir.with_name(self.data_dir.name + ".log")
        self._fast = fast
        self._bindir = bindir
        self._lock: IO[str] | None = None
        self._child: Child | None = None
        self._placement: placement.Placement | None = None
        self._sockets: Path | None = None

    def start(self) -> None:
        """Create the data directory if it is not there, start the server, ensure roles and database."""
        self.data_dir.parent.mkdir(parents=True, exist_ok=True)
        self._lock = claim(self.data_dir.with_name(self.data_dir.name + ".lock"))
        try:
            bindir = self._bindir or placement.find_binaries()
            self.major = placement.major_version(bindir)
            self._placement = placed = placement.place(bindir, self.data_dir)
            if not placed.data_dir.exists():
                self._initialise(placed)
            self._check_version(placed.data_dir)
            self._wait_for_predecessor(placed.data_dir)
            self._sockets = placement.socket_directory(placed.account)
            self._child = self._launch(placed, self._sockets)
            self._wait_until_ready()
            self._ensure_roles()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server by a fast shutdown and remove what only this run needed."""
        if self._child is not None:
            self._child.stop()
        if self._sockets is not None:
            shutil.rmtree(self._sockets, ignore_errors=True)
        if self._placement is not None and self._placement.copied is not None:
            shutil.rmtree(self._placement.copied, ignore_errors=True)
        if self._lock is not None:
            self._lock.close()
        self._child = self._sockets = self._placement = self._lock = None

    def alive(self) -> bool:
        return self._child is not None and self._child.alive()

    def url(self, user: str = WEB_ROLE, database: str = DATABASE) -> str:
        """An address that both libpq and django-environ understand for a socket."""
        return f"postgres://{user}@/{database}?host={quote(str(self._sockets))}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _initialise(self, placed: placement.Placement) -> None:
        """initdb beside the final place, then rename: a start that was cut off leaves nothing half made."""
        new = placed.data_dir.with_name(placed.data_dir.name + ".new")
        shutil.rmtree(new, ignore_errors=True)
        placement.make_directory(new, placed.account)
        # Without the built-in locale, C.UTF-8 of the C library orders alike.
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        if self.major < _FIRST_WITH_BUILTIN_LOCALE:
            locale = ["--locale=C.UTF-8"]
        run(
            [
                placed.bindir / "initdb",
                "-D",
                new,
                "-U",
                self.superuser,
                "-A",
                "trust",
                "--encoding=UTF8",
                *locale,
                "--no-sync",
            ],
            environment=_ENVIRONMENT,
            directory=Path("/"),
            account=placed.account,
        )
        new.rename(placed.data_dir)

    def _check_version(self, data_dir: Path) -> None:
        try:
            written = (data_dir / "PG_VERSION").read_text().strip()
        except PermissionError as error:
            raise LaunchError(f"{data_dir} belongs to another user; use another directory.") from error
        if written != str(self.major):
            raise LaunchError(
                f"{data_dir} was made by PostgreSQL {written}, but this is PostgreSQL {self.major}. "
                "Remove the directory to start anew, or use the former version."
            )

    def _launch(self, placed: placement.Placement, sockets: Path) -> Child:
        settings = [
            "listen_addresses=",
            f"unix_socket_directories={sockets}",
            "unix_socket_permissions=0700",
            "max_connections=200",
            *(_FAST if self._fast else ()),
            *self.more_settings,
        ]
        return spawn(
            self.name,
            [
                placed.bindir / "postgres",
                "-D",
                placed.data_dir,
                *(f"-c{setting}" for setting in settings),
            ],
            log=self.log,
            environment=_ENVIRONMENT,
            directory=Path("/"),
            account=placed.account,
            stop_signal=signal.SIGINT,
        )

    def _wait_for_predecessor(self, data_dir: Path) -> None:
        """A server whose parent was killed is still shutting down: give it time, then refuse."""
        deadline = time.monotonic() + 15
        while (number := _server_of(data_dir)) is not None:
            if time.monotonic() > deadline:
                raise Busy(f"{data_dir} is in use by another PostgreSQL, process {number}.")
            time.sleep(0.1)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while self.alive() and time.monotonic() < deadline:
            with suppress(psycopg.OperationalError):
                psycopg.connect(self.url(self.superuser, "postgres"), connect_timeout=5).close()
                return
            time.sleep(0.05)
        raise LaunchError(f"PostgreSQL did not start; the end of {self.log}:\n{tail(self.log)}")

    def _ensure_roles(self) -> None:
        with psycopg.connect(self.url(self.superuser, "postgres"), autocommit=True) as connection:
            ensure_roles(connection)
            ensure_database(connection, DATABASE)


def ensure_roles(connection: psycopg.Connection) -> None:
    """The web's role, which owns nothing, and the one it changes to for questions across tenants."""
    for role, options in ((CROSS_ROLE, "NOLOGIN"), (WEB_ROLE, "LOGIN")):
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone() is None:
            connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
        connection.execute(
            sql.SQL("ALTER ROLE {} {} NOINHERIT NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE").format(
                sql.Identifier(role), sql.SQL(options)
            )
        )
    # From 16 on, each grant says for itself whether it is inherited; a former one may say yes.
    options = "WITH INHERIT FALSE, SET TRUE" if connection.info.server_version >= 160000 else ""
    connection.execute(f"GRANT {CROSS_ROLE} TO {WEB_ROLE} {options}")


def ensure_database(connection: psycopg.Connection, name: str) -> None:
    """Create the database, owned by the role that is connected, unless it exists."""
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def _server_of(data_dir: Path) -> int | None:
    """The process that serves this directory; a number left by a crash may by now be someone else's."""
    try:
        number = (data_dir / "postmaster.pid").read_text().split()[0]
        command = Path("/proc", number, "cmdline").read_bytes().split(b"\0")
    except (OSError, IndexError):
        return None
    return int(number) if os.fsencode(data_dir) in command else None
