"""Who acts in a long run. Each checks what he is told against what he knows to be true."""

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import requests

from iam_portal.launchers.story_check import Credentials
from tests.benchmarks.soak_tally import Tally
from tests.support.browsing import Login
from tests.support.console import Console
from tests.support.portal import RunningPortal
from tests.support.stage import Side, Stage

_API = "/iam/application-management/v1"
_ACL = "/iam/access-management/v1/application/acl"
_PAGES = ("", "contracts", "applications", "network", "activity", "users", "roles", "access", "partners")
_LISTS = ("applications?limit=50", "contracts?limit=50", "history?limit=50", "events?after=latest")


@dataclass(frozen=True)
class Actor:
    """One thread: does its step again and again, with a pause between."""

    name: str
    step: Callable[[Tally], None]
    pause: float

    def act_until(self, end: float, tally: Tally) -> None:
        """What goes wrong is noted, and the actor goes on."""
        while time.monotonic() < end:
            try:
                self.step(tally)
            except Exception as error:
                tally.expect(False, f"{self.name}: {type(error).__name__}: {str(error)[:200]}")
            time.sleep(self.pause)


def of(portal: RunningPortal, steady: Sequence[Stage], changing: Sequence[Stage]) -> list[Actor]:
    """All of them. They share two cores with the portal: pauses leave it most of the time."""
    return [
        *(Actor(f"caller {number}", Caller(stage).step, 0.0) for number, stage in enumerate(steady)),
        *(Actor(f"manager {number}", Manager(stage).step, 0.5) for number, stage in enumerate(changing)),
        Actor("mirror", Mirror(portal, steady[0]).step, 1.0),
        Actor("integrator", Integrator(steady[0].consumer).step, 0.2),
        Actor("administrator", Administrator(Console.of(portal, "provider")).step, 1.0),
    ]


class Caller:
    """Gets a token by a contract that stays, and has the target check it, on a connection that it keeps."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._http = requests.Session()
        self._name = f"issued {stage.contract_id}"

    def step(self, tally: Tally) -> None:
        scope = f"aud:{self._stage.target.client_id} openid"
        form = {"grant_type": "client_credentials", "scope": scope}
        answer = tally.timed("token", lambda: self._post("token", self._stage.caller, form))
        tally.expect(answer.status_code == 200, f"token refused: {answer.status_code} {answer.text[:200]}")
        if answer.status_code != 200:
            return
        tally.add(self._name)
        token = {"token": answer.json()["access_token"]}
        for _ in range(3):
            told = tally.timed(
                "introspection", lambda: self._post("token/introspect", self._stage.target, token)
            )
            tally.expect(told.json().get("active") is True, f"not active: {told.text[:200]}")

    def _post(self, door: str, client: Credentials, form: dict[str, str]) -> requests.Response:
        base = f"{self._stage.portal.base}/iam/access-management/v1/tenants/{self._stage.consumer.tenant_id}"
        headers = {"Authorization": client.basic}
        return self._http.post(f"{base}/openid-connect/{door}", form, headers=headers, timeout=30)


class Manager:
    """Pauses and resumes a contract; from the reply on nobody may be told the old state."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def step(self, tally: Tally) -> None:
        token = self._stage.token()
        tally.timed("pause a contract", lambda: self._stage.do(self._stage.provider, "pause"))
        tally.add(f"paused {self._stage.contract_id}")
        tally.expect(self._stage.introspect(token) == {"active": False}, "active after a pause")
        tally.expect(self._stage.ask().status == 400, "a token after a pause")
        tally.timed("resume a contract", lambda: self._stage.do(self._stage.provider, "resume"))
        tally.expect(self._stage.introspect(token).get("active") is True, "not active after resuming")


class Mirror:
    """An application that keeps a copy of its ACL."""

    def __init__(self, portal: RunningPortal, stage: Stage) -> None:
        self._http = requests.Session()
        self._http.headers["Authorization"] = stage.target.basic
        self._address, self._etag = portal.address + _ACL, ""

    def step(self, tally: Tally) -> None:
        headers = {"If-None-Match": self._etag}
        answer = tally.timed("ACL", lambda: self._http.get(self._address, headers=headers, timeout=30))
        tally.expect(answer.status_code in (200, 304), f"ACL: {answer.status_code}")
        self._etag = answer.headers["ETag"]


class Integrator:
    """Reads lists by REST, with a token for some minutes."""

    def __init__(self, side: Side) -> None:
        self._side, self._paths = side, itertools.cycle(_LISTS)
        self._token, self._until = "", 0.0
        self._http = requests.Session()

    def step(self, tally: Tally) -> None:
        if time.monotonic() > self._until:
            self._token, self._until = self._side.new_token(), time.monotonic() + 120
        path = next(self._paths)
        api = _API.replace("application", "access") if path.startswith("history") else _API
        address = f"{self._side.portal.base}{api}/tenants/{self._side.tenant_id}/{path}"
        headers = {"Authorization": f"Bearer {self._token}"}
        answer = tally.timed("a list by REST", lambda: self._http.get(address, headers=headers, timeout=30))
        tally.expect(answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:200]}")


class Administrator:
    """Walks through the console."""

    def __init__(self, console: Console) -> None:
        self._console, self._pages = console, itertools.cycle(_PAGES)

    def step(self, tally: Tally) -> None:
        page = next(self._pages)
        login: Login = self._console.login
        address = f"{self._console.base}/t/{login.slug}/{page}"
        answer = tally.timed("a page", lambda: self._console.http.get(address, timeout=30))
        tally.expect(answer.status_code == 200, f"page {page}: {answer.status_code}")
