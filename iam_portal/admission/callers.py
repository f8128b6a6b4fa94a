"""Who asks, as far as a request says it itself; and what such words led to before."""

import base64
import binascii
import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from django.conf import settings
from django.http.cookie import parse_cookie

from iam_portal import tracing

LONGEST_WORD = 64
_TENANT = re.compile(r"/(?:tenants|realms|t)/([^/]+)")
_OAUTH = ("/token", "/token/introspect", "/revoke", "/par")


@dataclass(frozen=True, slots=True)
class Credentials:
    """A name and a secret, by whichever way they came."""

    client_id: str
    secret: str = field(repr=False)


def basic(authorization: str) -> Credentials | None:
    """Credentials of a Basic header; the scheme is case-insensitive (RFC 7617 §2), both parts urlencoded."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return Credentials("", "")
    client_id, _, secret = text.partition(":")
    return Credentials(unquote_plus(client_id), unquote_plus(secret))


def session_name(tenant_hex: str) -> str:
    """The cookie of a session in this tenant; by https a name that browsers keep for this host alone."""
    return f"{'__Host-' if settings.SESSION_COOKIE_SECURE else ''}iam_session_{tenant_hex}"


def at_oauth(path: str) -> bool:
    """Whether it is a door where clients come, not people; a page may end in the same words."""
    return path.endswith(_OAUTH) and not path.startswith("/t/")


class Word(NamedTuple):
    """``known`` is what is remembered; ``caller`` is whose rate it counts in."""

    known: str
    caller: str


@dataclass(slots=True)
class Words:
    """By what a caller is known again: the sessions it shows, its credentials, else where it comes from.

    All of it as the doors read it, not as it is spelled: a header can be written in any number of ways, and
    each would be a new caller.
    """

    sessions: Mapping[str, Word]  # by the name of the cookie
    other: Word  # of the credentials; without any, the place: it proves nothing of who makes some up
    is_place: bool
    given: Credentials | None = None

    def nearest(self) -> Iterator[Word]:
        """What is believed first comes first."""
        yield from self.sessions.values()
        yield self.other

    def proved(self, tenant_id: str) -> list[Word]:
        """What the proof may have come by: of the sessions, only the one in that tenant."""
        session = self.sessions.get(session_name(tenant_id.replace("-", "")))
        return [word for word in (session, self.other) if word]


def read(environ: Mapping[str, Any]) -> Words:
    """Not the tenant of the path alone: who floods another's sign-in page would take that one's places."""
    path, authorization = environ["PATH_INFO"], environ.get("HTTP_AUTHORIZATION")
    credentials, given = _credentials(authorization) if authorization else (None, None)
    sessions = {}
    if cookies := environ.get("HTTP_COOKIE"):
        start, tenant = session_name(""), _tenant(path)
        for name, value in parse_cookie(cookies).items():
            if name.startswith(start):
                caller = _digest(name, value)
                # Who is in two tenants sends both sessions: the address says which one is meant.
                sessions[name] = Word(f"{tenant}|{caller}", caller)
    return Words(sessions, credentials or _place(path, environ), credentials is None, given)


def _tenant(path: str) -> str:
    found = _TENANT.search(path)
    return found[1][:LONGEST_WORD] if found else ""


def _place(path: str, environ: Mapping[str, Any]) -> Word:
    door = "oauth" if at_oauth(path) else ""  # whose clients come, not whose people
    place = f"{door}|{_tenant(path)}|{tracing.source_of(environ)}"
    return Word(place, place)


def _credentials(authorization: str) -> tuple[Word | None, Credentials | None]:
    scheme, _, value = authorization.partition(" ")
    given = None
    if scheme.lower() in ("bearer", "dpop"):
        digest = _digest("bearer", value.strip())
    elif (given := basic(authorization)) and given.client_id:
        digest = _digest("basic", given.client_id, given.secret)
    else:
        return None, given
    return Word(digest, digest), given


def _digest(*texts: str) -> str:
    return hashlib.sha256(repr(texts).encode(errors="backslashreplace")).hexdigest()


class Known:
    """Which tenant the words of a caller led to; at most so many, and those that were used last.

    When it is full, something goes of the tenant that has most: whoever always comes with new words pushes
    out those of his own.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._whose: dict[str, str] = {}
        self._of: dict[str, OrderedDict[str, None]] = {}
        self._changing = threading.Lock()

    def find(self, word: str) -> str | None:
        """The tenant; the word was used by that."""
        whose = self._whose.get(word)
        if whose is not None:
            with self._changing:
                theirs = self._of.get(whose)
                if theirs is not None and word in theirs:  # else another thread has taken it away
                    theirs.move_to_end(word)
        return whose

    def learn(self, words: Iterable[str], whose: str) -> None:
        """From now on they are this tenant's."""
        with self._changing:
            for word in words:
                if self._whose.get(word, whose) != whose:
                    self._take(word)
                self._whose[word] = whose
                theirs = self._of.setdefault(whose, OrderedDict())
                theirs[word] = None
                theirs.move_to_end(word)
            while len(self._whose) > self._most:
                most = max(self._of, key=lambda each: len(self._of[each]))
                self._take(next(iter(self._of[most])))

    def _take(self, word: str) -> None:
        whose = self._whose.pop(word)
        theirs = self._of[whose]
        del theirs[word]
        if not theirs:
            del self._of[whose]

    def __len__(self) -> int:
        return len(self._whose)
