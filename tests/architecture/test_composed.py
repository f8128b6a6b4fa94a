"""compose.yaml: who reaches whom, and whom database and broker let in."""

import subprocess
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
import yaml

from iam_portal.launchers.portal import ROOT
from iam_portal.launchers.postgres import CROSS_ROLE, OWNER, WEB
from iam_portal.launchers.valkey import find_binary, free_port
from tests.support.composed import ComposedPostgres

PASSWORD = "made-up-broker"
_COMPOSED: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
_SERVICES: dict[str, Any] = _COMPOSED["services"]


def test_the_proxy_reaches_neither_database_nor_broker() -> None:
    assert _COMPOSED["networks"]["inside"] == {"internal": True}
    assert _SERVICES["proxy"]["networks"] == ["outside"]
    assert _SERVICES["database"]["networks"] == _SERVICES["broker"]["networks"] == ["inside"]
    for name in ("web", "web-2", "events"):
        assert set(_SERVICES[name]["networks"]) == {"inside", "outside"}


def test_the_owner_of_the_tables_is_no_superuser(tmp_path: Path) -> None:
    """He could read every tenant's rows past the wall, and programs of the server besides."""
    assert "POSTGRES_USER" not in _SERVICES["database"]["environment"]
    tmp_path.chmod(0o711)
    with (
        ComposedPostgres(tmp_path / "postgres", fast=True, log=tmp_path / "log") as database,
        psycopg.connect(database.url("postgres"), autocommit=True) as asked,
        psycopg.connect(database.url(OWNER), autocommit=True) as owner,
        psycopg.connect(database.url(WEB), autocommit=True) as web,
    ):
        roles = "SELECT rolname, rolsuper, rolcreaterole, rolinherit, rolpassword IS NULL FROM pg_authid"
        found = {name: tuple(rest) for name, *rest in asked.execute(roles) if not name.startswith("pg_")}
        assert found == {
            "postgres": (True, True, True, True),
            OWNER: (False, True, True, False),
            WEB: (False, False, False, False),
            CROSS_ROLE: (False, False, False, True),
        }
        owner.execute("CREATE TABLE made (number integer)")
        owner.execute("CREATE EXTENSION btree_gist")
        web.execute(f"SET ROLE {CROSS_ROLE}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            web.execute("SELECT * FROM made")


def test_the_broker_lets_nobody_in_without_its_password(tmp_path: Path) -> None:
    """By the script of compose.yaml; and the list of processes does not show it."""
    service = _SERVICES["broker"]
    (tmp_path / "broker-password").write_text(f"{PASSWORD}\n")
    port = free_port()
    script = service["command"][-1].replace("$$", "$").replace("/run/secrets", str(tmp_path))
    script = script.replace(
        "docker-entrypoint.sh valkey-server -", f"{find_binary()} - --bind 127.0.0.1 --port {port}"
    )
    process = subprocess.Popen(
        [*service["command"][:-1], script], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        known = redis.Redis(port=port, password=PASSWORD)
        _listening(known)
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=port).ping()
        assert known.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert PASSWORD not in Path(f"/proc/{process.pid}/cmdline").read_text()
    finally:
        process.terminate()
        process.wait(20)


def _listening(server: redis.Redis) -> None:
    end = time.monotonic() + 20
    while True:
        try:
            server.ping()
        except redis.ConnectionError:
            assert time.monotonic() < end
            time.sleep(0.05)
        else:
            return
