"""Whoever floods, hangs or sends oddly is held up alone (iam_portal.admission, docs/limits.md)."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import pytest
from structlog.contextvars import bind_contextvars

from iam_portal import limits
from iam_portal.admission import Admission, InTurn, Rates, Refused, Turns, callers, is_of
from iam_portal.admission.door import LONGEST_ADDRESS

UNLIMITED = {"caller": 0, "tenant": 0, "tokens": 0}


class Hall:
    """An app whose requests stay until they are let go."""

    def __init__(self, *, running: int = 2, threads: int = 16, longest: float = 5, **rates: float) -> None:
        self.go = {name: threading.Event() for name in ("acme", "globex", "initech")}
        self.inside: list[str] = []
        self.turns = Turns(running=running, longest=longest)
        inside = InTurn(self._app, self.turns)
        self.door = Admission(inside, threads=threads, rates=Rates(**{**UNLIMITED, **rates}))
        self.places = self.door._places
        self.answers: list[tuple[str, str]] = []

    def _app(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        who = environ["HTTP_AUTHORIZATION"].split()[1].strip("0123456789")
        if environ["PATH_INFO"] == "/iam/slow":
            self.inside.append(who)
            assert self.go[who].wait(10)
        is_of(environ, who)
        start_response("200 OK", [])
        return [environ["wsgi.input"].read()]

    def ask(self, who: str, path: str = "/iam/quick", **environ: Any) -> tuple[str, dict[str, str], bytes]:
        told: list[Any] = []
        asked = {"PATH_INFO": path, "REMOTE_ADDR": "192.0.2.1", "wsgi.input": BytesIO(), **environ}
        asked.setdefault("HTTP_AUTHORIZATION", f"Bearer {who}")
        body = self.door(asked, lambda status, headers: told.extend((status, dict(headers))))
        self.answers.append((who, told[0][:3]))
        return told[0][:3], told[1], b"".join(body)

    @contextmanager
    def flooded(self, who: str, number: int) -> Iterator[list[threading.Thread]]:
        """So many requests of one tenant, none of which ends by itself."""
        self.ask(who)  # known from now on
        before = self.places.held
        sent = [threading.Thread(target=self.ask, args=(who, "/iam/slow")) for _ in range(number)]
        for each in sent:
            each.start()
        until(lambda: self.places.held - before + len(self.refused(who)) == number)
        try:
            yield sent
        finally:
            self.go[who].set()
            for each in sent:
                each.join(10)

    def refused(self, who: str) -> list[str]:
        return [status for name, status in self.answers if name == who and status != "200"]


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_one_who_hangs_keeps_nobody_else_from_being_served() -> None:
    hall = Hall()
    hall.ask("globex")
    with hall.flooded("acme", 8):
        until(lambda: len(hall.inside) == 2)
        assert [hall.ask("globex")[0] for _ in range(20)] == ["200"] * 20
        assert hall.inside == ["acme", "acme"]  # no more of them run
    assert len(hall.inside) == 8
    assert not hall.refused("acme")  # they waited for their turn, and had it


def test_a_flood_is_refused_with_the_wait_and_leaves_places() -> None:
    hall = Hall(threads=16)
    hall.ask("globex")
    with hall.flooded("acme", 20):
        assert hall.places.held == 12  # a fourth of the threads is kept for others
        assert hall.refused("acme") == ["429"] * 8
        assert hall.ask("globex")[0] == "200"
        status, headers, body = hall.ask("acme", "/iam/access-management/v1/tenants/x/users")
        assert (status, headers["Retry-After"], headers["Connection"]) == ("429", "1", "close")
        assert json.loads(body)["code"] == "tenant_busy"
        assert json.loads(body)["retryAfter"] == 1
    assert hall.places.held == hall.turns._running == 0
    assert hall.ask("acme")[0] == "200"


def test_alone_nobody_waits_for_places_that_others_could_need() -> None:
    hall = Hall(threads=64)
    with hall.flooded("acme", 40):
        assert not hall.refused("acme")


def test_turns_go_round_the_tenants() -> None:
    """Who asked once is not behind all that a flood asked before."""
    hall = Hall(running=1)
    hall.ask("globex"), hall.ask("initech")
    with hall.flooded("acme", 6), hall.flooded("globex", 3):
        until(lambda: hall.inside == ["acme", "globex"])  # of each, one runs beside
        hall.go["acme"].set()
        hall.go["globex"].set()
    assert hall.inside.index("globex") == 1
    assert sorted(hall.inside) == ["acme"] * 6 + ["globex"] * 3


def test_who_waits_too_long_is_told_so() -> None:
    hall = Hall(longest=0.05)
    with hall.flooded("acme", 2):
        status, headers, body = hall.ask("acme")
        assert (status, headers["Retry-After"]) == ("503", "5")
        assert json.loads(body)["code"] == "portal_busy"
    assert hall.ask("acme")[0] == "200"
    assert hall.places.held == hall.turns._running == 0


def test_made_up_names_win_no_places() -> None:
    """Whoever nobody has vouched for waits with all others of his kind."""
    hall = Hall(threads=16)
    hall.ask("globex")
    names = [f"acme{number}" for number in range(20)]
    sent = [threading.Thread(target=hall.ask, args=(name, "/iam/slow")) for name in names]
    for each in sent:
        each.start()
    until(lambda: hall.places.held + sum(1 for _, status in hall.answers if status == "429") == 20)
    assert hall.places.held == 12
    assert hall.ask("globex")[0] == "200"
    hall.go["acme"].set()
    for each in sent:
        each.join(10)


class Pages:
    """An app whose right sessions are of ``acme-id`` and ``globex-id``, and which tells who waited."""

    def __init__(self, **rates: float) -> None:
        self.seen: list[str] = []
        self.turns = Turns(running=2, longest=1)
        rate = Rates(**{**UNLIMITED, **rates}, clock=lambda: 100.0)
        self.door = Admission(InTurn(self._app, self.turns), threads=8, rates=rate)

    def _app(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        self.seen.append(next(iter(self.turns._run)))
        for name in ("acme", "globex"):
            right = f"iam_session_{name}id=right" in environ.get("HTTP_COOKIE", "")
            right |= environ.get("HTTP_AUTHORIZATION", "").lower().startswith(f"bearer {name}")
            if right and f"/{name}" in environ["PATH_INFO"]:
                is_of(environ, f"{name}-id")
        start_response("200 OK", [])
        return []

    def ask(self, cookie: str, address: str = "192.0.2.1", path: str = "/t/acme/users", **more: str) -> str:
        """Who waited; the status instead, where nobody did."""
        told: list[str] = []
        environ = {"PATH_INFO": path, "REMOTE_ADDR": address, "HTTP_COOKIE": cookie, **more}
        self.door(environ, lambda status, headers: told.append(status))
        return self.seen[-1] if told[0].startswith("200") else told[0][:3]


def test_a_person_is_known_by_the_session_and_by_the_place() -> None:
    """A made-up session is a stranger's, and so is another's page from an address that nobody came from."""
    ask = Pages().ask
    assert ask("a=b; iam_session_acmeid=right; c=d", "192.0.2.1") == "-"
    assert ask("a=e; iam_session_acmeid=right", "192.0.2.9") == "acme-id"  # the same person, elsewhere
    assert ask("", "192.0.2.1", "/t/acme/sign-in") == "acme-id"  # from where one of them came
    assert ask("", "192.0.2.1", "/t/globex/sign-in") == "-"
    assert ask("", "192.0.2.2", "/t/acme/sign-in") == "-"
    assert ask("iam_session_acmeid=wrong", "192.0.2.2") == "-"
    assert ask("iam_session_globexid=right", "192.0.2.2", "/t/globex/users") == "-"
    both = (
        "iam_session_acmeid=right; iam_session_globexid=right"  # who is in two waits as the one of the page
    )
    assert ask(both, "192.0.2.3", "/t/globex/users") == "globex-id"
    assert ask(both, "192.0.2.3", "/t/acme/users") == "acme-id"


def test_no_spelling_makes_a_caller_anew() -> None:
    """Neither of a cookie beside the right one, nor of the right one, nor of a header that no page reads."""
    pages = Pages(caller=1)
    right = "iam_session_acmeid=right"
    assert pages.ask(right) == "-"
    spelled: list[dict[str, str]] = [{"cookie": f"iam_session_{number}=x; {right}"} for number in range(8)]
    spelled += [{"cookie": 'iam_session_acmeid="right"'}, {"cookie": f"iam_session_acmeid=x; {right}"}]
    spelled += [{"cookie": f"{right};a={number}", "address": f"192.0.2.{number}"} for number in range(5)]
    spelled += [{"cookie": right, "HTTP_AUTHORIZATION": f"Bearer {number}"} for number in range(5)]
    assert [pages.ask(**each) for each in spelled] == ["acme-id"] * 20  # what is saved in 20 seconds
    assert [pages.ask(**each) for each in spelled] == ["429"] * 20
    assert len(pages.door._known) == 2  # the session and the place


@pytest.mark.parametrize("spelled", ["basic YTpz", "BASIC   YTpz", "Basic JTYxOnM=", "bAsIc YTpz "])
def test_credentials_are_known_in_any_spelling(spelled: str) -> None:
    right, other = ({"PATH_INFO": "/", "HTTP_AUTHORIZATION": f"Basic {text}"} for text in ("YTpz", "YTp0"))
    word = callers.read({**right, "HTTP_AUTHORIZATION": spelled}).credentials
    assert word == callers.read(right).credentials
    assert word != callers.read(other).credentials
    assert callers.read({**right, "HTTP_AUTHORIZATION": "Basic ###"}).credentials is None  # nobody's


def test_new_tokens_take_from_the_rate_of_their_tenant() -> None:
    """Each is a stranger's at first; whose it was is known afterwards."""
    pages = Pages(tenant=1)
    path = "/iam/tenants/acme/users"
    for number in range(40):
        assert pages.ask("", path=path, HTTP_AUTHORIZATION=f"Bearer acme{number}") == "-"
    assert pages.ask("", path=path, HTTP_AUTHORIZATION="Bearer acme1") == "429"


