"""A token service beside a web server of the same portal: the same answers, and nothing lost at its end."""

import http.client
import json
import re
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlencode, urlsplit
from urllib.request import urlopen

import psycopg
import pytest

from accesscontrol.actions.keys import LOOK_AGAIN
from iam_portal.launchers.children import Child
from iam_portal.launchers.story_check import Credentials
from tests.support import alike
from tests.support.portal import RunningPortal
from tests.support.stage import Stage

TIMES = 4  # the long way, built, and twice confirmed
MADE_ANEW = {"date", "x-request-id", "server", "connection"}
FORM = "application/x-www-form-urlencoded"


@dataclass
class Said:
    status: int
    fields: dict[str, str]
    body: bytes

    def told(self) -> tuple[Any, ...]:
        """All of it but ids, moments and signatures."""
        without = MADE_ANEW | ({"content-length"} if self.status == 204 else set())  # RFC 9110 §8.6
        return alike.told(self.status, self.fields.items(), self.body, anew=without, moments=False)


@dataclass
class Client:
    """One kept connection to one server."""

    base: str
    line: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self.line = http.client.HTTPConnection(urlsplit(self.base).netloc, timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.line.close()

    def ask(self, path: str, body: str, fields: Mapping[str, str], method: str = "POST") -> Said:
        self.line.request(method, path, body.encode(), {"Content-Type": FORM, **fields})
        reply = self.line.getresponse()
        found = {name.lower(): value for name, value in reply.getheaders()}
        return Said(reply.status, found, reply.read())


@dataclass
class House:
    stage: Stage
    web: Client
    service: Client
    child: Child

    @property
    def door(self) -> str:
        return f"/iam/access-management/v1/tenants/{self.stage.consumer.tenant_id}/openid-connect/token"

    def granted(self) -> dict[str, str]:
        return {
            "grant_type": "client_credentials",
            "scope": f"aud:{self.stage.target.client_id} openid",
        }

    def token(self, client: Client, holder: Credentials | None = None) -> Said:
        basic = {"Authorization": (holder or self.stage.caller).basic}
        return client.ask(self.door, urlencode(self.granted()), basic)


@pytest.fixture
def house(running_portal: RunningPortal, stage: Stage) -> Iterator[House]:
    with (
        running_portal.token_service(workers=2) as (base, child),
        Client(running_portal.address) as web,
        Client(base) as service,
    ):
        yield House(stage, web, service, child)
    # What blocks and was not done apart is refused by the framework, and the request left to the long way.
    assert "SynchronousOnlyOperation" not in (running_portal.logs / "tokens.log").read_text()


def requests(house: House) -> Iterator[tuple[str, str, Mapping[str, str], str]]:
    """Path, body, fields and method: what is right, and what is wrong in each of its parts."""
    door, stage = house.door, house.stage
    caller, target = {"Authorization": stage.caller.basic}, {"Authorization": stage.target.basic}
    good = house.granted()
    by_post = {"client_id": stage.caller.client_id, "client_secret": stage.caller.secret}
    wrong = Credentials(stage.caller.client_id, "not-the-secret")
    yield door, urlencode(good), caller, "POST"
    yield door, urlencode({**good, **by_post}), {}, "POST"
    yield door, urlencode(good), {"Authorization": wrong.basic}, "POST"
    yield door, urlencode(good), {"Authorization": "Basic ==="}, "POST"
    yield door, urlencode(good), {}, "POST"
    yield door, urlencode({**good, "scope": "aud:nobody.knows"}), caller, "POST"
    yield door, urlencode({**good, "grant_type": "password"}), caller, "POST"
    yield door, urlencode([*good.items(), ("scope", "openid")]), caller, "POST"
    yield door, "%ff=%fe&&=&a", caller, "POST"
    yield door, "", caller, "POST"
    yield door, json.dumps(good), {**caller, "Content-Type": "application/json"}, "POST"
    yield door, urlencode(good), {**caller, "Content-Encoding": "gzip"}, "POST"
    yield door, urlencode(good), {**caller, "DPoP": "a.b.c"}, "POST"
    yield f"{door}?scope=x", urlencode(good), caller, "POST"
    yield door.replace("/tenants/", "/tenants/0"), urlencode(good), caller, "POST"
    token = json.loads(house.token(house.web).body)["access_token"]
    yield f"{door}/introspect", urlencode({"token": token}), target, "POST"
    yield f"{door}/introspect", urlencode({"token": token}), caller, "POST"
    yield f"{door}/introspect", urlencode({"token": token + "x"}), target, "POST"
    yield f"{door}/introspect", "token=", target, "POST"
    revoked = door.removesuffix("/token") + "/revoke"
    yield revoked, urlencode({"token": "unknown"}), caller, "POST"
    yield (
        door,
        "",
        {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"},
        "OPTIONS",
    )


def test_it_says_what_the_web_server_says(house: House) -> None:
    for path, body, fields, method in requests(house):
        for _ in range(TIMES):
            expected = house.web.ask(path, body, fields, method)
            found = house.service.ask(path, body, fields, method)
            assert found.told() == expected.told(), (path, body[:60])


def test_a_new_token_is_known_to_whoever_knows_its_bearer(house: House) -> None:
    """Keys are looked up meanwhile, and each token is verified once."""
    target = {"Authorization": house.stage.target.basic}
    for _ in range(3):
        token = json.loads(house.token(house.web).body)["access_token"]
        for _ in range(2 * TIMES):
            said = house.service.ask(f"{house.door}/introspect", urlencode({"token": token}), target)
            assert json.loads(said.body)["active"] is True
        time.sleep(LOOK_AGAIN)


def test_most_of_it_by_the_short_way(house: House) -> None:
    """Known after some requests to each of both processes; then one statement each, and no thread."""
    for _ in range(40):
        with Client(house.service.base) as client:  # of one of the two, by lot
            assert house.token(client).status == 200
    with urlopen(f"{house.service.base}/metrics") as reply:
        text = reply.read().decode()
    short = re.search(
        r'^iam_http_request_seconds_count\{area="token",way="short"\} ([\d.]+)$', text, re.MULTILINE
    )
    assert short is not None and float(short[1]) >= 30


def test_who_waits_for_the_database_keeps_nobody_waiting(house: House, running_portal: RunningPortal) -> None:
    """A client that a process has not met needs tables that somebody holds; one that it knows does not."""
    for _ in range(2 * TIMES):
        assert house.token(house.service).status == 200
    stranger = Credentials("nobody.knows", "x")
    met = threading.Event()

    def strange() -> None:
        with Client(house.service.base) as client:
            house.token(client, stranger)
        met.set()

    with psycopg.connect(running_portal.environment["DATABASE_OWNER_URL"]) as owner:
        owner.execute("LOCK TABLE applications_client IN ACCESS EXCLUSIVE MODE")
        waiting = threading.Thread(target=strange)
        waiting.start()
        time.sleep(0.3)
        for _ in range(20):
            assert house.token(house.service).status == 200
        assert not met.is_set()
        owner.rollback()
        waiting.join()


def test_lines_that_are_cut_are_made_anew(house: House, running_portal: RunningPortal) -> None:
    with psycopg.connect(running_portal.environment["DATABASE_OWNER_URL"], autocommit=True) as owner:
        for _ in range(10):
            assert house.token(house.service).status == 200
            owner.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'iam-short'"
            )
    assert house.token(house.service).status == 200


def test_at_its_end_nobody_is_cut_off(house: House) -> None:
    """Each request is answered as a whole, or was never taken."""
    over, answered, broken = threading.Event(), [], []

    def asking() -> None:
        with Client(house.service.base) as client:
            while not over.is_set():
                try:
                    answered.append(house.token(client).status)
                except (http.client.RemoteDisconnected, ConnectionError):
                    return  # closed between two requests, or no longer there
                except (http.client.HTTPException, OSError) as error:
                    broken.append(error)
                    return

    threads = [threading.Thread(target=asking) for _ in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(1.0)
    house.child.process.send_signal(signal.SIGTERM)
    try:
        assert house.child.process.wait(timeout=20) == 0
    finally:
        over.set()
    for thread in threads:
        thread.join()
    assert not broken and len(answered) > 50 and {*answered} == {200}
