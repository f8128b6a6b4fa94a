"""The peers: each a server of its own, with a database of its own in the same PostgreSQL."""

import json
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import psycopg
from joserfc.jwk import ECKey
from psycopg import sql

from iam_portal.launchers.children import Child, run, spawn
from iam_portal.launchers.portal import ROOT
from iam_portal.launchers.processes import Supervisor
from iam_portal.launchers.story_check import Credentials
from iam_portal.launchers.valkey import free_port
from tests.benchmarks.beside.loading import Job, sent
from tests.benchmarks.beside.ours import FORM
from tests.benchmarks.beside.rows import FLOOR, INTROSPECTION, TOKEN, Row

PEERS = ROOT / "tests/benchmarks/peers"
CLIENT = "reader"


@dataclass(frozen=True, slots=True, kw_only=True)
class Others:
    """Starts the peers; ``python`` and ``node`` are their own, ``scripts`` the folder of the latter's."""

    database: str  # the owner's address
    supervisor: Supervisor
    python: Path
    node: Path
    scripts: Path
    logs: Path
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    opaque: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    key: str = field(default_factory=lambda: json.dumps(_signing_key()))

    def start(self) -> list[Row]:
        """All of them, and what is asked of each."""
        return [*self._toolkits(), *self._providers(), *self._flasks(), *self._floor()]

    def _toolkits(self) -> list[Row]:
        rows = []
        for way, name in (
            ("stock", "as it comes: token, opaque"),
            ("fast", "a cheap hasher: token, opaque"),
            ("signed", "a cheap hasher: token, ES256"),
        ):
            port, child = self._granian("toolkit", {"TOOLKIT": way}, prepared=True)
            lasts = 3.0 if way == "stock" else 1.0
            job = partial(self._token, "/o/token/")
            rows.append(_row(f"django-oauth-toolkit, {name}", TOKEN, port, child, job, lasts=lasts))
            if way == "fast":
                introspection = partial(self._introspection, "/o/introspect/", port)
                asked = "django-oauth-toolkit, a cheap hasher: introspection, opaque"
                rows.append(_row(asked, INTROSPECTION, port, child, introspection))
        return rows

    def _providers(self) -> list[Row]:
        rows = []
        for store, database in (("PostgreSQL", self._database("provider")), ("memory, unshared", {})):
            port = free_port()
            environment = {**self._told(), **database, "PORT": str(port)}
            command = [self.node, self.scripts / "provider.mjs"]
            child = self._spawn(f"provider-{'sql' if database else 'memory'}", command, environment)
            name = f"node-oidc-provider, {store}"
            introspection = partial(self._introspection, "/token/introspection", port)
            rows += [
                _row(f"{name}: token, ES256", TOKEN, port, child, partial(self._token, "/token")),
                _row(f"{name}: introspection, opaque", INTROSPECTION, port, child, introspection),
            ]
        return rows

    def _flasks(self) -> list[Row]:
        rows = []
        for way, name in (("opaque", "opaque"), ("signed", "ES256, no row")):
            port, child = self._granian("flask_authlib", {"AUTHLIB": way}, prepared=True)
            job = partial(self._token, "/token")
            rows.append(_row(f"Authlib in Flask: token, {name}", TOKEN, port, child, job))
        return rows

    def _floor(self) -> list[Row]:
        rows = []
        for callable_, name in (("application", "nothing else"), ("django", "an empty view of Django")):
            port, child = self._granian("empty", {}, prepared=False, callable_=callable_)
            rows.append(_row(f"granian and {name}", FLOOR, port, child, partial(self._token, "/")))
        return rows

    def _granian(
        self, module: str, way: Mapping[str, str], *, prepared: bool, callable_: str = "application"
    ) -> tuple[int, Child]:
        """As the portal's own: two processes of two threads each."""
        name = "-".join([module, *(way.values() or [callable_])])
        database = self._database(name.replace("-", "_")) if prepared else {}
        environment = {**self._told(), **database, **way}
        if prepared:
            code = f"import {module}; {module}.prepare()"
            run([self.python, "-c", code], environment=environment, directory=PEERS)
        port = free_port()
        options = ["--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
        size = ["--workers", "2", "--blocking-threads", "2"]
        command: list[str | Path] = [self.python, "-m", "granian", *options, *size, f"{module}:{callable_}"]
        return port, self._spawn(name, command, environment)

    def _spawn(self, name: str, command: Sequence[str | Path], environment: Mapping[str, str]) -> Child:
        log = self.logs / f"{name}.log"
        directory = PEERS if command[0] == self.python else self.scripts
        child = spawn(name, command, log=log, environment=environment, directory=directory)
        return self.supervisor.add(child)

    def _told(self) -> dict[str, str]:
        return {
            "PATH": str(Path(sys.executable).parent),
            "PYTHONDONTWRITEBYTECODE": "1",
            "NODE_ENV": "production",
            "SECRET": self.secret,
            "SIGNING_KEY": self.key,
            "OPAQUE": self.opaque,
        }

    def _database(self, name: str) -> dict[str, str]:
        """A new one, of the owner's: nothing in it is walled."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        address = urlsplit(self.database)
        host = parse_qs(address.query)["host"][0]
        return {"DATABASE": name, "DATABASE_USER": address.username or "", "DATABASE_HOST": host}

    def _token(self, path: str) -> Job:
        headers = {**FORM, "Authorization": Credentials(CLIENT, self.secret).basic}
        body = urlencode({"grant_type": "client_credentials", "scope": "read"})
        return Job(path=path, headers=headers, body=body, holds='"access_token"')

    def _introspection(self, path: str, port: int) -> Job:
        """Of an opaque token: the one that the provider begins with, or a new one."""
        headers = {**FORM, "Authorization": Credentials(CLIENT, self.secret).basic}
        token, holds = self.opaque, '"active":true'
        if path.startswith("/o/"):
            answer = json.loads(sent(port, self._token("/o/token/"))[1])
            token, holds = answer["access_token"], '"active": true'
        return Job(path=path, headers=headers, body=urlencode({"token": token}), holds=holds)


def _row(name: str, kind: str, port: int, child: Child, job: Callable[[], Job], *, lasts: float = 1.0) -> Row:
    origin = f"http://127.0.0.1:{port}"
    return Row(name=name, kind=kind, origin=origin, process=child.process.pid, job=job, lasts=lasts)


def _signing_key() -> dict[str, str]:
    made = ECKey.generate_key("P-256")
    return {**made.as_dict(private=True), "alg": "ES256", "use": "sig", "kid": made.thumbprint()}
