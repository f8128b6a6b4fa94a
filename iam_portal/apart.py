"""Where one thread answers many requests (:mod:`iam_portal.token_service`), what would block is done apart.

Each request runs there on a stack of its own, a greenlet: the functions that answer it know nothing of
loops. Where it would wait, it is laid aside until what it waits for is there, and the loop goes on with
others. Under WSGI, where each request has a thread, the same calls just do what they are given.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextvars import copy_context
from functools import partial
from typing import Any, Protocol, TypeVar

from greenlet import getcurrent, greenlet

T = TypeVar("T")
App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Threads(Protocol):
    """Where what would block is done; the stack that asks waits meanwhile."""

    def run(self, work: Callable[[], T], environ: dict[str, Any]) -> T: ...


class Stack(greenlet):  # type: ignore[misc]  # the package has no types
    """That of one request; :meth:`begin` on the loop.

    ``ended`` is told what ``work`` returned, or what it raised. What waits goes on by itself.
    """

    def __init__(
        self,
        work: Callable[[], T],
        ended: Callable[[T | None, BaseException | None], None],
        threads: Threads,
        environ: dict[str, Any],
    ) -> None:
        super().__init__(work)
        self.threads, self.environ = threads, environ
        self._ended = ended

    def begin(self) -> None:
        """As far as it comes without waiting."""
        self._go_on(self.switch)

    def _go_on(self, act: Callable[..., Any], *found: Any) -> None:
        try:
            said = act(*found)
        except BaseException as error:
            self._ended(None, error)
            return
        if self.dead:
            self._ended(said, None)
        else:
            said.add_done_callback(self._is_there)

    def _is_there(self, answer: "asyncio.Future[Any]") -> None:
        if answer.cancelled():
            self._go_on(self.throw, asyncio.CancelledError())
        elif (error := answer.exception()) is not None:
            self._go_on(self.throw, error)
        else:
            self._go_on(self.switch, answer.result())


def is_on_loop() -> bool:
    """Whether this request shares its thread with others."""
    return isinstance(getcurrent(), Stack)


def awaited(answer: "asyncio.Future[T]") -> T:
    """Its result, or its error. Only on the loop: other requests run meanwhile."""
    found: T = getcurrent().parent.switch(answer)
    return found


def done(work: Callable[[], T]) -> T:
    """What asks the database, or takes long: in a thread of its own where the request has none.

    There ``iam_portal.admission.Refused`` is raised where no thread is free in time: nothing was done then.
    """
    stack = getcurrent()
    if not isinstance(stack, Stack):
        return work()
    carried = partial(copy_context().run, work)  # what it binds for its lines in the log stays in there
    found: T = stack.threads.run(carried, stack.environ)
    return found


class Apart:
    """WSGI: what is behind answers in a thread of its own where the request has none, to the last byte."""

    def __init__(self, app: App) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """As WSGI says it."""
        if not is_on_loop():
            return self._app(environ, start_response)
        return done(partial(whole, self._app, environ, start_response))


def whole(app: App, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """An answer to its end, and closed (PEP 3333)."""
    answer = app(environ, start_response)
    try:
        return [b"".join(answer)]
    finally:
        if (close := getattr(answer, "close", None)) is not None:
            close()
