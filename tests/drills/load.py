"""Mixed load that judges each answer by what it knows."""

import itertools
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import requests

from iam_portal.launchers.story_check import Credentials
from tests.drills.model import Journal, Known, Mistaken, Refused
from tests.drills.portal import DrilledPortal
from tests.support.console import Console
from tests.support.stage import Side, Stage, made_of

PATIENCE = 60.0  # longer than any request may take
TOKEN_SECONDS = 120.0  # for which a token is used here
KINDS = ("token", "introspection", "change", "creation", "list", "page", "delivery")
_API = "/iam/application-management/v1"
_CONNECT = "/iam/access-management/v1/tenants/{}/openid-connect/"
_PAGES = ("", "contracts", "applications", "activity")


def answered(response: requests.Response) -> requests.Response:
    """An answer, if it is one. What failed inside must say so in a form that a program can read."""
    if response.status_code >= 500 or response.status_code == 429:
        told = response.headers.get("Content-Type", "")
        if "json" not in told and "/t/" not in response.url:
            raise Mistaken(f"{response.status_code} {told}: {response.text[:200]}")
        raise Refused(f"{response.status_code} {response.text[:120]}")
    return response


class Service:
    """One side's own service, with a token that it keeps for a while."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self._token, self._until = "", 0.0

    def act(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        base, tenant_id = self.side.portal.base, self.side.tenant_id
        sent = {"Authorization": f"Bearer {self._fresh()}", **headers}
        where = f"{base}{_API}/tenants/{tenant_id}/{path}"
        return answered(requests.request(method, where, json=body, headers=sent, timeout=PATIENCE))

    def _fresh(self) -> str:
        if time.monotonic() > self._until:
            form = {"grant_type": "client_credentials", "scope": "aud:iam-portal"}
            given = connected(self.side.portal.base, self.side.tenant_id, "token", self.side.automation, form)
            if given.status_code != 200:
                raise Mistaken(f"the service's own token: {given.status_code} {given.text[:200]}")
            self._token, self._until = given.json()["access_token"], time.monotonic() + TOKEN_SECONDS
        return self._token


def connected(
    base: str, tenant_id: str, door: str, client: Credentials, form: dict[str, str]
) -> requests.Response:
    """A form at a door of OAuth."""
    headers = {"Authorization": client.basic}
    where = base + _CONNECT.format(tenant_id) + door
    return answered(requests.post(where, form, headers=headers, timeout=PATIENCE))


class Contract:
    """A contract that somebody changes all the time, and whose caller asks all the time."""

    def __init__(self, stage: Stage, journal: Journal) -> None:
        self.stage, self.known, self._journal = stage, Known(), journal
        self._provider = Service(stage.provider)
        self._token, self._got = "", float("-inf")

    def change(self) -> None:
        """Pause or resume, whichever is its turn. What became of a request without a reply is looked up."""
        path = f"contracts/{self.stage.contract_id}"
        in_force, _ = self.known.look()
        if in_force is None:
            time.sleep(1.0)  # for what may still be under way
            found = bool(self._provider.act("GET", path).json()["inForce"])
            self.known.become(found, because=f"{path} looked up: {found}")
            return
        verb = "pause" if in_force else "resume"
        self.known.become(None)
        name = f"{verb}d {self.stage.contract_id}"
        self._journal.sent(name)
        reply = self._provider.act("POST", f"{path}/{verb}", {})
        if reply.status_code != 200:
            raise Mistaken(f"{verb}: {reply.status_code} {reply.text[:200]}")
        self._journal.acknowledged(name)
        self.known.become(not in_force, because=f"{path} {verb}d")

    def token_at(self, base: str) -> Callable[[], None]:
        return lambda: self.known.judge(lambda: self._ask(base))

    def introspection_at(self, base: str) -> Callable[[], None]:
        return lambda: self.known.judge(lambda: self._introspect(base))

    def _ask(self, base: str) -> bool:
        stage = self.stage
        form = {"grant_type": "client_credentials", "scope": f"aud:{stage.target.client_id} openid"}
        name = f"issued {stage.contract_id}"
        self._journal.sent(name)
        reply = connected(base, stage.consumer.tenant_id, "token", stage.caller, form)
        if reply.status_code == 200:
            self._journal.acknowledged(name)
            self._token, self._got = reply.json()["access_token"], time.monotonic()
            return True
        if reply.status_code == 400 and reply.json().get("reason") == "application_not_available":
            self._journal.sent(name, times=-1)
            return False
        raise Mistaken(f"token: {reply.status_code} {reply.text[:200]}")

    def _introspect(self, base: str) -> bool:
        if time.monotonic() - self._got > TOKEN_SECONDS:
            self._ask(base)
        stage, form = self.stage, {"token": self._token}
        reply = connected(base, stage.consumer.tenant_id, "token/introspect", stage.target, form)
        if reply.status_code != 200:
            raise Mistaken(f"introspection: {reply.status_code} {reply.text[:200]}")
        return bool(reply.json()["active"])


class Creator:
    """Drafts contracts, each with a key: where no reply came, the same is sent again until one does."""

    def __init__(self, stage: Stage, journal: Journal) -> None:
        self._stage, self._journal, self._provider = stage, journal, Service(stage.provider)
        self._key = ""

    def create(self) -> None:
        self._key = self._key or f"drill-{uuid4()}"
        body = {
            "consumerTenantId": self._stage.consumer.tenant_id,
            "type": "provision",
            "roles": [{"applicationId": self._stage.target.client_id, "role": "viewer"}],
            "note": self._key,
        }
        self._journal.sent(self._key)
        reply = self._provider.act("POST", "contracts", body, **{"Idempotency-Key": self._key})
        if reply.status_code == 409:
            raise Refused("still at work")
        if reply.status_code != 201:
            raise Mistaken(f"creation: {reply.status_code} {reply.text[:200]}")
        self._journal.acknowledged(self._key)
        self._key = ""


class Load:
    """All of them, each in a thread of its own, until the end of the block."""

    def __init__(self, portal: DrilledPortal, contracts: int = 2) -> None:
        self.journal, self._over = Journal(), threading.Event()
        self.contracts = []
        for _ in range(contracts):
            stage = made_of(portal.story)
            stage.share()
            self.contracts.append(Contract(stage, self.journal))
        stage = self.contracts[0].stage
        console = Console.of(portal, "provider")
        creator, reader = Creator(stage, self.journal), Service(stage.consumer)
        pages = itertools.cycle(_PAGES)
        self._steps: list[tuple[str, Callable[[], object], float]] = [
            ("creation", creator.create, 1.0),
            ("list", lambda: _right(reader.act("GET", "contracts?limit=50")), 0.5),
            ("page", lambda: _page(console, next(pages)), 1.0),
        ]
        for each in self.contracts:
            self.ask_at(portal.address, each)
            self._steps.append(("change", each.change, 0.5))
        self._threads: list[threading.Thread] = []

    def ask_at(self, base: str, contract: Contract, suffix: str = "") -> None:
        """Its caller and its target ask at this address, too."""
        self._steps.append((f"token{suffix}", contract.token_at(base), 0.1))
        self._steps.append((f"introspection{suffix}", contract.introspection_at(base), 0.1))

    def __enter__(self) -> "Load":
        self._threads = [threading.Thread(target=self._repeat, args=step) for step in self._steps]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, kind: str, step: Callable[[], object], pause: float) -> None:
        while not self._over.is_set():
            self.journal.tell(kind, step)
            self._over.wait(pause)


def _right(response: requests.Response) -> None:
    if response.status_code != 200:
        raise Mistaken(f"{response.status_code} {response.text[:200]}")


def _page(console: Console, path: str) -> None:
    _right(answered(console.http.get(f"{console.base}/t/{console.login.slug}/{path}", timeout=PATIENCE)))
