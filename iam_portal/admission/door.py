"""The door in front of the portal (WSGI): whose request is it, is it small enough, and when is its turn."""

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from structlog.contextvars import clear_contextvars

from iam_portal import bodies, limits, tracing
from iam_portal.admission import callers
from iam_portal.admission.callers import Known, Word, Words
from iam_portal.admission.rates import Rates
from iam_portal.admission.reading import LONGEST_READ, Unread, taken
from iam_portal.admission.streamed import Held, Readers, Streamed
from iam_portal.admission.turns import Places, Refused, Turn, Turns

Environ = dict[str, Any]
App = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
STRANGERS = "-"  # in whose name waits whatever nobody has vouched for
MOST_KNOWN = 20_000  # callers remembered in a process
LONGEST_WAIT = 10.0  # seconds for a turn
LONGEST_ADDRESS = 8_192  # characters of path and query
WHOSE = "iam.whose"  # in the environment: who waits for a turn
TURN = "iam.turn"  # in the environment: the turn of the request that runs
CALLER = "iam.caller"  # in the environment: by what it is known whose it is; missing for strangers
WAITED = "iam.waited"  # in the environment: seconds that it has waited already, before its turn
GIVEN = "iam.credentials"  # in the environment: those of its Basic header, if it has one
OURS = "iam.tenant_id"  # in the environment: the tenant that the request proved to be of
_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
# Quick, and needed most when nothing else answers. No address that only begins like a probe's is one.
_PROBES = frozenset({"/livez", "/readyz", "/metrics"})
_STATIC = "/static/"
_TEXTS = {
    "caller_rate": "Too many requests of this caller. Nothing was done; wait before the next.",
    "tenant_rate": "Too many requests of this organization. Nothing was done; wait before the next.",
    "tenant_busy": "Too many requests of this organization at once. Nothing was done; try again.",
    "portal_busy": "The portal is busy. Nothing was done; try again.",
    "too_many_readers": "Too many answers to this caller, or to this organization, are still being sent.",
    "unread_bodies": "Too many bodies from this address are still on their way. Nothing was done.",
    "encoded_body": "A body is taken as it is, without Content-Encoding.",
    "unknown_length": "Content-Length has to be the length of the body in bytes.",
    "broken_body": "The body broke off. Nothing was done.",
    "too_large": f"The body is larger than {bodies.LARGEST} bytes.",
    "long_address": f"The address is longer than {LONGEST_ADDRESS} characters.",
}
_STATUS = {
    "caller_rate": "429 Too Many Requests",
    "tenant_rate": "429 Too Many Requests",
    "tenant_busy": "429 Too Many Requests",
    "portal_busy": "503 Service Unavailable",
    "too_many_readers": "429 Too Many Requests",
    "unread_bodies": "503 Service Unavailable",
    "encoded_body": "415 Unsupported Media Type",
    "unknown_length": "411 Length Required",
    "broken_body": "400 Bad Request",
    "too_large": "413 Content Too Large",
    "long_address": "414 URI Too Long",
}


def is_of(environ: Environ, tenant_id: object) -> None:
    """Whose request it proved to be: of a person, or of an application at home there; not where it acts."""
    environ[OURS] = str(tenant_id)


@contextmanager
def aside(environ: Environ) -> Iterator[None]:
    """The request waits for somebody else's host, and others run meanwhile; then it waits for a turn again.

    :class:`Refused` where none comes. It must hold no connection to the database: there are as many as turns.
    """
    turn: Turn | None = environ.get(TURN)
    if turn is not None:
        turn.let_go()
    try:
        yield
    finally:
        if turn is not None:
            turn.take()


class InTurn:
    """Lets requests through turn by turn: what takes long, and connections to the database."""

    def __init__(self, app: App, turns: Turns) -> None:
        self._app, self._turns = app, turns

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """As WSGI says it."""
        whose = environ.get(WHOSE)
        if whose is None:  # aside, or not by the door
            return self._app(environ, start_response)
        turn = Turn(self._turns, whose)
        try:
            turn.take(environ.get(WAITED, 0.0))
        except Refused as refused:
            return _refusal(refused, environ, start_response)
        environ[TURN] = turn
        try:  # what is still to be streamed is not waited for: a slow reader must keep no turn
            return self._app(environ, start_response)
        finally:
            turn.let_go()


