"""Child processes in groups of their own that never outlive their parent."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

GRACE_SECONDS = 10.0
_TRIES = 3
_BETWEEN_TRIES = 0.2  # seconds
_PR_SET_PDEATHSIG = 1
_CLONE_NEWUSER = 0x10000000
_LINUX = sys.platform == "linux"
_LIBC = ctypes.CDLL(None, use_errno=True)


class LaunchError(Exception):
    """Something could not be started; the message says what to do about it."""


class Busy(LaunchError):
    """Another process has what we need: a port, or a data directory."""


@dataclass(frozen=True)
class Account:
    """As whom a child runs: by default as we do."""

    uid: int | None = None
    # Root of the machine, but 1000 in a user namespace of its own: for servers that refuse to run as root.
    in_namespace: bool = False

    @property
    def groups(self) -> list[int] | None:
        """No supplementary groups for another user, ours unchanged for ourselves."""
        return None if self.uid is None else []


OURSELVES = Account()


class Child:
    """One process in a group of its own, with its output in a file."""

    def __init__(
        self,
        name: str,
        process: subprocess.Popen[bytes],
        log: Path,
        *,
        begin: int,
        stop_signal: int,
    ) -> None:
        self.name = name
        self.process = process
        self.log = log
        self._stop_signal = stop_signal
        self._begin = begin

    def alive(self) -> bool:
        return self.process.poll() is None

    def printed(self) -> str:
        """What this process has written to its log, which it may share with earlier ones."""
        with self.log.open("rb") as output:
            output.seek(self._begin)
            return output.read().decode(errors="replace")

    def stop(self) -> None:
        """Ask, wait, then end the whole group: what the child itself left behind must go too."""
        if self.alive():
            self.process.send_signal(self._stop_signal)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(GRACE_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End it and its group at once."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def spawn(
    name: str,
    command: Sequence[str | Path],
    *,
    log: Path,
    environment: Mapping[str, str],
    directory: Path,
    account: Account = OURSELVES,
    stop_signal: signal.Signals = signal.SIGTERM,
) -> Child:
    """Start a child that gets `stop_signal` when its parent dies, however that happens.

    The signal is tied to the thread that called: start children from a thread that stays.
    """

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=directory,
            env=dict(environment),
            process_group=0,
            preexec_fn=_prepare(account, stop_signal),  # noqa: PLW1509  (no thread runs yet)
            user=account.uid,
            group=account.uid,
            extra_groups=account.groups,
        )

    with log.open("ab") as output:
        begin = output.tell()
        process = _insist(start, account, log)
    return Child(name, process, log, begin=begin, stop_signal=stop_signal)


def _insist(
    start: Callable[[], subprocess.Popen[bytes]], account: Account, log: Path
) -> subprocess.Popen[bytes]:
    """A kernel short of something refuses a user namespace now and grants it a moment later."""
    for _ in range(_TRIES - 1 if account.in_namespace else 0):
        with suppress(subprocess.SubprocessError):
            return start()
        time.sleep(_BETWEEN_TRIES)
    try:
        return start()
    except subprocess.SubprocessError as error:
        raise LaunchError(f"The child could not be prepared; the end of {log}:\n{tail(log)}") from error


def run(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    directory: Path,
    account: Account = OURSELVES,
) -> str:
    """Run to the end and return what it printed; a failure is a LaunchError with all its output."""
    words = [str(part) for part in command]
    try:
        done = subprocess.run(
            words,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            cwd=directory,
            env=dict(environment),
            process_group=0,
            preexec_fn=_prepare(account, signal.SIGKILL),
            user=account.uid,
            group=account.uid,
            extra_groups=account.groups,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise LaunchError(f"{words[0]} does not run here: {error}") from error
    if done.returncode != 0:
        raise LaunchError(f"{' '.join(words)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _prepare(account: Account, death_signal: int) -> Callable[[], None]:
    """What runs in the child between fork and exec, after the change of user (which clears the signal)."""
    parent = os.getpid()

    def run() -> None:
        if account.in_namespace:
            try:
                _enter_user_namespace()
            except OSError as error:  # the parent learns only that there was one
                os.write(2, f"{error}\n".encode())
                raise
        if _LINUX:
            _LIBC.prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
            if os.getppid() != parent:  # the parent died before the signal was set
                os._exit(1)

    return run


def _enter_user_namespace() -> None:
    if _LIBC.unshare(_CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "user namespaces are refused here")
    for name, line in (
        ("setgroups", "deny"),
        ("uid_map", "1000 0 1"),
        ("gid_map", "1000 0 1"),
    ):
        Path("/proc/self", name).write_text(line)


def tail(log: Path, lines: int = 15) -> str:
    """The end of a log file, for messages."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""
