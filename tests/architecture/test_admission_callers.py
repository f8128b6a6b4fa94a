"""Whose a request is, before anything is proved (iam_portal.admission.callers)."""

from collections.abc import Callable
from typing import Any

import pytest

from iam_portal.admission import GIVEN, Admission, InTurn, Rates, Turns, callers, is_of
from tests.support.hall import UNLIMITED


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
        self.door(environ, lambda status, headers, *_: told.append(status))
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
    word = callers.read({**right, "HTTP_AUTHORIZATION": spelled}).other
    assert word == callers.read(right).other
    assert word != callers.read(other).other
    assert callers.read({**right, "HTTP_AUTHORIZATION": "Basic ###"}).is_place  # nobody's


@pytest.mark.parametrize("header", ["", "Basic YTpz", "bAsIc JTYxOnM=", "Basic ###", "Bearer t", "Digest x"])
def test_the_doors_behind_read_the_credentials_of_the_header(header: str) -> None:
    """What is handed on is what they would read themselves; nobody else can have put it there."""
    seen = []
    door = Admission(
        lambda environ, start: seen.append(environ[GIVEN]) or [],  # type: ignore[func-returns-value]
        threads=8,
        rates=Rates(caller=0, tenant=0, tokens=0),
    )
    environ = {"PATH_INFO": "/token", "HTTP_AUTHORIZATION": header, GIVEN: callers.Credentials("a", "x")}
    assert door(environ, lambda *_: None) == []
    assert seen == [callers.basic(header)]


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