def test_who_always_comes_with_new_words_pushes_out_his_own() -> None:
    known = callers.Known(10)
    known.learn(["of globex", "of initech"], "globex")
    for number in range(50):
        known.learn([f"word {number}"], "acme")
    assert len(known) == 10
    assert known.find("of globex") == known.find("of initech") == "globex"
    known.find("word 42")
    known.learn(["another"], "acme")
    assert (known.find("word 42"), known.find("word 43")) == ("acme", None)  # used last, stays
    known.learn(["word 42"], "globex")
    assert known.find("word 42") == "globex"


def test_probes_and_style_answer_in_any_flood() -> None:
    hall = Hall(threads=4)
    with hall.flooded("acme", 8):
        for path in ("/livez", "/readyz", "/metrics", "/static/portal.css"):
            assert hall.ask("initech", path)[0] == "200"


def test_only_a_probe_itself_passes_the_limits() -> None:
    hall = Hall(threads=4)
    with hall.flooded("acme", 8):
        for path in ("/readyzzz", "/readyz/", "/metrics/x", "/livez.", "/x/static/"):
            assert hall.ask("acme", path)[0] == "429", path


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


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({"CONTENT_LENGTH": "9", "wsgi.input": BytesIO(b"half")}, "400", "broken_body"),
        ({"CONTENT_LENGTH": "9", "HTTP_CONTENT_ENCODING": "gzip"}, "415", "encoded_body"),
        ({"CONTENT_LENGTH": "9x"}, "411", "unknown_length"),
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, "411", "unknown_length"),
        ({"QUERY_STRING": "a" * LONGEST_ADDRESS}, "414", "long_address"),
    ],
)
def test_what_no_door_takes_is_not_even_read(sent: dict[str, Any], status: str, code: str) -> None:
    said, _, body = Hall().ask("acme", **sent)
    assert (said, json.loads(body)["code"]) == (status, code)


