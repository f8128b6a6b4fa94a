"""Asking together on the loop: as few questions as can be, and none that began too early."""

import asyncio
import functools
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from contextvars import ContextVar
from typing import Any

import psycopg
import pytest
import uvloop

from accesscontrol.oauth.short import gathered as gathering
from accesscontrol.oauth.short.gathered import Gathered
from accesscontrol.oauth.short.versions import Look, Seen, Version
from iam_portal import apart
from iam_portal.token_service.line import Line

WORD: ContextVar[str] = ContextVar("word", default="none")


class Asking:
    """A database whose answers come when they are let go of."""

    def __init__(self) -> None:
        self.questions: list[list[Look]] = []
        self.held = threading.Event()
        self.held.set()
        self.failing = False
        self.version = 0

    def ask(self, looks: Sequence[Look]) -> Mapping[Look, Seen]:
        version = self.version  # as the database has it when the question begins
        self.questions.append([*looks])
        assert self.held.wait(10)
        if self.failing:
            raise psycopg.OperationalError("gone")
        return {look: Seen(Version(version, 1), 0) for look in looks}


def line(threads: int) -> Line:
    return Line(threads, most=10, longest=10)


def together(*works: Callable[[], Any], beside: Callable[[], Any] | None = None) -> list[Any]:
    """All of them on one loop; what each returned, or raised."""

    async def run() -> list[Any]:
        loop = asyncio.get_running_loop()
        with closing(line(4)) as threads:
            answers = []
            for work in works:
                answer: asyncio.Future[Any] = loop.create_future()
                answers.append(answer)

                def ended(found: Any, error: BaseException | None, answer: Any = answer) -> None:
                    answer.set_exception(error) if error else answer.set_result(found)

                apart.Stack(work, ended, threads, {}).begin()
            if beside is not None:
                await asyncio.to_thread(beside)
            return await asyncio.gather(*answers, return_exceptions=True)

    return uvloop.run(run())


def look(number: int) -> Look:
    return Look(b"{%d}" % number, 0)


def test_who_comes_at_once_is_asked_for_at_once() -> None:
    database = Asking()
    gathered = Gathered(database.ask, most=4)
    found = together(*[lambda n=n: gathered.read(look(n % 3)) for n in range(9)])
    assert len(found) == 9 and all(isinstance(each, Seen) for each in found)
    assert database.questions == [[look(0), look(1), look(2)]]


def test_nobody_is_answered_by_what_was_asked_before_he_came() -> None:
    """Who comes while a question is on its way has the next one, and its answer."""
    database = Asking()
    gathered = Gathered(database.ask, most=4)

    def first_then_again() -> tuple[int, int]:
        before = gathered.read(look(1)).version.nonces
        database.version = 1
        return before, gathered.read(look(1)).version.nonces

    assert together(first_then_again) == [(0, 1)]
    assert len(database.questions) == 2


def test_a_question_that_is_stuck_is_not_waited_for_by_those_who_come_later() -> None:
    database = Asking()
    gathered = Gathered(database.ask, most=4)
    database.held.clear()
    done: list[int] = []

    def late() -> Seen:
        apart.done(lambda: _until(lambda: len(database.questions) == 1))
        done.append(1)
        return gathered.read(look(2))

    def let_go() -> None:
        _until(lambda: len(database.questions) == 2)
        database.held.set()

    found = together(lambda: gathered.read(look(1)), late, beside=let_go)
    assert all(isinstance(each, Seen) for each in found)
    assert database.questions == [[look(1)], [look(2)]]


def test_at_most_so_many_questions_are_on_their_way() -> None:
    database = Asking()
    gathered = Gathered(database.ask, most=1)
    database.held.clear()

    def late(number: int) -> Seen:
        apart.done(lambda: _until(lambda: len(database.questions) == 1))
        return gathered.read(look(number))

    def let_go() -> None:
        threading.Event().wait(0.1)
        assert len(database.questions) == 1
        database.held.set()

    found = together(lambda: gathered.read(look(0)), lambda: late(1), lambda: late(2), beside=let_go)
    assert all(isinstance(each, Seen) for each in found)
    assert [sorted(each) for each in database.questions] == [[look(0)], [look(1), look(2)]]