class Admission:
    """Knows whose a request is, and lets in what is sound, and not too much of one.

    Whose a request is has to be known before anything is proved. Believed is what led to a proved request
    before (the same credentials or session; else the same organization and address); all the rest are
    strangers together, so that made-up names win no places.
    """

    def __init__(self, app: App, *, threads: int, rates: Rates) -> None:
        self._app, self._rates = app, rates
        self._known = Known(MOST_KNOWN)
        self._places, self._unread = Places(threads), Unread(threads=threads)
        self._readers = Readers(threads=threads)

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """As WSGI says it."""
        path = environ["PATH_INFO"]
        if path in _PROBES or path.startswith(_STATIC):
            return self._app(environ, start_response)
        words = callers.read(environ)
        whose, found = self._found(words)
        environ[WHOSE], environ[GIVEN] = whose, words.given
        try:
            length = _sound_length(environ)
            if found is not None:
                environ[CALLER] = found.caller
                self._rates.take(whose, found.caller, tokens=callers.at_oauth(path))
            self._places.take(whose)
        except Refused as refused:
            clear_contextvars()  # what the thread's last request was goes into no line of this one
            return _refusal(refused, environ, start_response)
        return self._served(environ, start_response, _Asked(words, whose, found, length))

    def _served(
        self, environ: Environ, start_response: Callable[..., Any], asked: "_Asked"
    ) -> Iterable[bytes]:
        """Its place is taken already; given back at the end, or with the last piece of the answer."""
        held, is_kept = Held(partial(self._places.give_back, asked.whose)), False
        try:
            if asked.length:
                try:
                    self._read(environ, asked, held)
                except Refused:
                    clear_contextvars()  # of the request that this thread served last
                    raise
            try:
                answer = self._app(environ, start_response)
            finally:
                self._learn(asked, environ)
            if not getattr(answer, "streaming", False):
                return answer
            streamed = self._streamed(answer, held, asked, environ)
            is_kept = True  # its thread is taken until the last of it is sent
            return streamed
        except Refused as refused:
            return _refusal(refused, environ, start_response)
        finally:
            if not is_kept:
                held.close()

    def _streamed(self, answer: Any, held: Held, asked: "_Asked", environ: Environ) -> Streamed:
        reader = asked.found or next(asked.words.nearest())
        try:
            held.enter(self._readers.one(str(environ.get(OURS) or asked.whose), reader.caller))
        except Refused:
            answer.close()
            raise
        return Streamed(answer, held)

    def _found(self, words: Words) -> tuple[str, Word | None]:
        for word in words.nearest():
            if whose := self._known.find(word.known):
                return whose, word
        return STRANGERS, None

    def _learn(self, asked: "_Asked", environ: Environ) -> None:
        """New words that prove to be a tenant's take from its rate afterwards: none gets around it."""
        proved = str(environ.get(OURS) or "")
        if not proved:
            return
        if asked.whose != proved:
            self._rates.owe(proved, tokens=callers.at_oauth(environ["PATH_INFO"]))
        elif not (asked.words.is_place and asked.found is asked.words.other):
            return  # whatever else stood in the headers, it was not that
        fresh = [word.known for word in asked.words.proved(proved) if self._known.find(word.known) != proved]
        if fresh:
            self._known.learn(fresh, proved)

    def _read(self, environ: Environ, asked: "_Asked", held: Held) -> None:
        """A body that comes slowly keeps a thread, never a turn; and few threads for one address."""
        stranger, address = asked.whose == STRANGERS, str(environ.get("REMOTE_ADDR", ""))
        if asked.length > LONGEST_READ:
            held.enter(self._unread.large(address if stranger else asked.whose, stranger=stranger))
        begun = self._unread.begin(address, stranger=stranger)
        try:
            body = taken(environ["wsgi.input"], asked.length)
        finally:
            self._unread.end(address, begun)
        if asked.length > LONGEST_READ:
            held.enter(body)
        environ["wsgi.input"] = body


@dataclass(slots=True)
class _Asked:
    """By what a request is known, by which word it was found, and the length of its body."""

    words: Words
    whose: str
    found: Word | None
    length: int


def _sound_length(environ: Environ) -> int:
    """Of the body. What no door takes is refused before it costs anything: it is not even read."""
    if environ.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        raise Refused("encoded_body")  # a small body must not become a large one here
    if len(environ["PATH_INFO"]) + len(environ.get("QUERY_STRING", "")) > LONGEST_ADDRESS:
        raise Refused("long_address")
    length = environ.get("CONTENT_LENGTH") or "0"
    if not _LENGTH.fullmatch(length) or environ.get("HTTP_TRANSFER_ENCODING"):
        raise Refused("unknown_length")  # the framework would see an empty one
    if int(length) > bodies.LARGEST:
        raise Refused("too_large")
    return int(length)


def _refusal(refused: Refused, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
    """In the form of the door: OAuth's, a problem document, or a sentence. The connection ends with it."""
    limits.refused(refused.limit)
    path, text, status = environ["PATH_INFO"], _TEXTS[refused.limit], _STATUS[refused.limit]
    kind = "application/json;charset=UTF-8"
    if callers.at_oauth(path):
        error = "temporarily_unavailable" if refused.wait else "invalid_request"
        body = json.dumps({"error": error, "error_description": text})
    elif path.startswith("/iam/"):
        kind = "application/problem+json"
        number, _, title = status.partition(" ")
        wait = {"retryAfter": refused.wait} if refused.wait else {}
        members = {"type": "about:blank", "title": title, "status": int(number), "detail": text}
        body = json.dumps({**members, "code": refused.limit, **wait})
    else:
        kind, body = "text/plain; charset=utf-8", f"{text}\n"
    headers = [("Content-Type", kind), ("Content-Length", str(len(body))), ("Cache-Control", "no-store")]
    headers += [("X-Content-Type-Options", "nosniff"), ("Connection", "close")]
    headers.append(("X-Request-Id", tracing.chosen_id(environ.get("HTTP_X_REQUEST_ID", ""))))
    if refused.wait:
        headers.append(("Retry-After", str(refused.wait)))
    # An answer that is not sent after all has said its own status: this takes the place of it (PEP 3333).
    start_response(status, headers, sys.exc_info())
    return [body.encode()]
