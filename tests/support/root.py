"""A bare Debian in a folder: made of its packages, entered by namespaces (unshare(1)), thrown away after.

Where packages come from is the machine's own matter: its addresses and authorities are lent to the root while
something is installed there, and never written into it.
"""

import atexit
import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.support.absence import lacking

MAKER = "mmdebstrap"
SUITE = "bookworm"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LONGEST = 900.0  # seconds for one step
_SOURCES = Path("/etc/apt/sources.list.d/debian.sources")
_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
_LENT = "/run/authorities.crt"
# /run is kept from step to step where a service's root is entered again; all else is as in a container.
_ENTER = """
set -eu
root=$1 readonly=$2 online=$3 binds=$4; shift 4
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
for folder in run tmp dev/shm; do
  mkdir -p "$root/$folder"
  mount -t tmpfs -o mode=1777 tmpfs "$root/$folder"
done
chmod 755 "$root/run"
for bind in $binds; do
  mkdir -p "$root$bind"
  mount --rbind "$bind" "$root$bind"
done
if [ "$online" = yes ]; then
  touch "$root/etc/resolv.conf"
  mount --bind /etc/resolv.conf "$root/etc/resolv.conf"
  cp AUTHORITIES "$root/run/authorities.crt"
fi
if [ "$readonly" = yes ]; then mount -o remount,bind,ro "$root"; fi
exec chroot "$root" "$@"
""".replace("AUTHORITIES", str(_AUTHORITIES))


def need() -> None:
    """Skip, or fail in CI, where no root can be made."""
    if os.geteuid() != 0:
        lacking("Only root can make a root file system.")
    if shutil.which(MAKER) is None or not _SOURCES.exists():
        lacking(f"{MAKER} or Debian's own list of sources is missing (Debian: {MAKER}).")


@functools.cache
def bare() -> Path:
    """An archive of Debian with nothing but its essential packages, once in each run; gone when that ends."""
    folder = Path(tempfile.mkdtemp(prefix="iam-root-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    archive = folder / "bare.tar"
    command = [MAKER, "--quiet", "--variant=minbase", SUITE, archive, "-"]
    with _SOURCES.open() as sources:
        subprocess.run(command, stdin=sources, check=True, timeout=LONGEST)
    return archive


@dataclass
class Root:
    """One file system. ``enter`` gives the words of a command that runs there."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    @classmethod
    def made(cls, folder: Path) -> Self:
        """A bare one."""
        folder.mkdir(parents=True)
        subprocess.run(["tar", "--extract", "--file", bare(), "--directory", folder], check=True)
        return cls(folder)

    def enter(
        self,
        words: Sequence[str],
        *,
        directory: str = "/",
        settings: Mapping[str, str] | None = None,
        user: str = "",
        online: bool = False,
        readonly: bool = False,
        binds: Sequence[Path] = (),
    ) -> list[str]:
        """``user``: ``uid:gid``, without any capability, and nothing gives it one; else root."""
        chosen = {"PATH": PATH, "LANG": "C.UTF-8", **(lent() if online else {})}
        chosen |= self.settings | dict(settings or {})
        inside = ["env", "-i", "-C", directory, *(f"{name}={value}" for name, value in chosen.items())]
        if user:
            uid, _, gid = user.partition(":")
            inside += ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--no-new-privs"]
            inside += ["--bounding-set=-all", "--inh-caps=-all"]
        outer = ["unshare", "--mount", "--pid", "--fork", "--kill-child=SIGTERM", "sh", "-c", _ENTER, "enter"]
        flags = ["yes" if flag else "no" for flag in (readonly, online)]
        return [*outer, str(self.folder), *flags, " ".join(map(str, binds)), *inside, *words]

    def run(self, words: Sequence[str], *, directory: str = "/", online: bool = False) -> str:
        """To its end, as root; what it printed. A failure shows all of it."""
        done = subprocess.run(
            self.enter(words, directory=directory, online=online),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=LONGEST,
        )
        assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}"
        return done.stdout


def lent() -> dict[str, str]:
    """Under what the machine's own tools fetch packages."""
    kept = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    for name in ("PIP_FIND_LINKS", "PIP_CONSTRAINT"):  # files of this machine
        kept.pop(name, None)
    kept |= _asked("PIP_INDEX_URL", "python3", "-m", "pip", "config", "get", "global.index-url")
    kept |= _asked("npm_config_registry", "npm", "config", "get", "registry")
    authorities = ("PIP_CERT", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")
    return kept | dict.fromkeys(authorities, _LENT) | {"DEBIAN_FRONTEND": "noninteractive"}


def _asked(name: str, *command: str) -> dict[str, str]:
    if shutil.which(command[0]) is None:
        return {}
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return {name: done.stdout.strip()} if done.returncode == 0 else {}
