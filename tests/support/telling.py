"""The demo's story, told once in a run of tests: every portal of the run has its database as a copy."""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from iam_portal.launchers.demo import Story, read_story
from iam_portal.launchers.portal import LocalPortal, Servers
from iam_portal.launchers.processes import Supervisor
from iam_portal.launchers.valkey import free_port
from tests.support import database

# The migrated database was sealed under those of the tests.
_SECRETS = ("PORTAL_ENCRYPTION_KEYS", "PORTAL_SECRET_PEPPERS")


@dataclass(frozen=True)
class Told:
    """A filled database that is this portal's alone, and what goes with it."""

    servers: Servers
    story: Story
    settings: Mapping[str, str]


@contextmanager
def told(folder: Path) -> Iterator[Told]:
    """``folder`` is that of the whole run: whoever comes first fills it, the others wait and copy."""
    kept = ExitStack()
    with kept:
        with _alone(folder):
            name = folder / "database"
            if not name.exists():
                name.write_text(kept.enter_context(_filled(folder)))
                kept.callback(name.unlink)
            copy = kept.enter_context(database.copied(f"iam_portal_{os.getpid()}", name.read_text()))
        yield Told(copy, read_story(folder), _settings(folder))
        # Under the lock: nobody copies what is being dropped.
        kept.enter_context(_alone(folder))


@contextmanager
def _filled(folder: Path) -> Iterator[str]:
    """A database with the story, of this name; its story and the static files are in the folder."""
    name = f"iam_told_{os.getpid()}"
    with database.copied(name) as copy:
        servers = replace(copy, broker="memory://")
        portal = LocalPortal(folder, free_port(), Supervisor(), servers, settings=_settings(folder))
        portal.manage("collectstatic", "--no-input", "--verbosity", "0")
        portal.manage("seed_demo", "--dir", str(folder))
        yield name


def _settings(folder: Path) -> dict[str, str]:
    return {name: os.environ[name] for name in _SECRETS} | {"PORTAL_STATIC_ROOT": str(folder / "static")}


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
