"""The connections by which tokens are confirmed: few, kept, none after a fault, asked for many at once."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import psycopg
import pytest

from accesscontrol.models import FactChange
from accesscontrol.models.changes import number
from accesscontrol.oauth.short import lines
from accesscontrol.oauth.short.lines import KeptReader
from accesscontrol.oauth.short.together import Together
from accesscontrol.oauth.short.versions import Look, Seen, SharedReader, Version, array

KEYS = array(["k"])
SEEN = Seen(Version(1, 1), 0)


@pytest.fixture
def reader(django_db_setup: None) -> Iterator[KeptReader]:
    with closing(KeptReader()) as made:
        yield made


def test_a_line_is_kept(reader: KeptReader) -> None:
    seen = reader.read(KEYS)
    (line,) = reader.lines.free
    assert reader.read(KEYS) == seen
    assert reader.lines.free == [line]


def test_after_a_fault_no_old_line_is_asked(reader: KeptReader) -> None:
    """A restarted database has none of them."""
    reader.read(KEYS)
    (line,) = reader.lines.free
    older = reader.lines.connected()
    reader.lines.free.insert(0, older)
    line.close()
    with pytest.raises(psycopg.Error):
        reader.read(KEYS)
    assert reader.lines.free == []
    assert older.closed
    assert reader.read(KEYS)  # by a new one, at once


def test_a_database_that_is_away_is_asked_once_a_second(
    reader: KeptReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def away(*_: Any, **__: Any) -> Any:
        asked.append("")
        raise psycopg.OperationalError("away")

    monkeypatch.setattr(lines.psycopg, "connect", away)
    for _ in range(5):
        with pytest.raises(psycopg.OperationalError):
            reader.read(KEYS)
    assert len(asked) == 1


@pytest.mark.usefixtures("committed_db")
def test_one_question_for_many_finds_what_each_would(reader: KeptReader) -> None:
    """Keys alone, together, none, and one that is the request's own."""
    FactChange.objects.bulk_create(
        FactChange(key=number(key), nonce=nonce) for nonce, key in enumerate(["a:1", "a:2", "t:1", "r:1"], 7)
    )
    grounds = [["a:1"], ["a:2", "t:1"], ["a:1", "a:2", "t:1", "k"], ["nobody"]]
    looks = [Look(array(ground), own) for ground in grounds for own in (0, number("r:1"), number("a:1"))]
    found = reader.lines.ask(looks)
    assert len({*found.values()}) > 6
    assert found == {each: SharedReader().read(*each) for each in looks}
    assert found == {each: reader.read(*each) for each in looks}


class Slow:
    """Answers a question when it is told to, and notes for whom it was."""

    def __init__(self) -> None:
        self.questions: list[Sequence[Look]] = []
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)

    def __call__(self, looks: Sequence[Look]) -> Mapping[Look, Seen]:
        self.questions.append(looks)
        self.begun.release()
        assert self.go_on.acquire(timeout=30)
        if looks[0].keys == b"{0}":
            raise psycopg.InterfaceError("broken")
        return dict.fromkeys(looks, SEEN)


def _wait_for(together: Together, waiting: int) -> None:
    until = threading.Event()
    for _ in range(3_000):
        if len(together._waiting) == waiting:
            return
        until.wait(0.01)
    raise AssertionError(f"{len(together._waiting)} wait")


@pytest.fixture
def many() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(20) as pool:
        yield pool


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accesscontrol.oauth.short.together.PATIENCE", 60.0)
    monkeypatch.setattr("accesscontrol.oauth.short.together.LONGEST", 60.0)


@pytest.mark.usefixtures("patient")
def test_who_comes_meanwhile_is_asked_for_by_the_next_and_never_by_the_present(
    many: ThreadPoolExecutor,
) -> None:
    """What was asked before a change must not answer who came after it."""
    ask = Slow()
    together = Together(ask, most=4)
    first = many.submit(together.read, Look(b"{1}", 0))
    assert ask.begun.acquire(timeout=30)
    later = [many.submit(together.read, Look(b"{%d}" % (each % 5), 9)) for each in range(1, 11)]
    _wait_for(together, 10)
    ask.go_on.release()
    assert first.result(30) == SEEN
    assert ask.begun.acquire(timeout=30)
    assert not any(each.done() for each in later)
    assert {*ask.questions[1]} == {Look(b"{%d}" % each, 9) for each in range(5)}
    assert len(ask.questions[1]) == 5  # alike ones once


@pytest.mark.usefixtures("patient")
def test_a_question_that_fails_fails_for_all_it_was_asked_for_and_for_nobody_else(
    many: ThreadPoolExecutor,
) -> None:
    ask = Slow()
    together = Together(ask, most=4)
    fails = many.submit(together.read, Look(b"{0}", 0))
    assert ask.begun.acquire(timeout=30)
    holds = [many.submit(together.read, Look(b"{1}", 0)) for _ in range(3)]
    _wait_for(together, 3)
    ask.go_on.release(2)
    with pytest.raises(psycopg.InterfaceError):
        fails.result(30)
    assert [each.result(30) for each in holds] == [SEEN] * 3
    again = [many.submit(together.read, Look(b"{0}", each)) for each in range(2)]
    _wait_for(together, 1)
    ask.go_on.release(2)
    for each in again:
        with pytest.raises(psycopg.Error):
            each.result(30)


def test_a_question_that_hangs_holds_up_nobody_who_comes_later(many: ThreadPoolExecutor) -> None:
    """A stopped process of the database, or a line that was cut: the others have lines of their own."""
    ask = Slow()
    together = Together(ask, most=2)
    hangs = many.submit(together.read, Look(b"{1}", 0))
    assert ask.begun.acquire(timeout=30)
    passes = many.submit(together.read, Look(b"{2}", 0))
    assert ask.begun.acquire(timeout=30)  # although the first is not answered
    assert [[each.keys for each in looks] for looks in ask.questions] == [[b"{1}"], [b"{2}"]]
    ask.go_on.release(2)
    assert passes.result(30) == hangs.result(30) == SEEN


def test_no_more_are_on_their_way_than_allowed_and_who_waits_too_long_is_told(
    many: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accesscontrol.oauth.short.together.LONGEST", 0.2)
    ask = Slow()
    together = Together(ask, most=2)
    hang = [many.submit(together.read, Look(b"{%d}" % each, 0)) for each in (1, 2)]
    for _ in hang:
        assert ask.begun.acquire(timeout=30)
    with pytest.raises(psycopg.OperationalError):
        together.read(Look(b"{3}", 0))
    assert len(ask.questions) == 2
    assert not together._waiting
    ask.go_on.release(2)
    assert [each.result(30) for each in hang] == [SEEN] * 2


def test_all_are_answered_whatever_comes_at_once(many: ThreadPoolExecutor) -> None:
    """Each gets his own answer; nobody is forgotten, and no question is left open."""

    def ask(looks: Sequence[Look]) -> Mapping[Look, Seen]:
        return {each: Seen(Version(each.own, len(looks)), 0) for each in looks}

    together = Together(ask, most=3)
    numbers = range(4_000)
    found = [*many.map(lambda each: together.read(Look(b"{}", each)).version.nonces, numbers)]
    assert found == [*numbers]
    assert together._asking == 0
    assert not together._waiting
