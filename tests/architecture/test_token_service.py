"""The token service as a server of HTTP: what it answers, what it refuses, and what it never mixes up."""

import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iam_portal import apart
from iam_portal.live import wire
from iam_portal.token_service import requests, server
from tests.support.tokened import Tokened, rest, soon, tokened

DOOR = "/realms/acme/protocol/openid-connect/token"
HEAD = f"POST {DOOR} HTTP/1.1\r\nHost: a\r\n"
SLOWLY = threading.Event()


def echo(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    """What it was asked, in the thread or apart."""
    body = environ["wsgi.input"].read()
    if body.startswith(b"apart"):
        body = apart.done(lambda: body + threading.current_thread().name.encode())
    if body.startswith(b"slow"):
        apart.done(lambda: SLOWLY.wait(10))
    if body.startswith(b"broken"):
        raise RuntimeError("secret-of-the-test")
    if body.startswith(b"silent"):
        return [b""]
    if body.startswith(b"empty"):
        start("204 No Content", [])
        return [b""]
    if body.startswith(b"split"):
        start("200 OK", [("X-A", "b\r\nSet-Cookie: c")])
        return [b""]
    headers = [("Content-Type", "text/plain"), ("X-Path", environ["PATH_INFO"])]
    headers.append(("X-Seen", environ.get("HTTP_X_FORWARDED_FOR", "-")))
    headers += [("Connection", "close")] if body.startswith(b"last") else []
    start("200 OK", headers)
    return [environ["REQUEST_METHOD"].encode(), b" ", body]


@pytest.fixture(scope="module")
def here() -> Iterator[Tokened]:
    with tokened(echo) as found:
        yield found


@pytest.fixture(autouse=True)
def forgotten() -> None:
    SLOWLY.clear()


def post(body: bytes = b"", *, more: str = "", last: bool = True) -> bytes:
    close = "Connection: close\r\n" if last else ""
    return f"{HEAD}{more}{close}Content-Length: {len(body)}\r\n\r\n".encode() + body


def bodies(said: bytes) -> list[bytes]:
    """Of all answers one after the other; AssertionError where something stands between them."""
    found = []
    while said:
        head, end, said = said.partition(b"\r\n\r\n")
        assert end and head.startswith(b"HTTP/1.1 200 OK\r\n"), head
        length = int(re.search(rb"Content-Length: (\d+)", head)[1])  # type: ignore[index]
        found.append(said[:length])
        said = said[length:]
    return found


def status(said: bytes) -> int:
    return int(said.split(b" ", 2)[1])


def test_requests_follow_each_other_on_one_connection(here: Tokened) -> None:
    with here.connect() as line:
        for number in range(3):
            line.sendall(post(b"%d" % number, last=False))
            time.sleep(0.05)
        line.sendall(post(b"end"))
        assert bodies(rest(line)) == [b"POST 0", b"POST 1", b"POST 2", b"POST end"]


def test_what_is_sent_at_once_is_answered_in_its_order(here: Tokened) -> None:
    """A thousand, some of which wait for a thread: none stands on the one before."""
    asked = [b"apart " if number % 7 == 0 else b"%d" % number for number in range(1000)]
    sent = b"".join(post(body, last=False) for body in asked) + post(b"end")
    with here.connect() as line, ThreadPoolExecutor(1) as beside:
        beside.submit(line.sendall, sent)
        found = bodies(rest(line))
    assert len(found) == 1001
    for body, said in zip(asked, found, strict=False):
        assert said.startswith(b"POST " + body)
        assert (b"request" in said) == body.startswith(b"apart")


@settings(max_examples=60, deadline=None)
@given(
    pieces=st.lists(
        st.binary(max_size=40).filter(lambda b: not b.startswith((b"s", b"b", b"l", b"a", b"e"))), max_size=5
    ),
    cuts=st.lists(st.integers(1, 400), max_size=8),
)
def test_however_it_is_cut_into_pieces_it_is_the_same(
    here: Tokened, pieces: list[bytes], cuts: list[int]
) -> None:
    sent = b"".join(post(body, last=False) for body in pieces) + post(b"end")
    parts, begin = [], 0
    for cut in sorted(set(cuts)):
        parts.append(sent[begin:cut])
        begin = max(begin, min(cut, len(sent)))
    parts.append(sent[begin:])
    assert bodies(here.say(*parts)) == [b"POST " + body for body in (*pieces, b"end")]


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=300),
        st.builds(
            lambda method, path, field: f"{method} {path} HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n".encode(),
            st.sampled_from(["POST", "GET", "post", "TRACE", "PO ST"]),
            st.sampled_from([DOOR, "/", "*", "http://b" + DOOR, "//token", DOOR + "%0d%0aX:1"]),
            st.text(max_size=60),
        ),
    )
)
def test_what_is_no_request_is_refused_or_answered_and_never_hangs(here: Tokened, sent: bytes) -> None:
    with here.connect() as line:
        line.sendall(sent)
        line.shutdown(1)
        said = rest(line)
    assert said == b"" or 200 <= status(said) < 500
    assert bodies(here.say(post(b"and"))) == [b"POST and"]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (b"POST /applications HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (f"GET {DOOR} HTTP/1.1\r\nHost: a\r\n\r\n".encode(), 405),
        (b"POST /t/acme/token HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (f"POST {DOOR} HTTP/1.1\r\n\r\n".encode(), 400),  # without a host
        (f"{HEAD}Host: b\r\n\r\n".encode(), 400),
        (f"{HEAD}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc".encode(), 400),
        (f"{HEAD}Content-Length: +3\r\n\r\nabc".encode(), 400),
        (f"{HEAD}Content-Length: 3, 3\r\n\r\nabc".encode(), 400),
        (f"{HEAD}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".encode(), 400),
        (f"{HEAD}Transfer-Encoding: identity\r\nContent-Length: 3\r\n\r\nabc".encode(), 400),
        (f"{HEAD}Authorization: a\r\nAuthorization: b\r\n\r\n".encode(), 400),
        (f"{HEAD}X : a\r\n\r\n".encode(), 400),
        (f"{HEAD}X: a\r\n folded\r\n\r\n".encode(), 400),
        (f"{HEAD}X: a\nY: b\r\n\r\n".encode(), 400),
        (f"{HEAD}Content-Length: {requests.MOST_BODY + 1}\r\n\r\n".encode(), 413),
        (f"{HEAD}X: {'a' * wire.MOST_BYTES}\r\n\r\n".encode(), 431),
        (HEAD.encode() + b"X: 1\r\n" * 101 + b"\r\n", 400),
        (post(b"broken"), 500),
        (post(b"split"), 500),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused_and_the_connection_ends(
    here: Tokened, said: bytes, expected: int
) -> None:
    found = here.say(said + post(b"behind"))
    assert status(found) == expected
    assert found.count(b"HTTP/1.1") == 1 and b"behind" not in found
    assert b"Connection: close" in found and b"Cache-Control: no-store" in found
    assert b"secret-of-the-test" not in found and b"Set-Cookie" not in found


def test_a_field_by_another_spelling_is_none(here: Tokened) -> None:
    said = here.say(post(more="X_Forwarded_For: 192.0.2.1\r\n"))
    assert b"X-Seen: -\r\n" in said


def test_the_connection_ends_where_either_side_says_so(here: Tokened) -> None:
    assert here.say(post(b"last", last=False)).count(b"HTTP/1.1 200") == 1
    assert here.say(f"POST {DOOR} HTTP/1.0\r\n\r\n".encode()).count(b"HTTP/1.1 200") == 1


def test_who_says_no_status_has_not_that_of_the_request_before(here: Tokened) -> None:
    said = here.say(post(b"one", last=False) + post(b"silent", last=False))
    assert said.count(b"HTTP/1.1 200") == 1 and said.count(b"HTTP/1.1 500") == 1


def test_what_has_no_body_has_no_length(here: Tokened) -> None:
    said = here.say(post(b"empty", last=False) + post(b"end"))
    head, _, rest_of_it = said.partition(b"\r\n\r\n")
    assert b"Content-Length" not in head
    assert bodies(rest_of_it) == [b"POST end"]


def test_who_asks_whether_to_go_on_is_told_so(here: Tokened) -> None:
    with here.connect() as line:
        line.sendall(f"{HEAD}Expect: 100-continue\r\nConnection: close\r\nContent-Length: 3\r\n\r\n".encode())
        assert line.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        line.sendall(b"abc")
        assert bodies(rest(line)) == [b"POST abc"]


def test_an_answer_to_head_has_no_body(here: Tokened) -> None:
    said = here.say(b"HEAD /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert status(said) == 200 and said.endswith(b"\r\n\r\n")


def test_who_waits_keeps_nobody_else_waiting(here: Tokened) -> None:
    with ThreadPoolExecutor(8) as others:
        slow = [others.submit(here.say, post(b"slow")) for _ in range(8)]
        try:
            for _ in range(20):
                assert bodies(here.say(post(b"quick"))) == [b"POST quick"]
            assert not any(each.done() for each in slow)
        finally:
            SLOWLY.set()
        assert [bodies(each.result()) for each in slow] == [[b"POST slow"]] * 8


def test_who_goes_away_meanwhile_does_no_harm(here: Tokened) -> None:
    for _ in range(5):
        with here.connect() as line:
            line.sendall(post(b"slow"))
    SLOWLY.set()
    assert bodies(here.say(post(b"quick"))) == [b"POST quick"]


def test_who_sends_or_takes_nothing_is_let_go_of(here: Tokened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "OWED_SECONDS", 0.3)
    with here.connect() as half, here.connect() as idle:
        half.sendall(HEAD.encode())
        began = time.monotonic()
        assert rest(half) == b"" and time.monotonic() - began < 10
        idle.sendall(post())  # one that owes nothing is still there
        assert status(rest(idle)) == 200
    monkeypatch.setattr(server, "IDLE_SECONDS", 0.3)
    with here.connect() as idle:
        assert rest(idle) == b""


def test_who_reads_no_answers_gets_no_more_of_them(here: Tokened) -> None:
    """Of sixty megabytes that would be asked for, little lies in the process."""
    body = b"x" * 60_000
    with here.connect() as line:
        line.settimeout(0.5)
        sent = 0
        with pytest.raises(TimeoutError):
            for _ in range(1000):
                line.sendall(post(body, last=False))
                sent += 1
        (held,) = [each for each in here.service.connections if each._is_full]
        assert held.transport.get_write_buffer_size() < 300_000
        assert len(held._buffer) < 400_000


def test_one_more_than_there_is_room_for_is_told_so() -> None:
    with tokened(echo, most=2) as here, here.connect() as one, here.connect() as other:
        one.sendall(post(b"1", last=False))
        other.sendall(post(b"2", last=False))
        assert one.recv(1000) and other.recv(1000)
        said = here.say()
        assert status(said) == 503 and b"Retry-After: 5" in said
        one.close()
        assert soon(lambda: status(here.say(post())) == 200)


def test_whoever_is_answered_gets_it_before_the_service_ends() -> None:
    with ThreadPoolExecutor(2) as others:
        with tokened(echo) as here, here.connect() as idle:
            idle.sendall(post(b"1", last=False))
            assert idle.recv(1000)
            half = others.submit(here.say, f"{HEAD}Content-Length: 3\r\n\r\n".encode(), b"", b"abc")
            slow = others.submit(here.say, post(b"slow", last=False))
            assert soon(lambda: any(each.is_answering for each in here.service.connections))
            threading.Timer(0.3, SLOWLY.set).start()
        said = slow.result()
        assert bodies(half.result()) == [b"POST abc"]
    assert bodies(said) == [b"POST slow"] and b"Connection: close" in said
