"""Who needs a thread of a token service and finds none free: how many wait, how long, in which order."""

import base64
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from iam_portal import apart
from iam_portal.admission import GIVEN, LONGEST_WAIT, WAITED, Admission, Rates, Refused, Turns, is_of
from iam_portal.token_service import server
from tests.support.hall import UNLIMITED, Hall
from tests.support.tokened import PATIENCE, Tokened, soon, tokened

DOOR = "/iam/auth/realms/acme/protocol/openid-connect/token"
Said = tuple[int, dict[str, str], bytes]


class Desk:
    """Behind the door one thread, which whoever has it keeps until all may go on."""

    here: Tokened

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun: list[str] = []
        self.waited: dict[str, float | None] = {}
        self.app = Admission(self.behind, threads=64, rates=Rates(**UNLIMITED))
        self._callers = ThreadPoolExecutor(16)

    def behind(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        given = environ.get(GIVEN)
        who = given.client_id if given else "probe"
        if who == "late":
            environ[WAITED] = LONGEST_WAIT
        apart.done(lambda: self.serve(who))
        self.waited[who] = environ.get(WAITED)
        if not who.startswith("stranger"):
            is_of(environ, who)
        start("200 OK", [])
        return [who.encode()]

    def serve(self, who: str) -> None:
        self.begun.append(who)
        assert self.go.wait(PATIENCE)

    def say(self, who: str) -> Said:
        proof = base64.b64encode(f"{who}:secret".encode()).decode()
        asked = (
            f"POST {DOOR} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Basic {proof}\r\n\r\n"
        )
        return read(self.here.say(asked.encode()))

    def know(self, *names: str) -> None:
        """They have proved whose they are, and nothing is held now."""
        self.go.set()
        assert [self.say(name)[0] for name in names] == [200] * len(names)
        self.go.clear()
        self.begun.clear()

    def hold(self, who: str) -> "Future[Said]":
        """The thread is taken."""
        asked = self._callers.submit(self.say, who)
        assert soon(lambda: self.begun == [who])
        return asked

    def wait(self, *names: str) -> "list[Future[Said]]":
        """One after the other, while there is room."""
        before, asked = self.here.service.line.waiting, []
        for number, who in enumerate(names, 1):
            asked.append(self._callers.submit(self.say, who))
            assert soon(lambda number=number: self.here.service.line.waiting == before + number)
        return asked


@pytest.fixture
def desk(settings: Settings) -> Iterator[Desk]:
    settings.PORTAL_WEB_THREADS = 1
    made = Desk()
    yield made
    made.go.set()
    made._callers.shutdown()


def read(said: bytes) -> Said:
    head, _, body = said.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return int(first.split()[1]), dict(line.split(": ", 1) for line in lines), body


def test_who_waits_too_long_is_told_what_a_web_server_tells(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "LONGEST_WAIT", 0.05)
    hall = Hall(longest=0.05)
    with hall.flooded("acme", 2):
        expected, fields, body = hall.ask("acme", DOOR)
    with tokened(desk.app) as desk.here:
        held = desk.hold("acme")
        said = desk.say("globex")
        desk.go.set()
        assert held.result()[0] == 200
        assert desk.begun == ["acme"]  # nothing was done of what was refused
        assert desk.here.service.line.waiting == 0
        assert desk.say("globex")[0] == 200
    assert (said[0], said[2]) == (int(expected), body)
    assert json.loads(body)["error"] == "temporarily_unavailable"
    assert {(name, value) for name, value in fields.items() if name != "X-Request-Id"} <= said[1].items()


def test_no_more_than_so_many_wait(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST_WAITING", 2)
    with tokened(desk.app) as desk.here:
        desk.know("acme")
        asked = [desk.hold("acme"), *desk.wait("acme", "acme")]
        status, fields, _ = desk.say("acme")
        assert (status, fields["Retry-After"]) == (503, "5")
        assert not any(each.done() for each in asked)
        desk.go.set()
        assert [each.result()[0] for each in asked] == [200] * 3


def test_who_has_all_places_gives_way_and_has_every_other_turn(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "MOST_WAITING", 4)
    with tokened(desk.app) as desk.here:
        desk.know("acme", "globex")
        asked = [desk.hold("acme"), *desk.wait("acme", "acme", "acme", "acme")]
        other = [desk._callers.submit(desk.say, "globex")]
        assert asked.pop().result()[0] == 503
        other.append(desk._callers.submit(desk.say, "globex"))
        assert asked.pop().result()[0] == 503
        assert desk.say("globex")[0] == desk.say("acme")[0] == 503  # both have as many
        desk.go.set()
        assert [each.result()[0] for each in (*asked, *other)] == [200] * 5
    assert desk.begun == ["acme", "acme", "globex", "acme", "globex"]


def test_made_up_names_are_one_caller(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST_WAITING", 3)
    with tokened(desk.app) as desk.here:
        desk.know("globex")
        asked = [desk.hold("stranger-0"), *desk.wait("stranger-1", "stranger-2", "stranger-3")]
        other = desk._callers.submit(desk.say, "globex")
        assert asked.pop().result()[0] == 503
        assert desk.say("stranger-4")[0] == 503
        desk.go.set()
        assert [each.result()[0] for each in (*asked, other)] == [200] * 4
    assert desk.begun == ["stranger-0", "stranger-1", "globex", "stranger-2"]


def test_what_one_has_waited_he_waits_no_second_time(desk: Desk) -> None:
    """For another thread, or for his turn."""
    with tokened(desk.app) as desk.here:
        held, (other,) = desk.hold("acme"), desk.wait("globex")
        assert desk.say("late")[0] == 503
        desk.go.set()
        assert held.result()[0] == other.result()[0] == 200
    assert desk.waited["acme"] is None
    assert desk.waited["globex"] is not None and desk.waited["globex"] > 0
    hall = Hall(longest=60)
    with hall.flooded("acme", 2):
        assert hall.ask("acme", **{WAITED: 60.0})[0] == "503"
    turns = Turns(running=1, longest=60)
    turns.enter("acme", 60)  # there is one
    with pytest.raises(Refused):
        turns.enter("acme", 61)


def test_a_probe_that_finds_no_thread_is_told_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "LONGEST_WAIT", 0.05)
    with tokened(desk.app) as desk.here:
        held = desk.hold("acme")
        status, fields, body = read(desk.here.say(b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n"))
        assert (status, fields["Retry-After"], json.loads(body)["code"]) == (503, "5", "portal_busy")
        desk.go.set()
        assert held.result()[0] == 200


def test_who_waits_is_answered_before_the_service_ends(desk: Desk) -> None:
    with tokened(desk.app) as desk.here:
        asked = [desk.hold("acme"), *desk.wait("acme", "globex")]
        desk.here.loop.call_soon_threadsafe(desk.here.stop)
        desk.go.set()
    assert [each.result()[0] for each in asked] == [200] * 3


def test_who_still_waits_at_the_end_is_not_begun(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "GRACE", 0.05)
    with tokened(desk.app) as desk.here:
        desk.hold("acme"), desk.wait("globex")
    desk.go.set()
    desk.here.service.line._threads.shutdown()
    assert desk.begun == ["acme"]
