"""What an installation has on more than one machine: a read replica, a pooler, further web processes."""

import os
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import psycopg

from iam_portal.launchers import placement
from iam_portal.launchers.children import Child, run, spawn
from iam_portal.launchers.portal import LocalPortal, Servers
from iam_portal.launchers.postgres import OWNER, WEB, EmbeddedPostgres
from iam_portal.launchers.processes import Supervisor
from iam_portal.launchers.valkey import free_port
from tests.support.database import bindir
from tests.support.portal import RunningPortal

POOLER = "pgbouncer"
_ENVIRONMENT = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C"}


class Replica(EmbeddedPostgres):
    """A standby that streams from a running server of ours (PostgreSQL, "Streaming Replication")."""

    name = "replica"

    def __init__(self, data_dir: Path, *, primary: str) -> None:
        super().__init__(data_dir, fast=True, bindir=bindir())
        self._primary = primary

    def go_away(self) -> None:
        """As a crash of its machine; its address stays."""
        if self._child is not None:
            self._child.kill()

    def come_back(self) -> None:
        """At the same address."""
        assert self._placement is not None and self._sockets is not None
        self._child = self._launch(self._placement, self._sockets)
        self._wait_until_ready()

    def replay(self, *, paused: bool) -> None:
        """Stop or go on with taking over what the primary writes; it is still received."""
        verb = "pause" if paused else "resume"
        with psycopg.connect(self.url(OWNER, "postgres"), autocommit=True) as connection:
            connection.execute(f"SELECT pg_wal_replay_{verb}()")

    def _initialise(self, placed: placement.Placement) -> None:
        placement.make_directory(placed.data_dir, placed.account)
        run(
            [
                placed.bindir / "pg_basebackup",
                f"--dbname={self._primary}",
                f"--pgdata={placed.data_dir}",
                "--write-recovery-conf",
                "--wal-method=stream",
                "--checkpoint=fast",
                "--no-sync",
            ],
            environment=_ENVIRONMENT,
            directory=Path("/"),
            account=placed.account,
        )

    def _ensure_roles(self) -> None:
        """They came with the copy."""


class Installation(Protocol):
    """Whatever knows the address of its database, as the owner of the tables."""

    @property
    def environment(self) -> Mapping[str, str]: ...


def owner_of(portal: Installation) -> str:
    """The address of its database, as the owner of the tables."""
    return portal.environment["DATABASE_OWNER_URL"]


def data_dir_of(portal: Installation) -> Path:
    """Where the server of its database keeps it."""
    with psycopg.connect(owner_of(portal)) as connection:
        (found,) = connection.execute("SHOW data_directory").fetchone() or ("",)
    return Path(found)


def beside(portal: Installation) -> Path:
    """A folder for servers that run as the same user as its database: a private socket admits no other."""
    folder = data_dir_of(portal).parent / f"machines-{os.getpid()}"
    folder.mkdir()
    folder.chmod(0o711)
    return folder


def pooler() -> str | None:
    """The program, if it is installed."""
    return shutil.which(POOLER, path=_ENVIRONMENT["PATH"])


def database_of(portal: Installation) -> str:
    """Its name."""
    return str(psycopg.conninfo.conninfo_to_dict(owner_of(portal))["dbname"])


def start_pooler(portal: Installation, directory: Path) -> tuple[Child, str]:
    """pgbouncer with transaction pooling in front of the portal's database; also the web's address there.

    Four connections for everybody: what one transaction left behind, another's would find.
    """
    account = placement.place(bindir() or placement.find_binaries(), data_dir_of(portal)).account
    home = directory / "pooler"
    placement.make_directory(home, account)
    port, told = free_port(), psycopg.conninfo.conninfo_to_dict(owner_of(portal))
    config = f"""
[databases]
* = host={told["host"]}
[pgbouncer]
listen_addr =
listen_port = {port}
unix_socket_dir = {home}
auth_type = trust
auth_file = {home}/users.txt
pool_mode = transaction
default_pool_size = 4
max_client_conn = 200
ignore_startup_parameters = extra_float_digits
"""
    for name, text in (("pgbouncer.ini", config), ("users.txt", f'"{WEB}" ""\n')):
        (home / name).write_text(text)
        (home / name).chmod(0o644)
    child = spawn(
        "pooler",
        [pooler() or POOLER, home / "pgbouncer.ini"],
        log=directory / "pooler.log",
        environment=_ENVIRONMENT,
        directory=Path("/"),
        account=account,
        stop_signal=signal.SIGINT,
    )
    return child, f"postgres://{WEB}@/{database_of(portal)}?host={home}&port={port}"


def another_web(
    portal: RunningPortal,
    directory: Path,
    supervisor: Supervisor,
    *,
    database: str,
    settings: Mapping[str, str],
) -> LocalPortal:
    """Web processes of the same installation at a port of their own, as on a machine beside it."""
    shared = ("PORTAL_ENCRYPTION_KEYS", "PORTAL_SECRET_PEPPERS", "SECRET_KEY", "PORTAL_BASE_URL")
    broker = portal.environment["CELERY_BROKER_URL"]
    other = LocalPortal(
        directory,
        free_port(),
        supervisor,
        servers=Servers(database=database, owner=owner_of(portal), broker=broker),
        settings={name: portal.environment[name] for name in shared} | dict(settings),
    )
    other.start_web(workers=1)
    other.wait_ready()
    return other
