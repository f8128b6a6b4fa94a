"""The portal as `make demo` runs it, and what its rows ask: each job is made anew before a round."""

import json
import random
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import ECKey

from iam_portal.launchers.children import Child, run, spawn
from iam_portal.launchers.portal import ROOT, RUNNING, LocalPortal, running
from iam_portal.launchers.story_check import Credentials
from tests.benchmarks.beside.loading import Job
from tests.benchmarks.beside.rows import INTROSPECTION, OTHER, TOKEN, Row

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MANAGEMENT = "/iam/application-management/v1"
ACCESS = "/iam/access-management/v1"
MOST_ASSERTIONS_A_SECOND = 6_000
DRAWN = 50_000  # requests of the many, before they begin anew
EACH = 10  # requests of each of the many: both processes have then met nearly all of them twice
MANY_WARM = 240.0  # seconds at most that this takes
_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


Send = Callable[[Job], tuple[Mapping[str, str], bytes]]


@dataclass(frozen=True, slots=True)
class Story:
    """Who asks what of the portal; ``send`` asks once, and answers with headers and body."""

    send: Send
    base: str  # of the portal: what its issuers begin with
    told: dict[str, Any]
    seconds: float  # of a round

    @property
    def _token_path(self) -> str:
        return f"{ACCESS}/tenants/{self.told['tenant']}/openid-connect/token"

    def _basic(self, who: str) -> dict[str, str]:
        return {"Authorization": Credentials(*self.told[who]).basic}

    def token(self, scope: str = "") -> Job:
        """Client credentials by Basic: the whole decision, with its contract and its roles."""
        asked = scope or f"aud:{self.told['target'][0]} openid"
        return Job(
            path=self._token_path,
            headers={**FORM, **self._basic("reader")},
            body=urlencode({"grant_type": "client_credentials", "scope": asked}),
            holds='"access_token"',
        )

    def many(self) -> Job:
        """The like by a thousand services, for what they call: some ask very often, most of them seldom."""
        draws = self._draws()
        weights = [1 / place for place in range(1, len(draws) + 1)]
        order = random.Random(7).choices(range(len(draws)), weights, k=DRAWN)
        return self._drawn(draws, order)

    def each_of_many(self) -> Job:
        """All of these, so often that each process has met each of them."""
        draws = self._draws()
        order = [place for _ in range(EACH) for place in range(len(draws))]
        return replace(self._drawn(draws, order), once=True)

    def _drawn(self, draws: list[dict[str, Any]], order: list[int]) -> Job:
        return Job(path=self._token_path, draws=draws, order=order, holds='"access_token"')

    def _draws(self) -> list[dict[str, Any]]:
        draws = [
            {
                "path": f"{ACCESS}/tenants/{tenant}/openid-connect/token",
                "headers": {**FORM, "Authorization": Credentials(client_id, secret).basic},
                "body": urlencode({"grant_type": "client_credentials", "scope": f"aud:{target} openid"}),
            }
            for tenant, client_id, secret, targets in self.told["callers"]
            for target in targets
        ]
        random.Random(7).shuffle(draws)
        return draws

    def introspection(self) -> Job:
        """Of such a token, by the application that it is for."""
        token = self._answer(self.token())["access_token"]
        return Job(
            path=f"{self._token_path}/introspect",
            headers={**FORM, **self._basic("target")},
            body=urlencode({"token": token}),
            holds='"active": true',
        )

    def asserted(self) -> Job:
        """A token for a client that signs: an assertion is taken once."""
        client_id, jwk = self.told["robot"]
        key, now = ECKey.import_key(jwk), int(time.time())
        claims = {"iss": client_id, "sub": client_id, "iat": now, "exp": now + 300}
        claims["aud"] = f"{self.base}/iam/auth/realms/{self.told['tenant']}"
        form = {"grant_type": "client_credentials", "scope": f"aud:{self.told['target'][0]} openid"}
        form["client_assertion_type"] = ASSERTION

        def body() -> str:
            signed = jwt.encode({"alg": "ES256"}, {**claims, "jti": uuid4().hex}, key)
            return urlencode({**form, "client_assertion": signed})

        number = int(self.seconds * MOST_ASSERTIONS_A_SECOND)
        bodies = [body() for _ in range(number)]
        return Job(path=self._token_path, headers=FORM, bodies=bodies, holds='"access_token"')

    def unchanged_acl(self) -> Job:
        """The ACL of an application that already has it."""
        asked = Job(path=f"{ACCESS}/application/acl", method="GET", headers=self._basic("target"))
        tag = self.send(asked)[0]["etag"]
        return Job(path=asked.path, method="GET", headers={**asked.headers, "If-None-Match": tag}, status=304)

    def applications(self) -> Job:
        """A page of 50 of the applications of the tenant."""
        path = f"{MANAGEMENT}/tenants/{self.told['tenant']}/applications?limit=50"
        return Job(path=path, method="GET", headers=self._bearer(), holds='"items"')

    def availability(self) -> Job:
        """Is the target available in the tenant, and why?"""
        path = (
            f"{MANAGEMENT}/tenants/{self.told['tenant']}/applications/{self.told['target'][0]}/availability"
        )
        return Job(path=path, method="GET", headers=self._bearer(), holds='"available":true')

    def decision(self) -> Job:
        """May the calling service read something of the target?"""
        asked = {
            "principal": {"applicationId": self.told["reader"][0]},
            "applicationId": self.told["target"][0],
            "resourceType": "urn:bench",
            "resourceId": "r1",
            "privilege": "read",
        }
        headers = {**self._bearer(), "Content-Type": "application/json"}
        path = f"{ACCESS}/tenants/{self.told['tenant']}/decisions"
        return Job(path=path, headers=headers, body=json.dumps(asked), holds='"allowed":true')

    def _bearer(self) -> dict[str, str]:
        token = self._answer(self.token("aud:iam-portal"))["access_token"]
        return {"Authorization": f"Bearer {token}"}

    def _answer(self, job: Job) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.send(job)[1])
        return answer


