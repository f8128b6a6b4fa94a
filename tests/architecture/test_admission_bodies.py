"""Bodies on their way in, and answers on their way out, keep no turn (iam_portal.admission)."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from io import BytesIO
from typing import Any
from unittest.mock import Mock

import pytest
from structlog.contextvars import bind_contextvars, get_contextvars

from iam_portal import bodies
from iam_portal.admission import Admission, InTurn, Rates, Refused, Turns
from iam_portal.admission.door import LONGEST_ADDRESS
from iam_portal.admission.reading import LONGEST_READ, Unread
from tests.support.hall import UNLIMITED, Hall, until


def test_slow_bodies_keep_no_turn_and_few_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iam_portal.admission.reading.SLOW", 0.01)
    hall = Hall(threads=16)
    arrived = threading.Event()

    class Slow:
        def read(self, size: int) -> bytes:
            assert arrived.wait(10)
            return b"x" * size

    slow: dict[str, Any] = {"CONTENT_LENGTH": "5", "wsgi.input": Slow()}
    sent = [threading.Thread(target=hall.ask, args=("acme",), kwargs=slow) for _ in range(2)]
    for each in sent:
        each.start()
    until(lambda: hall.door._unread._slow_of_all(time.monotonic()) == 2)
    assert hall.turns._running == 0
    status, headers, body = hall.ask("acme", **slow)
    assert (status, json.loads(body)["code"], headers["Retry-After"]) == ("503", "unread_bodies", "5")
    quick = {"CONTENT_LENGTH": "2", "wsgi.input": BytesIO(b"ab"), "REMOTE_ADDR": "192.0.2.2"}
    assert hall.ask("acme", **quick)[2] == b"ab"
    arrived.set()
    for each in sent:
        each.join(10)
    assert not hall.door._unread._begun


@pytest.mark.parametrize("length", [LONGEST_READ, LONGEST_READ + 1, 3 * LONGEST_READ])
def test_no_body_is_waited_for_in_a_turn(length: int) -> None:
    """Of whatever size, of whomever: two that trickle would keep out all others of their kind."""
    hall = Hall()

    class Trickling(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            assert hall.turns._running == 0
            return super().read(size if length <= LONGEST_READ else 10_000)

    sent = {"CONTENT_LENGTH": str(length), "wsgi.input": Trickling(b"x" * length)}
    assert hall.ask("acme", **sent)[2] == b"x" * length
    assert not hall.door._unread._large
    half = {"CONTENT_LENGTH": str(length), "wsgi.input": Trickling(b"x" * (length - 1))}
    assert json.loads(hall.ask("acme", **half)[2])["code"] == "broken_body"
    assert not hall.door._unread._large


def test_a_refusal_is_not_told_of_who_was_served_before() -> None:
    """Its line in the log: the thread served somebody else last."""
    hall = Hall()
    for sent in ({"CONTENT_LENGTH": "5", "wsgi.input": BytesIO(b"x")}, {"CONTENT_LENGTH": "five"}):
        bind_contextvars(actor="user:ann", tenant="acme", request_id="r-1")
        assert hall.ask("globex", **sent)[0] in ("400", "411")
        assert get_contextvars() == {}


def test_large_bodies_leave_room_for_those_of_others() -> None:
    unread = Unread(threads=64)

    def held(whose: str, *, stranger: bool, most: int) -> None:
        for _ in range(most):
            files.enter_context(unread.large(whose, stranger=stranger))
        with pytest.raises(Refused) as refused, unread.large(whose, stranger=stranger):
            pass
        assert refused.value.limit == "unread_bodies"

    with ExitStack() as files:
        held("192.0.2.1", stranger=True, most=4)
        held("192.0.2.2", stranger=True, most=4)
        held("192.0.2.3", stranger=True, most=0)
        held("acme", stranger=False, most=8)
        held("globex", stranger=False, most=0)
    assert not unread._large


def test_without_room_for_a_file_a_body_comes_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iam_portal.admission.reading.TemporaryFile", Mock(side_effect=OSError(28, "full")))
    large = {"CONTENT_LENGTH": "70000", "wsgi.input": BytesIO(b"x" * 70_000)}
    status, headers, _ = Hall().ask("acme", **large)
    assert (status, headers["Retry-After"]) == ("503", "5")


class Export:
    """An answer that is sent while it is made."""

    streaming = True

    def __init__(self) -> None:
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return iter([b"a", b"b"])

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize("ends", ["closed", "forgotten"])
def test_what_is_still_sent_keeps_its_place_and_no_turn(ends: str) -> None:
    export, turns = Export(), Turns(running=2, longest=1)
    door = Admission(InTurn(lambda *_: export, turns), threads=8, rates=Rates(**UNLIMITED))
    answer: Any = door({"PATH_INFO": "/t/acme/users"}, lambda *_: None)
    assert (door._places.held, turns._running) == (1, 0)
    assert list(answer) == [b"a", b"b"]
    assert door._places.held == 1
    if ends == "closed":
        answer.close(), answer.close()
        assert export.closed == 2
    del answer
    assert door._places.held == 0


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({"CONTENT_LENGTH": "9", "wsgi.input": BytesIO(b"half")}, "400", "broken_body"),
        ({"CONTENT_LENGTH": "9", "HTTP_CONTENT_ENCODING": "gzip"}, "415", "encoded_body"),
        ({"CONTENT_LENGTH": "9x"}, "411", "unknown_length"),
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, "411", "unknown_length"),
        ({"CONTENT_LENGTH": str(bodies.LARGEST + 1)}, "413", "too_large"),
        ({"QUERY_STRING": "a" * LONGEST_ADDRESS}, "414", "long_address"),
    ],
)
def test_what_no_door_takes_is_not_even_read(sent: dict[str, Any], status: str, code: str) -> None:
    said, _, body = Hall().ask("acme", **sent)
    assert (said, json.loads(body)["code"]) == (status, code)
