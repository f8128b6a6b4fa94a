"""The launchers leave nothing behind, find their data again, and refuse clearly."""

import io
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from iam_portal.launchers import demo, placement
from iam_portal.launchers.children import Account, Busy, LaunchError, spawn
from iam_portal.launchers.portal import ROOT, Servers
from iam_portal.launchers.postgres import OWNER, EmbeddedPostgres
from iam_portal.launchers.processes import Supervisor, claim
from iam_portal.launchers.valkey import EmbeddedValkey, free_port
from tests.support.database import bindir

pytestmark = pytest.mark.slow

_PARENT = """
import sys, time
from pathlib import Path
from iam_portal.launchers.postgres import EmbeddedPostgres
from iam_portal.launchers.valkey import EmbeddedValkey
from tests.support.database import bindir
directory = Path(sys.argv[1])
database = EmbeddedPostgres(directory / "postgres", fast=True, bindir=bindir())
with database, EmbeddedValkey(directory / "valkey.log"):
    print("started", flush=True)
    time.sleep(float(sys.argv[2]))
"""


@pytest.fixture
def directory() -> Iterator[Path]:
    """Where another user can pass: pytest's own folders are closed to all but their user."""
    with tempfile.TemporaryDirectory(prefix="iam-test-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


def postgres(directory: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(directory / "postgres", fast=True, bindir=bindir())


def start_parent(directory: Path, seconds: float, *prefix: str) -> subprocess.Popen[str]:
    """A process of its own that runs both servers."""
    command = [*prefix, sys.executable, "-c", _PARENT, str(directory), str(seconds)]
    environment = {**os.environ, "TMPDIR": str(directory)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment)
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    return process


def processes_of(directory: Path) -> list[int]:
    """Living processes that name the directory in their command line or run in it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if str(directory) in (entry / "cmdline").read_text():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def is_running(number: int) -> bool:
    """Whether a process lives; one that has ended but is not yet collected does not."""
    try:
        return Path("/proc", str(number), "stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def wait_until_gone(remaining: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while remaining():
        assert time.monotonic() < deadline, "something was left behind"
        time.sleep(0.05)


def test_a_second_start_finds_its_data(directory: Path) -> None:
    with postgres(directory) as server, psycopg.connect(server.url(OWNER)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    assert not processes_of(directory)
    with postgres(directory) as server, psycopg.connect(server.url(OWNER)) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)


def test_the_webs_role_owns_nothing_and_may_change_to_the_crossing_one(directory: Path) -> None:
    with postgres(directory) as server, psycopg.connect(server.url()) as connection:
        row = connection.execute(
            "SELECT rolsuper, rolinherit, rolbypassrls, rolcreatedb FROM pg_roles"
            " WHERE rolname = current_user"
        ).fetchone()
        assert row == (False, False, False, False)
        connection.execute("SET LOCAL ROLE iam_cross")
        connection.execute("RESET ROLE")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE mine ()")


def test_a_killed_parent_leaves_no_server(directory: Path) -> None:
    parent = start_parent(directory, 60)
    parent.kill()
    parent.communicate()
    wait_until_gone(lambda: processes_of(directory))
    with postgres(directory) as server:
        assert server.alive()


def test_the_same_directory_twice_is_refused(directory: Path) -> None:
    with postgres(directory), pytest.raises(Busy, match="in use"):
        postgres(directory).start()


def test_data_of_another_version_is_refused(directory: Path) -> None:
    with postgres(directory):
        pass
    (directory / "postgres" / "PG_VERSION").write_text("9\n")
    with pytest.raises(LaunchError, match="made by PostgreSQL 9"):
        postgres(directory).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
@pytest.mark.parametrize("way", ["another user", "user namespace", "copy"])
def test_root_has_three_ways(directory: Path, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    home = directory / "home"
    home.mkdir(mode=0o711 if way == "another user" else 0o700)
    if way == "copy":
        monkeypatch.setattr(placement, "works", lambda _: False)
        monkeypatch.setattr(tempfile, "tempdir", str(directory))
    if way == "user namespace" and not placement.works(Account(in_namespace=True)):
        pytest.skip("user namespaces are refused here")
    for _ in range(2):
        with postgres(home) as server, psycopg.connect(server.url()) as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("iam_web",)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user; otherwise all tests run so")
def test_without_root(directory: Path) -> None:
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    imports = [*user, sys.executable, "-c", "import redis, psycopg"]
    if subprocess.run(imports, check=False, capture_output=True).returncode != 0:
        pytest.skip("this Python lies where no other user can read it")
    os.chown(directory, 65534, 65534)
    parent = start_parent(directory, 0.1, *user)
    parent.communicate(timeout=30)
    assert parent.returncode == 0
    assert not processes_of(directory)


def test_valkey_asks_for_its_password(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / "valkey.log") as server:
        with redis.Redis.from_url(server.url()) as client:
            assert client.ping()
        port = int(server.url().rpartition(":")[2].removesuffix("/0"))
        with socket.create_connection(("127.0.0.1", port)) as stranger:
            stranger.sendall(b"PING\r\n")
            assert stranger.recv(100).startswith(b"-NOAUTH")
    assert not server.alive()


def test_the_supervisor_stops_in_reverse_order_and_ends_the_deaf(tmp_path: Path) -> None:
    stopped: list[str] = []

    class Fake:
        log = tmp_path / "log"

        def __init__(self, name: str) -> None:
            self.name = name

        def alive(self) -> bool:
            return self.name != "second"

        def stop(self) -> None:
            stopped.append(self.name)

    with Supervisor() as supervisor:
        for name in ("first", "second", "third"):
            supervisor.add(Fake(name))
        assert supervisor.wait().name == "second"
    assert stopped == ["third", "second", "first"]


def test_what_a_child_left_behind_is_ended_with_it(tmp_path: Path) -> None:
    script = "sleep 60 & echo $! > grandchild; wait"
    child = spawn(
        "shell", ["/bin/sh", "-c", script], log=tmp_path / "log", environment={}, directory=tmp_path
    )
    while not (tmp_path / "grandchild").exists() or not (tmp_path / "grandchild").read_text():
        time.sleep(0.02)
    grandchild = int((tmp_path / "grandchild").read_text())
    child.stop()
    assert child.process.returncode == -signal.SIGTERM
    wait_until_gone(lambda: is_running(grandchild))


def test_no_outgoing_connection_takes_a_free_port() -> None:
    """Else one of them would sit on it before the server does, or while that is started anew."""
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    if first < 32_768:
        pytest.skip(f"here they begin at {first}")
    assert all(1024 < free_port() < first for _ in range(20))


def test_a_busy_port_is_refused_before_anything_starts(directory: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        said = io.StringIO()
        port = holder.getsockname()[1]
        assert demo.run(port=port, directory=directory / "demo", output=said) == demo.REFUSED
    assert f"Port {port} is not free" in said.getvalue()
    assert "make demo PORT=" in said.getvalue()
    assert not (directory / "demo").exists()


def test_a_second_demo_in_the_same_directory_is_refused(directory: Path) -> None:
    said = io.StringIO()
    with claim(directory / "demo.lock"):
        assert demo.run(port=0, directory=directory, output=said) == demo.REFUSED
    assert "DEMO_DIR=" in said.getvalue()


def test_one_address_serves_both_logins():
    """Given the owner's address alone, web and worker still stand behind the wall."""
    alone = Servers(database="postgres://owner@host/iam")
    assert alone.web == "postgres://owner@host/iam?options=-c%20role%3Diam_web"
    assert Servers(database="postgres://o@/iam?host=/run").web.endswith("/run&options=-c%20role%3Diam_web")
    both = Servers(database="postgres://iam_web@host/iam", owner="postgres://owner@host/iam")
    assert both.web == both.database