def told(portal: LocalPortal) -> dict[str, Any]:
    """The world, made in the portal's environment."""
    command = [sys.executable, "-m", "tests.benchmarks.beside.world"]
    printed = run(command, environment=portal.environment, directory=ROOT)
    world: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return world


def rows(story: Story, port: int, process: int, *, by: str = "") -> list[Row]:
    """What is asked of one web server; ``by``: another interpreter than ours."""
    row = partial(Row, origin=f"http://127.0.0.1:{port}", process=process)
    others: dict[str, Callable[[], Job]] = {
        "ACL, 304": story.unchanged_acl,
        "a page of 50 applications": story.applications,
        "a decision": story.decision,
    }
    found = token_rows(story, port, process, by=by, ours=not by)
    return found + [row(name=f"IAM portal{by}: {what}", kind=OTHER, job=job) for what, job in others.items()]


def token_rows(story: Story, port: int, process: int, *, by: str, ours: bool = False) -> list[Row]:
    """What clients ask; ``by``: another interpreter, or another server."""
    row = partial(Row, origin=f"http://127.0.0.1:{port}", process=process)
    name = f"IAM portal{by}: "
    return [
        row(name=f"{name}token, ES256", kind=TOKEN, job=story.token, ours=ours),
        row(name=f"{name}introspection", kind=INTROSPECTION, job=story.introspection, ours=ours),
        row(
            name=f"{name}token, 1,000 callers",
            kind=TOKEN,
            job=story.many,
            warms=MANY_WARM,
            warming=story.each_of_many,
        ),
        row(name=f"{name}token, private_key_jwt", kind=TOKEN, job=story.asserted),
    ]


def again(web: Child, portal: LocalPortal, port: int, python: Path) -> Child:
    """The same web server by another interpreter, which finds the installed packages."""
    first, *rest = (str(part) for part in web.process.args)  # type: ignore[union-attr]
    command = [str(python), *(str(port) if part == str(portal.port) else part for part in rest)]
    packages = Path(first).parents[1] / "lib" / f"python{_VERSION}" / "site-packages"
    found = {"PYTHONPATH": f"{packages}:{ROOT / '.bench/older'}"}
    environment = {**portal.environment, **running(RUNNING), **found}
    log = portal.logs / "web-again.log"
    child = spawn("web-again", command, log=log, environment=environment, directory=ROOT)
    return portal.supervisor.add(child)