def test_a_refusal_speaks_as_its_door() -> None:
    odd = {"HTTP_TRANSFER_ENCODING": "chunked"}
    _, headers, body = Hall().ask("acme", "/iam/auth/realms/x/protocol/openid-connect/token", **odd)
    assert headers["Content-Type"] == "application/json;charset=UTF-8"
    assert json.loads(body)["error"] == "invalid_request"
    for page in ("/t/acme/users", "/t/acme/access/token", "/t/acme/access/grants/x/revoke"):
        assert Hall().ask("acme", page, **odd)[1]["Content-Type"].startswith("text/plain"), page


def test_a_page_that_ends_like_a_door_of_oauth_has_the_rate_of_pages() -> None:
    hall = Hall(caller=1)
    assert [hall.ask("acme", "/t/acme/access/token")[0] for _ in range(22)] == ["200"] * 21 + ["429"]
    assert hall.ask("acme", "/iam/auth/realms/x/protocol/openid-connect/token")[0] == "200"


def test_rates_are_of_the_caller_and_of_the_tenant() -> None:
    now = [100.0]
    rates = Rates(caller=1, tenant=2, tokens=0, clock=lambda: now[0])
    for _ in range(20):  # saved in 20 seconds
        rates.take("acme", "first", tokens=False)
    with pytest.raises(Refused) as refused:
        rates.take("acme", "first", tokens=False)
    assert (refused.value.limit, refused.value.wait) == ("caller_rate", 1)
    for caller in ("second", "third"):
        for _ in range(10):
            rates.take("acme", caller, tokens=False)
    with pytest.raises(Refused) as refused:  # of all together
        rates.take("acme", "third", tokens=False)
    assert refused.value.limit == "tenant_rate"
    rates.take("globex", "neighbour", tokens=False)
    rates.take("acme", "first", tokens=True)  # no limit there
    now[0] += refused.value.wait
    rates.take("acme", "third", tokens=False)  # the wait that was told was true


def test_a_limit_that_refuses_is_counted_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    limits.forget()
    bind_contextvars(actor="user:of-another", tenant="of-another", request_id="of-another")  # asked before
    before = limits.REFUSED.labels(limit="encoded_body")._value.get()
    secret = "Basic c2VjcmV0OnNlY3JldA=="
    for _ in range(3):
        Hall().ask("acme", HTTP_CONTENT_ENCODING="gzip", HTTP_AUTHORIZATION=secret, QUERY_STRING="token=abc")
    assert limits.REFUSED.labels(limit="encoded_body")._value.get() == before + 3
    lines = [record.getMessage() for record in caplog.records if record.name == "iam.limits"]
    assert len(lines) == 1
    assert "encoded_body" in lines[0]
    assert not any(word in lines[0] for word in ("c2Vjc", "abc", "of-another"))
