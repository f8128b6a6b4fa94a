"""Whoever reads slowly keeps few threads, and not for ever (iam_portal.admission.streamed)."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from iam_portal import limits
from iam_portal.admission import Admission, Rates, Refused, is_of, streamed
from iam_portal.admission.streamed import Readers, ReadTooSlowly, Streamed
from tests.support.hall import UNLIMITED

ACL = "/iam/access-management/v1/application/acl"


class Answer:
    """Of two pieces. ``closed`` tells that whatever made it was ended."""

    streaming = True

    def __init__(self) -> None:
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        yield b"first"
        yield b"last"

    def close(self) -> None:
        self.closed = True


class House:
    """A door before an app that always streams, to ``tenant key`` as its token says."""

    def __init__(self, threads: int) -> None:
        self.made: list[Answer] = []
        self.door = Admission(self._app, threads=threads, rates=Rates(**UNLIMITED))
        self.said: list[Any] = []

    def read(self, tenant: str, key: str = "one", path: str = ACL) -> Any:
        """The answer, of which nothing is read yet."""
        self.said = []
        asked = {"PATH_INFO": path, "HTTP_AUTHORIZATION": f"Bearer {tenant}.{key}"}
        return self.door(asked, self._begin)

    def status(self, tenant: str, key: str = "one", path: str = ACL) -> str:
        """What another reader is told; he goes away at once."""
        answer = self.read(tenant, key, path)
        getattr(answer, "close", list)()
        return str(self.said[0][:3])

    def _begin(self, status: str, headers: list[tuple[str, str]], error: Any = None) -> None:
        assert not self.said or error, "said twice"
        self.said = [status, dict(headers)]

    def _app(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Answer:
        is_of(environ, environ["HTTP_AUTHORIZATION"].removeprefix("Bearer ").split(".")[0])
        start_response("200 OK", [("ETag", '"secret"')])
        self.made.append(Answer())
        return self.made[-1]


def test_one_caller_has_few_readers_and_is_told_to_wait() -> None:
    house = House(threads=16)
    slow = [house.read("acme") for _ in range(2)]
    refused = house.read("acme")
    status, headers = house.said
    assert (status[:3], headers["Retry-After"], headers["Connection"]) == ("429", "5", "close")
    assert "ETag" not in headers, "of the answer that is not sent"
    assert json.loads(b"".join(refused))["code"] == "too_many_readers"
    assert [each.closed for each in house.made] == [False, False, True]
    assert house.door._places.held == 2
    assert house.status("acme", "two") == "200", "another one of the same organization"
    assert list(slow[0]) == [b"first", b"last"]
    slow[0].close()
    assert house.status("acme") == "200"


def test_new_tokens_win_no_readers_beyond_those_of_the_organization() -> None:
    house = House(threads=16)
    slow = [house.read("acme", str(number)) for number in range(4)]
    assert house.status("acme", "another") == "429"
    assert house.status("globex") == "200"
    for each in slow:
        each.close()
    assert house.status("acme", "another") == "200"


def test_organizations_together_leave_threads_for_tokens_and_a_place_for_each_other() -> None:
    house = House(threads=16)
    slow = [house.read(tenant, str(number)) for tenant in ("acme", "globex") for number in range(3)]
    assert house.status("acme", "another") == "429"
    slow += [house.read(tenant) for tenant in ("initech", "umbrella")]
    assert house.status("hooli") == "429", "no more than half of the threads"
    assert house.door._places.held == 8
    for each in slow:
        each.close()
    assert not house.door._readers._held
    assert not house.door._readers._callers


def test_people_read_a_sentence() -> None:
    house = House(threads=8)
    slow = house.read("acme", path="/t/acme/activity")
    refused = b"".join(house.read("acme", path="/t/acme/activity"))
    assert house.said[1]["Content-Type"].startswith("text/plain")
    assert b"still being sent" in refused
    slow.close()


def test_a_reader_who_goes_away_leaves_his_place() -> None:
    house = House(threads=8)
    slow = house.read("acme")
    next(iter(slow))
    assert house.status("acme") == "429"
    del slow
    assert house.status("acme") == "200"


def test_time_is_over_for_who_reads_too_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(streamed.time, "monotonic", lambda: now[0])
    before = limits.REFUSED.labels(limit="slow_reader")._value.get()
    answer = Answer()
    sent = Streamed(answer, ExitStack())
    pieces = iter(sent)
    assert next(pieces) == b"first"
    now[0] += streamed.LONGEST_SENT + 1
    with pytest.raises(ReadTooSlowly):
        next(pieces)
    sent.close()
    assert answer.closed
    assert limits.REFUSED.labels(limit="slow_reader")._value.get() == before + 1


def test_small_installations_have_readers_too() -> None:
    readers = Readers(threads=1)
    with readers.one("acme", "a"), readers.one("globex", "b"), pytest.raises(Refused) as refused:
        readers.one("initech", "c").__enter__()
    assert (refused.value.limit, refused.value.wait) == ("too_many_readers", 5)
