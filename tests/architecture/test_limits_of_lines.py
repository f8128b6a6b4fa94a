"""What a process waits for: the database at the other end of a line, and its own clock."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from unittest import mock

import pytest
from django.db import InterfaceError, OperationalError
from django.test import RequestFactory
from structlog.contextvars import bind_contextvars, get_contextvars

from iam_portal import clock, connecting, pages
from iam_portal.clock import Clock, RightClock

ANSWER = [b"yes"]


@dataclass
class Machine:
    """Its own clock, the one that nobody sets, and the database's."""

    wall: float = 1_000_000.0
    steady: float = 50.0
    database: float = 1_000_000.0
    asked: int = 0
    away: bool = False
    slow: list[float] = field(default_factory=list)  # how long each of the next questions takes

    def passes(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds
        self.database += seconds

    def ask(self) -> float:
        self.asked += 1
        if self.away:
            raise OperationalError("nobody answers")
        answer = self.database
        self.passes(self.slow.pop(0) if self.slow else 0.0)
        return answer


@pytest.fixture
def machine() -> Iterator[Machine]:
    made = Machine()
    with mock.patch.object(clock, "_database_clock", made.ask):
        yield made


@pytest.fixture
def get(machine: Machine) -> Callable[[str], int]:
    """The status of a request in front of something that says yes to everything."""
    told: list[str] = []

    def inner(environ: dict[str, object], start: Callable[..., object]) -> list[bytes]:
        start("200 OK", [])
        return ANSWER

    guarded = RightClock(inner, Clock(wall=lambda: machine.wall, steady=lambda: machine.steady))

    def ask(path: str = "/oauth2/token") -> int:
        body = b"".join(guarded({"PATH_INFO": path}, lambda status, headers: told.append(status)))
        if not told[-1].startswith("200"):
            assert json.loads(body)["code"] == "clock_off"
        return int(told[-1][:3])

    return ask


def test_a_right_clock_is_asked_for_once_a_minute(machine: Machine, get: Callable[..., int]) -> None:
    for _ in range(100):
        assert get() == 200
        machine.passes(1.0)
    assert machine.asked == 2


@pytest.mark.parametrize("step", [-600.0, -1.5, 1.5, 600.0])
def test_a_clock_that_was_stepped_answers_nothing(
    machine: Machine, get: Callable[..., int], step: float
) -> None:
    assert get() == 200
    machine.wall += step
    assert get() == 503
    assert get("/livez") == 200
    machine.passes(3.0)
    assert get() == 503
    machine.wall -= step  # it was set right
    assert get() == 200


STEPS = [(-600.0, "503"), (600.0, "503"), (0.1, "200"), (0.0, "200")]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("step", "status"), STEPS)
def test_what_was_decided_while_the_clock_was_set_is_not_told(
    machine: Machine, step: float, status: str, method: str
) -> None:
    """By which clock is not known. What was opened is closed, and nobody is told to do it twice."""
    told, closed = [], mock.Mock()

    class Answer(list[bytes]):
        close = closed

    def inner(environ: dict[str, object], start: Callable[..., object]) -> list[bytes]:
        machine.wall += step
        start("200 OK", [("X-Said", "yes")])
        return Answer(ANSWER)

    guarded = RightClock(inner, Clock(wall=lambda: machine.wall, steady=lambda: machine.steady))
    asked = {"PATH_INFO": "/oauth2/token", "REQUEST_METHOD": method}
    body = guarded(asked, lambda *given: told.append(given))
    assert [given[0][:3] for given in told] == [status]
    assert (b"".join(body) == b"".join(ANSWER)) is (status == "200") is (not closed.called)
    assert (("X-Said", "yes") in told[0][1]) is (status == "200")
    assert ("Retry-After" in dict(told[0][1])) is (status == "503" and method == "GET")
    if status == "503":
        assert json.loads(b"".join(body))["code"] == ("clock_off" if method == "GET" else "clock_set")


def test_a_thread_that_is_set_aside_has_set_no_clock(machine: Machine) -> None:
    """Between the two readings: both clocks went on alike."""
    aside: list[float] = []

    def wall() -> float:
        found = machine.wall
        if aside:
            machine.passes(aside.pop())
        return found

    def inner(environ: dict[str, object], start: Callable[..., object]) -> list[bytes]:
        aside.append(0.5)
        start("201 Created", [])
        return ANSWER

    told: list[str] = []
    guarded = RightClock(inner, Clock(wall=wall, steady=lambda: machine.steady))
    guarded({"PATH_INFO": "/x", "REQUEST_METHOD": "POST"}, lambda *given: told.append(given[0]))
    assert told == ["201 Created"]


