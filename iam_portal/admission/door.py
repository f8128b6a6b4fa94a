"""The door in front of the portal (WSGI): whose request is it, is it small enough, and when is its turn."""

import hashlib
import json
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from io import BytesIO
from typing import Any

from iam_portal import limits, tracing
from iam_portal.admission.rates import Rates
from iam_portal.admission.reading import Unread
from iam_portal.admission.turns import Places, Refused, Turns

Environ = dict[str, Any]
App = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
STRANGERS = "-"  # in whose name waits whatever nobody has vouched for
MOST_KNOWN = 20_000  # callers remembered in a process
LONGEST_WORD = 64
LONGEST_WAIT = 10.0  # seconds for a turn
LONGEST_ADDRESS = 8_192  # characters of path and query
LONGEST_READ = 65_536  # bytes of a body that is read before its turn
WHOSE = "iam.whose"  # in the environment: who waits for a turn
OURS = "iam.tenant_id"  # in the environment: the tenant that the request proved to be of
_TENANT = re.compile(r"/(?:tenants|realms|t)/([^/]+)")
_SESSION = re.compile(r"iam_session_[^;]*")
_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
# Quick, and needed most when nothing else answers.
_ASIDE = ("/static/", "/livez", "/readyz", "/metrics")
_OAUTH = ("/token", "/token/introspect", "/revoke")
_TEXTS = {
    "caller_rate": "Too many requests of this caller. Nothing was done; wait before the next.",
    "tenant_rate": "Too many requests of this organization. Nothing was done; wait before the next.",
    "tenant_busy": "Too many requests of this organization at once. Nothing was done; try again.",
    "portal_busy": "The portal is busy. Nothing was done; try again.",
    "unread_bodies": "Too many bodies from this address are still on their way. Nothing was done.",
    "encoded_body": "A body is taken as it is, without Content-Encoding.",
    "unknown_length": "Content-Length has to be the length of the body in bytes.",
    "broken_body": "The body broke off. Nothing was done.",
    "long_address": f"The address is longer than {LONGEST_ADDRESS} characters.",
}
_STATUS = {
    "caller_rate": "429 Too Many Requests",
    "tenant_rate": "429 Too Many Requests",
    "tenant_busy": "429 Too Many Requests",
    "portal_busy": "503 Service Unavailable",
    "unread_bodies": "503 Service Unavailable",
    "encoded_body": "415 Unsupported Media Type",
    "unknown_length": "411 Length Required",
    "broken_body": "400 Bad Request",
    "long_address": "414 URI Too Long",
}


def is_of(environ: Environ, tenant_id: object) -> None:
    """Whose request it proved to be: of a person, or of an application at home there; not where it acts."""
    environ[OURS] = str(tenant_id)


class InTurn:
    """Lets requests through turn by turn: what takes long, and connections to the database."""

    def __init__(self, app: App, turns: Turns) -> None:
        self._app, self._turns = app, turns

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """As WSGI says it."""
        whose = environ.get(WHOSE)
        if whose is None:  # aside, or not by the door
            return self._app(environ, start_response)
        try:
            self._turns.enter(whose)
        except Refused as refused:
            return _refusal(refused, environ, start_response)
        try:  # what is still to be streamed is not waited for: a slow reader must keep no turn
            return self._app(environ, start_response)
        finally:
            self._turns.leave(whose)


class Admission:
    """Knows whose a request is, and lets in what is sound, and not too much of one.

    Whose a request is has to be known before anything is proved. Believed is what led to a proved request
    before (the same credentials or session; else the same organization and address); all the rest are
    strangers together, so that made-up names win no places.
    """

    def __init__(self, app: App, *, threads: int, rates: Rates) -> None:
        self._app, self._rates = app, rates
        self._known: OrderedDict[str, str] = OrderedDict()
        self._changing = threading.Lock()
        self._places, self._unread = Places(threads), Unread(threads=threads)

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """As WSGI says it."""
        if environ["PATH_INFO"].startswith(_ASIDE):
            return self._app(environ, start_response)
        words = _words(environ)
        whose = next((found for word in words if (found := self._known.get(word))), STRANGERS)
        environ[WHOSE] = whose
        try:
            _refuse_odd(environ)
            if whose != STRANGERS:
                self._rates.take(whose, words[0], tokens=environ["PATH_INFO"].endswith(_OAUTH))
            with self._places.one(whose):
                self._read(environ, whose)
                try:
                    return self._app(environ, start_response)
                finally:
                    self._learn(words, environ)
        except Refused as refused:
            return _refusal(refused, environ, start_response)

    def _learn(self, words: Sequence[str], environ: Environ) -> None:
        proved = str(environ.get(OURS) or "")
        if not proved or all(self._known.get(word) == proved for word in words):
            return
        with self._changing:
            self._known.update(dict.fromkeys(words, proved))
            while len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)

    def _read(self, environ: Environ, whose: str) -> None:
        """A body that comes slowly keeps a thread, never a turn; and few threads for one address.

        What is larger is read in its turn: whoever sends so much has to be let in first.
        """
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if not 0 < length <= LONGEST_READ:
            return
        with self._unread.reading(str(environ.get("REMOTE_ADDR", "")), stranger=whose == STRANGERS):
            body = environ["wsgi.input"].read(length)
        if len(body) < length:  # the other end went away: half of a form could be another form
            raise Refused("broken_body")
        environ["wsgi.input"] = BytesIO(body)


def _words(environ: Environ) -> tuple[str, ...]:
    """By what it is known again, the nearest first: its credentials; else its session, tenant and address.

    Not the tenant of the path alone: whoever floods another's sign-in page would take that one's places.
    """
    if authorization := environ.get("HTTP_AUTHORIZATION"):
        return (_digest(authorization),)
    found = _TENANT.search(environ["PATH_INFO"])
    door = "oauth" if environ["PATH_INFO"].endswith(_OAUTH) else ""  # whose clients come, not whose people
    place = f"{door}|{found[1][:LONGEST_WORD] if found else ''}|{tracing.source_of(environ)}"
    sessions = "".join(_SESSION.findall(environ.get("HTTP_COOKIE", "")))
    return (_digest(sessions), place) if sessions else (place,)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def _refuse_odd(environ: Environ) -> None:
    """What no door takes, before it costs anything: it is not even read."""
    if environ.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        raise Refused("encoded_body")  # a small body must not become a large one here
    if len(environ["PATH_INFO"]) + len(environ.get("QUERY_STRING", "")) > LONGEST_ADDRESS:
        raise Refused("long_address")
    length = environ.get("CONTENT_LENGTH") or "0"
    if not _LENGTH.fullmatch(length) or environ.get("HTTP_TRANSFER_ENCODING"):
        raise Refused("unknown_length")  # the framework would see an empty one


def _refusal(refused: Refused, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
    """In the form of the door: OAuth's, a problem document, or a sentence. The connection ends with it."""
    limits.refused(refused.limit)
    path, text, status = environ["PATH_INFO"], _TEXTS[refused.limit], _STATUS[refused.limit]
    kind = "application/json;charset=UTF-8"
    if path.endswith(_OAUTH):
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
    start_response(status, headers)
    return [body.encode()]