def test_nobody_waits_for_ever_for_questions_that_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither he for whom it is asked, nor he for whom there is no room to ask; nor those who come later."""
    monkeypatch.setattr(gathering, "LONGEST", 0.2)
    database = Asking()
    gathered = Gathered(database.ask, most=1)
    database.held.clear()

    def late() -> Seen:
        apart.done(lambda: _until(lambda: len(database.questions) == 1))
        return gathered.read(look(2))

    found = together(lambda: gathered.read(look(1)), late)
    assert [type(each) for each in found] == [psycopg.OperationalError] * 2
    assert database.questions == [[look(1)]]
    database.held.set()


def test_no_wake_up_is_lost_however_long_a_turn_of_the_loop_takes() -> None:
    """A timer may come early: then it comes again."""

    async def run() -> float:
        loop = asyncio.get_running_loop()
        database = Asking()
        gathered = Gathered(database.ask, most=2)
        database.held.clear()
        answers: list[asyncio.Future[Any]] = []

        def ask(number: int) -> None:
            answer = loop.create_future()
            answers.append(answer)
            work = functools.partial(gathered.read, look(number))
            apart.Stack(work, lambda found, error: answer.set_result(found or error), threads, {}).begin()

        with closing(line(1)) as threads:
            ask(1)
            while len(database.questions) < 1:
                await asyncio.sleep(0.001)
            ask(2)
            began = loop.time()
            while len(database.questions) < 2 and loop.time() - began < 2:
                time.sleep(0.007)  # other requests take their time
                await asyncio.sleep(0)
            took = loop.time() - began
            database.held.set()
            await asyncio.gather(*answers)
        return took

    assert max(uvloop.run(run()) for _ in range(30)) < 2


def test_where_there_is_no_answer_all_who_waited_are_told() -> None:
    database = Asking()
    database.failing = True
    gathered = Gathered(database.ask, most=1)
    found = together(*[lambda: gathered.read(look(1)) for _ in range(3)])
    assert [type(each) for each in found] == [psycopg.OperationalError] * 3
    database.failing = False
    assert together(lambda: gathered.read(look(1)).version.rows) == [1]


def test_what_is_done_apart_has_what_was_bound_and_binds_nothing_for_others() -> None:
    def binding(word: str) -> tuple[str, str, str]:
        before = WORD.get()
        WORD.set(word)

        def there() -> str:
            found = WORD.get()
            WORD.set("lost")
            return found

        return before, apart.done(there), WORD.get()

    assert together(lambda: binding("a"), lambda: binding("b")) == [("none", "a", "a"), ("none", "b", "b")]


def test_an_error_apart_is_raised_where_it_was_asked_for() -> None:
    def failing() -> str:
        def there() -> None:
            raise KeyError("x")

        try:
            apart.done(there)
        except KeyError:
            return "met"
        return "lost"

    def raising() -> None:
        raise LookupError("y")

    met, raised = together(failing, raising)
    assert met == "met" and isinstance(raised, LookupError)


def test_without_a_loop_all_is_done_where_it_is() -> None:
    assert not apart.is_on_loop()
    assert apart.done(threading.get_ident) == threading.get_ident()


def test_on_the_loop_the_framework_asks_no_database(django_db_blocker: Any) -> None:
    """What was forgotten to be done apart is an error at once, and no wait for all."""
    from django.core.exceptions import SynchronousOnlyOperation
    from django.db import connection

    with django_db_blocker.unblock():
        (found,) = together(lambda: connection.cursor())
    assert isinstance(found, SynchronousOnlyOperation)


def _until(holds: Callable[[], bool]) -> None:
    for _ in range(1000):
        if holds():
            return
        threading.Event().wait(0.01)
    pytest.fail("It did not come to that.")
