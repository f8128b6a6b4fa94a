"""The demo: a whole portal with its story, under one parent that stops it all."""

import errno
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from iam_portal.launchers.children import Busy, LaunchError
from iam_portal.launchers.portal import LocalPortal, Servers, describe_end
from iam_portal.launchers.processes import Supervisor, claim, interruptible
from iam_portal.launchers.story_check import Credentials

Story = dict[str, Any]
_OTHER_PORTS = (8123, 8124)
SUCCEEDED, FAILED, REFUSED, INTERRUPTED = 0, 1, 2, 130


class Output(Protocol):
    """Where the demo speaks to: a stream, or a command's `stdout`."""

    def write(self, text: str, /) -> object: ...

    def flush(self) -> None: ...


@dataclass
class Steps:
    """Says each step when it begins, and how long it took when it is done."""

    output: Output
    _begin: float = field(default_factory=time.monotonic)

    @contextmanager
    def step(self, name: str) -> Iterator[Callable[[str], None]]:
        details: list[str] = []
        started = time.monotonic()
        self.say(f"{name:<12}", end="")
        try:
            yield details.append
        except BaseException:
            self.say("not done")
            raise
        took = f"{time.monotonic() - started:5.1f} s"
        self.say("  ".join([took, *details]))

    def say(self, text: str, end: str = "\n") -> None:
        self.output.write(text + end)
        self.output.flush()

    def total(self) -> float:
        return time.monotonic() - self._begin


Beside = Callable[[LocalPortal, Credentials], str]


def run(
    *,
    port: int,
    directory: Path,
    output: Output,
    check: Callable[[Story], bool] | None = None,
    beside: Beside | None = None,
) -> int:
    """Start everything; stay until a signal, or until `check` has judged the story. Returns the exit code.

    `beside` starts one more program, as the application that the story shares.
    """
    steps = Steps(output)
    try:
        refuse_busy_port(port)
        with interruptible(), prepared(directory), Supervisor() as supervisor:
            portal = LocalPortal(directory, port, supervisor, servers_from_environment())
            try:
                story_text = start(portal, steps, beside)
                if check is not None:
                    return _judge(portal, check, steps)
                steps.say(f"\n{story_text.rstrip()}\n\nReady after {steps.total():.1f} s: {portal.address}")
                steps.say(f"Ctrl-C stops everything. Data and logs stay in {portal.directory}.")
                steps.say(f"\n{describe_end(supervisor.wait())}")
                return FAILED
            finally:
                steps.say("\nStopping everything")
    except PermissionError as error:
        steps.say(f"\n{error.filename} is another user's. Take your own: make demo DEMO_DIR=.demo-2")
        return REFUSED
    except Busy as error:
        steps.say(str(error))
        return REFUSED
    except LaunchError as error:
        steps.say(f"\n{error}")
        return FAILED
    except KeyboardInterrupt:
        steps.say(f"Stopped; the next start finds its data again in {directory}.")
        return INTERRUPTED if check is not None else SUCCEEDED


def start(portal: LocalPortal, steps: Steps, beside: Beside | None = None) -> str:
    """All steps in their order; returns what the seed printed about its story."""
    with steps.step("database") as detail:
        detail(portal.start_database())
    with steps.step("broker") as detail:
        detail(portal.start_broker())
    with steps.step("migrate"):
        portal.manage("migrate", "--verbosity", "0")
    with steps.step("static"):
        portal.manage("collectstatic", "--no-input", "--verbosity", "0")
    with steps.step("seed"):
        story_text = portal.manage("seed_demo", "--dir", str(portal.directory))
    with steps.step("web"):
        portal.start_web()
        portal.start_events()
        worker = portal.start_worker()
        portal.start_beat()
        portal.wait_ready()
        portal.wait_events()
    with steps.step("worker"):
        portal.wait_worker(worker)
    if beside is not None:
        with steps.step("example"):
            story_text += "\n" + beside(portal, Credentials.of(read_story(portal.directory)["target"]))
    return story_text


def servers_from_environment() -> Servers:
    """The servers that the caller already has."""
    return Servers(
        database=os.environ.get("DATABASE_URL", ""),
        owner=os.environ.get("DATABASE_OWNER_URL", ""),
        broker=os.environ.get("CELERY_BROKER_URL", ""),
    )


def read_story(directory: Path) -> Story:
    """What the seed wrote down: addresses, logins and credentials of the story."""
    story: Story = json.loads((directory / "story.json").read_text())
    return story


def refuse_busy_port(port: int) -> None:
    """Before anything is started: is the address ours to take?"""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            other = next(candidate for candidate in _OTHER_PORTS if candidate != port)
            raise Busy(f"Port {port} is not free. Take another one: make demo PORT={other}") from error


@contextmanager
def prepared(directory: Path) -> Iterator[None]:
    """The demo's directory, held by us alone; others may pass through it, for the database's own user."""
    directory.mkdir(mode=0o711, parents=True, exist_ok=True)
    try:
        lock = claim(directory / "demo.lock")
    except Busy as error:
        raise Busy(
            f"A demo is already running in {directory}. "
            "Start a second one beside it: make demo PORT=8123 DEMO_DIR=.demo-2"
        ) from error
    with lock:
        yield


def _judge(portal: LocalPortal, check: Callable[[Story], bool], steps: Steps) -> int:
    passed = check(read_story(portal.directory))
    steps.say(f"\nThe story {'holds' if passed else 'DOES NOT HOLD'}, after {steps.total():.1f} s.")
    return SUCCEEDED if passed else FAILED
