"""The question that a page answers, asked of the portal's own code: in a few threads, equal ones once."""

import asyncio
import io
import json
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import structlog
from django.conf import settings
from django.http import HttpResponse
from django.urls import Resolver404, resolve

from iam_portal import problem
from iam_portal.live import wire
from iam_portal.live.wire import Asked, Refused
from iam_portal.wsgi import inside

log = structlog.get_logger("iam.live")

THREADS = 4
BESIDE = 2  # the look at what is new, and the note that this process is there
ACL = "access-management:acl-read"
DOORS = {"application-management:event-list", "application-management:own-event-list", ACL}
LONGEST = 30
# What says nothing about who asks for what: it neither changes the answer nor keeps equal questions apart.
_ASIDE = {"accept", "accept-encoding", "cache-control", "connection", "keep-alive", "last-event-id"}
_ASIDE |= {"origin", "pragma", "referer", "te", "upgrade", "user-agent", "x-request-id", "content-length"}


@dataclass(frozen=True, slots=True)
class Question:
    """Everything that decides an answer. ``again``: not by the person, who may have gone for lunch."""

    path: str
    query: tuple[tuple[str, str], ...]
    after: str
    fields: tuple[tuple[str, str], ...]
    peer: str
    again: bool = False
    proven: bool = False  # its proof of a key was used up by the first one: the token's standing counts alone

    def later(self, after: int) -> "Question":
        """The same after another position, for who was given an answer."""
        return replace(self, after=str(after), again=True, proven=True)

    @property
    def is_alone(self) -> bool:
        """With a proof that is good once (RFC 9449 §11.1): nobody else may have the answer that it gets."""
        return any(name == "dpop" for name, _ in self.fields)


class Answer:
    """What the portal's code said; shared by all who asked the same."""

    def __init__(
        self, status: int, fields: list[tuple[str, str]], body: bytes, environ: dict[str, Any]
    ) -> None:
        self.status, self.fields, self.body = status, fields, body
        self.stream = str(environ.get("iam.stream", ""))
        self.caller = str(environ.get("iam.caller", ""))
        self.home = str(environ.get("iam.home", ""))  # the tenant whose caller it is
        self.after = int(environ.get("iam.after", 0))  # its stream was read up to this position
        self.quiet = bool(environ.get("iam.quiet"))  # right, and without news: who wants to waits

    @cached_property
    def page(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed

    @cached_property
    def events(self) -> bytes:
        """The page as server-sent events."""
        return b"".join(wire.event(item) for item in self.page["items"])


def of(asked: Asked, peer: str) -> tuple[Question, int]:
    """The question, and for how many seconds it may wait; Refused when nothing here answers it."""
    try:
        found = resolve(asked.path.encode("latin-1").decode()).view_name
    except (Resolver404, UnicodeDecodeError):
        found = ""
    if found not in DOORS:
        raise Refused(404, "not_found", "There is nothing at this address.")
    if found == ACL and asked.wants_stream:
        raise Refused(406, "not_acceptable", "Only events are streamed. An ACL is waited for: wait=30.")
    try:
        pairs = parse_qsl(asked.query, keep_blank_values=True, max_num_fields=20)
    except ValueError as error:
        raise Refused(400, "bad_request", "The query could not be understood.") from error
    given = dict(pairs)
    wait = given.get("wait", "0")
    if not (wait.isascii() and wait.isdigit() and len(wait) < 4 and int(wait) <= LONGEST):
        raise Refused(400, "invalid", f"wait is a number of seconds up to {LONGEST}.")
    after = given.get("after", "0")
    if asked.wants_stream:
        after = asked.fields.get("last-event-id") or after
    query = tuple((name, value) for name, value in pairs if name not in ("wait", "after"))
    fields = tuple(sorted((name, value) for name, value in asked.fields.items() if name not in _ASIDE))
    by_script = asked.fields.get("sec-fetch-dest") == "empty"  # a page's, which comes back by itself
    return Question(asked.path, query, after, fields, peer, again=by_script), int(wait)


class Desk:
    """Where questions queue for a thread. One that has not begun yet is joined by whoever asks the same.

    One that has begun may have read what is no longer so: who comes later asks for himself. That keeps the
    promise that after the reply to a change nobody sees the old state.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS + BESIDE, thread_name_prefix="page")
        self._turns = asyncio.Semaphore(THREADS)
        self._queued: dict[Question, asyncio.Task[Answer]] = {}

    async def ask(self, question: Question) -> Answer:
        if question.is_alone:
            return await asyncio.shield(asyncio.create_task(self._in_turn(question)))
        task = self._queued.get(question)
        if task is None:
            task = self._queued[question] = asyncio.create_task(self._in_turn(question))
        return await asyncio.shield(task)  # one who goes away takes nobody's answer with him

    async def run(self, work: Callable[[], Any]) -> Any:
        """Other work on rows, past the queue: whoever asks for it has a thread of his own."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _in_turn(self, question: Question) -> Answer:
        async with self._turns:
            self._queued.pop(question, None)
            return await asyncio.get_running_loop().run_in_executor(self._pool, answer, question)


def answer(question: Question) -> Answer:
    """By the portal's whole chain of middleware and views, as a web server would call it."""
    environ = _environ(question)
    status, fields = 500, [("Content-Type", problem.MEDIA_TYPE)]

    def start(line: str, headers: Iterable[tuple[str, str]], _: Any = None) -> Any:
        nonlocal status, fields
        status, fields = int(line.split(maxsplit=1)[0]), list(headers)

    try:
        response: HttpResponse = inside(environ, start)  # type: ignore[assignment]
        try:
            body = b"".join(response)
        finally:
            response.close()
    except Exception:
        log.exception("live.page_broken")
        document = problem.body(status=500, code="internal_error", detail="Something went wrong here.")
        return Answer(500, [("Content-Type", problem.MEDIA_TYPE)], json.dumps(document).encode(), {})
    return Answer(status, fields, body, environ)


def _environ(question: Question) -> dict[str, Any]:
    base = urlsplit(settings.PORTAL_BASE_URL)
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": question.path,
        "QUERY_STRING": urlencode([*question.query, ("after", question.after)]),
        "SERVER_NAME": base.hostname or "localhost",
        "SERVER_PORT": str(base.port or 80),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": question.peer,
        "CONTENT_LENGTH": "0",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",  # TLS ends before this process; the header of the proxy says so
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "iam.again": question.again,
        "iam.proven": question.proven,
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in question.fields},
    }
