#!/usr/bin/python3
"""Stands for systemctl where no service manager runs: it carries out our units as they are written.

Copied into a bare root; knows only the standard library. What belongs to others is handed to service(8).
"""

import os
import pwd
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

UNITS = Path("/etc/systemd/system")
RUN = Path("/run/units")


def read(name: str) -> dict[str, str]:
    """The settings of a unit; that of a template with its instance filled in."""
    whole, _, instance = name.removesuffix(".service").partition("@")
    path = UNITS / f"{whole}{'@' if instance else ''}.service"
    lines = (line.strip() for line in path.read_text().splitlines())
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {key: value.replace("%i", instance) for key, _, value in pairs}


def environment(unit: dict[str, str]) -> dict[str, str]:
    """Nothing of the caller's."""
    found = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
    for line in Path(unit["EnvironmentFile"]).read_text().splitlines():
        key, _, value = line.partition("=")
        found[key] = value
    return found


def start(name: str) -> None:
    unit = read(name)
    home, settings = unit["WorkingDirectory"], environment(unit)
    user = pwd.getpwnam(unit["User"])
    as_user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    as_user += ["--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
    RUN.mkdir(exist_ok=True)
    with (RUN / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            [*as_user, *unit["ExecStart"].split()],
            cwd=home,
            env=settings,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    (RUN / f"{name}.pid").write_text(str(process.pid))
    if "ExecStartPost" in unit:
        done = subprocess.run([*as_user, *unit["ExecStartPost"].split()], cwd=home, env=settings, check=False)
        if done.returncode != 0:
            sys.exit(f"{name} does not start:\n{(RUN / f'{name}.log').read_text()[-3000:]}")


def stop(name: str) -> None:
    mark = RUN / f"{name}.pid"
    if not mark.exists():
        return
    number, end = int(mark.read_text()), time.monotonic() + float(read(name)["TimeoutStopSec"])
    os.kill(number, signal.SIGTERM)
    while runs(number):
        if time.monotonic() > end:
            sys.exit(f"{name} does not stop in time.")
        time.sleep(0.1)
    mark.unlink()


def runs(number: int) -> bool:
    """A process that nobody has waited for counts as gone."""
    try:
        state = re.search(r"^State:\s+(\w)", Path(f"/proc/{number}/status").read_text(), re.MULTILINE)
    except OSError:
        return False
    return state is not None and state[1] != "Z"


def main(verb: str, *names: str) -> None:
    for name in names:
        if name.startswith("-"):
            continue
        if not name.startswith("iam-portal"):
            subprocess.run(["service", name, verb], check=True)
            continue
        if verb in ("restart", "stop"):
            stop(name)
        if verb in ("restart", "start", "enable"):
            start(name)


if __name__ == "__main__":
    main(*sys.argv[1:])