def test_no_line_of_a_request_says_who_asked_before(machine: Machine, get: Callable[..., int]) -> None:
    bind_contextvars(actor="user:of-another")
    assert get("/livez") == 200
    assert not get_contextvars()


def test_a_clock_that_was_wrong_from_the_beginning(machine: Machine, get: Callable[..., int]) -> None:
    machine.wall -= 5.0
    assert get() == 503


def test_a_clock_that_drifts_is_found_within_a_minute(machine: Machine, get: Callable[..., int]) -> None:
    assert get() == 200
    for _ in range(61):
        machine.passes(1.0)
        machine.wall += 0.02
        status = get()
    assert status == 503


def test_without_the_database_a_step_is_refused_and_a_steady_clock_is_not(
    machine: Machine, get: Callable[..., int]
) -> None:
    assert get() == 200
    machine.away = True
    machine.passes(120.0)
    assert get() == 200
    machine.wall -= 600.0
    assert get() == 503


@pytest.mark.parametrize("right_before", [True, False])
def test_a_clock_that_was_found_wrong_stays_so_while_the_database_is_away(
    machine: Machine, get: Callable[..., int], right_before: bool
) -> None:
    assert not right_before or get() == 200
    machine.wall += 600.0
    assert get() == 503
    machine.away = True
    for _ in range(3):
        machine.passes(30.0)
        assert get() == 503
    machine.away = False
    machine.wall -= 600.0
    assert get() == 200


def test_a_question_that_took_long_makes_no_wrong_clock_right(
    machine: Machine, get: Callable[..., int]
) -> None:
    """As when it waited for a connection: the database's moment may be any of those seconds."""
    machine.wall -= 5.0
    machine.slow = [6.0]
    assert get() == 503
    assert machine.asked == 2
    machine.passes(2.0)
    machine.slow = [6.0, 6.0]
    assert get() == 503, "as it was found"
    machine.wall += 5.0
    machine.slow = [6.0]
    assert get() == 200


def test_who_waited_for_a_comparison_takes_what_it_found(machine: Machine) -> None:
    """One question while the database is away, and not one of each thread after the other."""
    machine.away = True
    over = threading.Event()

    def hangs() -> float:
        over.wait()
        return machine.ask()

    inner = mock.Mock(side_effect=lambda environ, start: start("200 OK", []) or ANSWER)
    guarded = RightClock(inner, Clock(wall=lambda: machine.wall, steady=lambda: machine.steady))
    with mock.patch.object(clock, "_database_clock", hangs):
        threads = [
            threading.Thread(target=guarded, args=[{"PATH_INFO": "/x"}, mock.Mock()]) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        over.set()
        for thread in threads:
            thread.join()
    assert (machine.asked, inner.call_count) == (1, 8)


def test_nobody_waits_long_for_anothers_comparison(machine: Machine, get: Callable[..., int]) -> None:
    assert get() == 200
    machine.wall += 600.0
    held, over = threading.Event(), threading.Event()

    def hangs() -> float:
        held.set()
        over.wait()
        return machine.database

    with (
        mock.patch.object(clock, "_database_clock", hangs),
        mock.patch.object(clock, "WAITS", 0.01),
    ):
        first = threading.Thread(target=get)
        first.start()
        held.wait()
        assert get() == 503
        over.set()
        first.join()


def test_limits_are_given_and_an_addresss_own_stand() -> None:
    told = {"NAME": "iam", "OPTIONS": {"connect_timeout": "9", "options": "-c role=iam_web"}}
    made = connecting.bounded(told, pooled=False)["OPTIONS"]
    assert made["connect_timeout"] == "9"
    assert made["tcp_user_timeout"] == 8_000
    assert made["options"].endswith("-c role=iam_web")
    assert "idle_in_transaction_session_timeout" in made["options"]
    assert "-c jit=off" in made["options"]
    assert connecting.bounded({"NAME": "iam"}, pooled=True)["OPTIONS"].get("options") is None


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
@pytest.mark.parametrize("path", ["/iam/application-management/v1/x", "/t/acme/"])
def test_a_database_that_is_away_is_said_so(error: type[Exception], path: str) -> None:
    """As what passes, without a word of the driver's."""
    request = RequestFactory().get(path)
    try:
        raise error("password of iam_web at 10.0.0.1")
    except error:
        answer = pages.server_error(request)
    assert answer.status_code == 503
    assert answer["Retry-After"] == "2"
    assert b"10.0.0.1" not in answer.content
    if path.startswith("/iam"):
        assert json.loads(answer.content)["code"] == "unavailable"


def test_any_other_failure_stays_one() -> None:
    request = RequestFactory().get("/iam/x")
    try:
        raise ValueError
    except ValueError:
        assert pages.server_error(request).status_code == 500
