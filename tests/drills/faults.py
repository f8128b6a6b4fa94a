"""What the drills do to a portal. Each returns when the fault is over."""

import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psycopg

from iam_portal.launchers.postgres import OWNER, WEB
from tests.drills.portal import DrilledPortal
from tests.drills.servers import Broker


def kill(portal: DrilledPortal, names: Sequence[str], chance: random.Random) -> None:
    """Any process of one of these trees, the first one or one below it."""
    while True:
        with suppress(ProcessLookupError):  # it has ended since it was looked up
            os.kill(chance.choice(portal.keeper.tree(chance.choice(names))), signal.SIGKILL)
            return


def restart_database(portal: DrilledPortal) -> None:
    """Immediately: what was under way is gone, the next start replays the log."""
    portal.primary.stop_at_once()
    time.sleep(1)
    portal.primary.come_back()


def take_broker(broker: Broker, seconds: float) -> None:
    """With all that was queued there."""
    broker.go_away()
    time.sleep(seconds)
    broker.come_back()


def cut_line(portal: DrilledPortal, seconds: float, *, way: str) -> None:
    """To the database: no packet comes back, or none goes either way."""
    assert portal.network is not None
    with portal.network.silent() if way == "silent" else portal.network.unplugged():
        time.sleep(seconds)


def fill_disk(portal: DrilledPortal, seconds: float) -> None:
    """No room for rows nor for the log: the server refuses, or goes down and is started again and again."""
    with _filled(portal.disk):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not portal.primary.alive():
                with suppress(Exception):
                    portal.primary.come_back()
            time.sleep(0.5)
    if not portal.primary.alive():
        portal.primary.come_back()


def take_connections(portal: DrilledPortal, seconds: float) -> None:
    """Somebody else has all that the server gives, and those of the portal are closed."""
    with ExitStack() as taken, psycopg.connect(portal.primary.url(OWNER), autocommit=True) as owner:
        ours: list[int] = []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with suppress(psycopg.OperationalError):
                while True:
                    made = taken.enter_context(psycopg.connect(portal.primary.url(WEB)))
                    ours.append(made.info.backend_pid)
            owner.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE usename = 'iam_web' AND pid <> ALL(%s)",
                [ours],
            )
            time.sleep(0.2)


def lock_tables(portal: DrilledPortal, seconds: float) -> None:
    """Every request waits for a lock, and the next ones for a connection of their process."""
    with psycopg.connect(portal.primary.url(OWNER)) as owner:
        owner.execute("LOCK TABLE tenants_tenant, applications_contract IN ACCESS EXCLUSIVE MODE")
        time.sleep(seconds)


def in_turn(portal: DrilledPortal, chance: random.Random) -> Iterator[tuple[str, Callable[[], None]]]:
    """One after the other, for ever, for a long run."""
    faults: list[tuple[str, Callable[[], None]]] = [
        ("a web process killed", lambda: kill(portal, ["web"], chance)),
        ("PostgreSQL restarted", lambda: restart_database(portal)),
        ("the broker gone for 20 s", lambda: take_broker(portal.valkey, 20)),
        ("a worker process killed", lambda: kill(portal, ["worker"], chance)),
        ("all connections taken for 10 s", lambda: take_connections(portal, 10)),
        ("schedule or event service killed", lambda: kill(portal, ["beat", "events"], chance)),
        ("tables locked for 10 s", lambda: lock_tables(portal, 10)),
    ]
    if portal.network:
        faults += [
            ("the line to the database silent for 20 s", lambda: cut_line(portal, 20, way="silent")),
            ("the disk full for 10 s", lambda: fill_disk(portal, 10)),
        ]
    while True:
        yield from faults


@contextmanager
def _filled(disk: Path) -> Iterator[None]:
    """To the last byte."""
    ballast = disk / "ballast"
    try:
        with ballast.open("wb", buffering=0) as full, suppress(OSError):
            while shutil.disk_usage(disk).free:
                full.write(b"\0" * 65_536)
        yield
    finally:
        ballast.unlink()
