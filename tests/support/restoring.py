"""A PostgreSQL whose log is archived, and servers that are made of its base backup, or of a dump."""

import time
from pathlib import Path

import psycopg

from iam_portal.launchers import placement
from iam_portal.launchers.children import run
from iam_portal.launchers.postgres import DATABASE, OWNER, EmbeddedPostgres

OLDEST = Path("/usr/lib/postgresql/15/bin")  # Debian's; the drill is for the oldest that the portal runs on
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C"}


def programs() -> Path:
    """PostgreSQL 15 where it is installed, else what tests have."""
    return OLDEST if OLDEST.exists() else placement.find_binaries()


class Archived(EmbeddedPostgres):
    """The installation's server. Each finished piece of its log is copied to ``archive``."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "primary", fast=True, bindir=programs())
        self.folder, self.archive = folder, folder / "archive"

    def begin(self) -> None:
        """From here on, all that is committed can be had again."""
        assert self._placement is not None
        placement.make_directory(self.archive, self._placement.account)
        copy = f"test ! -f {self.archive}/%f && cp %p {self.archive}/%f"
        with psycopg.connect(self.url(OWNER), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET archive_mode = on")
            connection.execute(f"ALTER SYSTEM SET archive_command = '{copy}'")
        self.stop()
        self.start()

    def back_up(self) -> None:
        """A base backup, while everybody works."""
        assert self._placement is not None
        placed, to = self._placement, self.folder / "base"
        placement.make_directory(to, placed.account)
        told = [f"--dbname={self.url(OWNER)}", f"--pgdata={to}", "--checkpoint=fast", "--no-sync"]
        command = [placed.bindir / "pg_basebackup", *told]
        run(command, environment=_ENVIRONMENT, directory=Path("/"), account=placed.account)

    def crash(self) -> None:
        """What is in its memory and in its folder is gone; what was archived stays."""
        with psycopg.connect(self.url(OWNER), autocommit=True) as connection:
            (last,) = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone() or ("",)
        deadline = time.monotonic() + 60
        while not (self.archive / last).exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert self._child is not None
        self._child.kill()


class Recovered(EmbeddedPostgres):
    """A new server: the base backup, and the archived log up to a moment."""

    def __init__(self, of: Archived, *, until: str) -> None:
        super().__init__(of.folder / "recovered", fast=True, bindir=programs())
        self._of, self._until = of, until

    def _initialise(self, placed: placement.Placement) -> None:
        (self._of.folder / "base").rename(placed.data_dir)
        with (placed.data_dir / "postgresql.auto.conf").open("a") as settings:
            settings.write(f"""
archive_mode = off
restore_command = 'cp {self._of.archive}/%f %p'
recovery_target_time = '{self._until}'
recovery_target_action = 'promote'
""")
        signal = placed.data_dir / "recovery.signal"
        signal.touch()
        run(["chmod", "0666", signal], environment=_ENVIRONMENT, directory=Path("/"))

    def _ensure_roles(self) -> None:
        """They came with the backup. Until it is promoted nobody may write."""
        deadline = time.monotonic() + 60
        with psycopg.connect(self.url(OWNER), autocommit=True) as connection:
            while connection.execute("SELECT pg_is_in_recovery()").fetchone() != (False,):
                assert time.monotonic() < deadline
                time.sleep(0.05)


def dump(server: EmbeddedPostgres, to: Path) -> None:
    """By who is bound by no wall: else row-level security would refuse it."""
    command = [programs() / "pg_dump", "--format=custom", f"--file={to}", server.url(OWNER)]
    run(command, environment=_ENVIRONMENT, directory=Path("/"))


def load(dumped: Path, server: EmbeddedPostgres) -> None:
    """Into an empty database of a server that has the roles."""
    command = [
        programs() / "pg_restore",
        "--exit-on-error",
        f"--dbname={server.url(OWNER, DATABASE)}",
        dumped,
    ]
    run(command, environment=_ENVIRONMENT, directory=Path("/"))
