"""The door in front of the framework: WSGI in, WSGI out."""

import time
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from operator import itemgetter
from typing import Any, TypeVar

import structlog
from django.db import close_old_connections, connection
from django.http import HttpResponse
from django.utils import timezone
from oauthlib.oauth2.rfc6749.errors import OAuth2Error
from structlog.contextvars import bind_contextvars, clear_contextvars

from accesscontrol.oauth import metrics
from accesscontrol.oauth.clients import own_keys
from accesscontrol.oauth.clients.uses import SELDOM
from accesscontrol.oauth.introspection import INACTIVE
from accesscontrol.oauth.short import asked as reading
from accesscontrol.oauth.short import building, learning, noting, saying
from accesscontrol.oauth.short.asked import INTROSPECTION, TOKEN, Asked, Environ, Gate
from accesscontrol.oauth.short.kept import Ground, Known, Presented, Proofs, Shelf, StandingAnswer
from accesscontrol.oauth.short.lines import KeptReader
from accesscontrol.oauth.short.versions import NOTHING, Reader, Taking
from applications import hashers, usage
from applications.models import ClientKey, ClientSecret
from iam_portal import apart, telemetry
from iam_portal import metrics as of_web
from iam_portal.admission import OURS, Refused, is_of
from iam_portal.errors import DomainError
from iam_portal.metrics import Shortly
from iam_portal.tracing import chosen_id

App = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
MOST_KNOWN, MOST_STANDINGS, MOST_TOKENS = 20_000, 20_000, 5_000  # remembered in a process
LONGEST_LEARNED = 1_000  # bytes of a form; a client may have thousands of them remembered
SAME, CHANGED, REVOKED = "same", "changed", "revoked"
Built = TypeVar("Built")
_NO_DIGEST = "0" * 64
_COUNTED = {TOKEN: Shortly(of_web.TOKEN), INTROSPECTION: Shortly(of_web.INTROSPECTION)}
log = structlog.get_logger("iam.oauth")


class ShortWay:
    """Answers what it has confirmed, and hands on everything else.

    The first yes of a kind of request is the long way's; its headers are taken from there. The second request
    has its answer built, from one snapshot; later ones have it confirmed.
    """

    def __init__(self, app: App, *, reader: Reader | None = None) -> None:
        self.long = app
        self._reader = reader or KeptReader()
        self._known: Shelf[Known] = Shelf(MOST_KNOWN, owner=reading.client_of)
        self._active: Shelf[bool] = Shelf(MOST_STANDINGS, owner=_asker)  # what the long way found so
        self._standings: Shelf[StandingAnswer] = Shelf(MOST_STANDINGS, owner=_asker)
        self._presented: Shelf[Presented] = Shelf(MOST_TOKENS, owner=itemgetter(0))
        self.answered = 0  # for tests: how many were answered here

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """As WSGI says it."""
        begun = time.perf_counter()
        asked = _read(environ)
        if asked is None:
            return self.long(environ, start_response)
        request_id = chosen_id(environ.get("HTTP_X_REQUEST_ID", ""))
        known = self._known.get(asked.gate)
        try:
            body = self._answer(asked, known, request_id)
        except Refused:  # no thread is free, and the long way wants one, too
            raise
        except Exception as error:  # whatever it is, the long way knows what to say
            log.warning("short_way_left", error=type(error).__name__)
            body = None
        if body is None or known is None:
            if known is not None:
                metrics.SHORT_WAY.labels(asked.kind, "left").inc()
            return self._long(asked, environ, start_response, request_id)
        self.answered += 1
        _COUNTED[asked.kind].answered(time.perf_counter() - begun)
        is_of(environ, known.home)
        saying.note(known, asked.client_id, request_id, begun)
        if telemetry.is_on():
            said = saying.span(known, asked.client_id, request_id)
            parent = environ.get("HTTP_TRACEPARENT", "")
            telemetry.answered_shortly(known.route, begun=begun, noted=said, traceparent=parent)
        start_response("200 OK", saying.headers(known, request_id, body))
        return [body]

    def forget(self) -> None:
        """Begin anew."""
        for shelf in (self._known, self._active, self._standings, self._presented):
            shelf.clear()

    def _answer(self, asked: Asked, known: Known | None, request_id: str) -> bytes | None:
        """The proof first: whoever has none costs no look, and no other time than an unknown client."""
        if known is None:
            Proofs(((_NO_DIGEST, max(hashers.peppers())),)).of(asked)
            return None
        proof = known.proofs.of(asked)
        if proof is None:
            return None
        at = timezone.now()
        if asked.kind == TOKEN:
            return self._token(asked, known, proof, request_id, at)
        return self._introspection(asked, known, proof, request_id, at)

    def _token(self, asked: Asked, known: Known, proof: str, request_id: str, at: datetime) -> bytes | None:
        answer = known.token
        if answer is None or self._look(answer.ground, at) != SAME:
            known.token = None
            answer = _built(asked, request_id, lambda: building.token_answer(known, asked, at=at))
            if answer is None:
                self._known.drop(asked.gate)  # what is refused is the long way's, until it says yes again
                return None
            known.token, known.proofs = answer, answer.ground.proofs
        if not self._proves(answer.ground, asked, proof, request_id, at):
            return None
        body = saying.token(answer, at=at)
        usage.note(answer.uses, at=at)
        metrics.issued()
        return body

    def _introspection(
        self, asked: Asked, known: Known, proof: str, request_id: str, at: datetime
    ) -> bytes | None:
        presented = learning.presented(self._presented, asked, at=at)
        place = (asked.gate, presented.bearer) if presented else None
        if presented is None or not self._active.get(place):
            return None
        answer = self._standings.get(place)
        looked = self._look(answer.ground, at, presented.revocation) if answer else CHANGED
        if answer is None or looked == CHANGED:
            self._standings.drop(place)
            build = partial(building.standing_answer, known, asked, presented, at=at)
            answer = _built(asked, request_id, build)
            if answer is None:
                self._active.drop(place)
                return None
            self._standings.put(place, answer)
            known.proofs = answer.ground.proofs
        withdrawn_at = answer.verifying.get(presented.kid, at)
        if looked == REVOKED or (withdrawn_at is not None and withdrawn_at <= at):
            return None  # this token alone
        if not self._proves(answer.ground, asked, proof, request_id, at):
            return None
        metrics.introspected(active=True)
        return saying.introspection(answer, presented)

    def _look(self, ground: Ground, at: datetime, own: int = NOTHING) -> str:
        """Whether it holds, asked of the database now. What is planned for later needs no asking."""
        if not ground.covers(at):
            return CHANGED
        seen = self._reader.read(ground.keys, own)
        if seen.version != ground.version:
            return CHANGED
        return REVOKED if seen.own else SAME

    def _proves(self, ground: Ground, asked: Asked, proof: str, request_id: str, at: datetime) -> bool:
        """By what was confirmed: a secret lives, an assertion is for us now and is used up by this.

        The use is noted, at most once a minute.
        """
        holder = ground.holders.get(proof)
        if holder is None or (holder.until is not None and holder.until <= at):
            return False
        if asked.assertion is not None:
            if own_keys.objection(asked.assertion, asked.client_id, ground.audiences, at=at):
                return False
            if not self._reader.take(Taking(holder.id, *own_keys.once(asked.assertion)), at=at):
                return False
        if holder.noted_at is None or at - holder.noted_at >= SELDOM:
            last, holder.noted_at = holder.noted_at, at
            kind = ClientSecret if asked.assertion is None else ClientKey
            with _framework(request_id):
                noting.note(kind, holder.id, last=last, at=at)
        return True

    def _long(
        self, asked: Asked, environ: Environ, start_response: Callable[..., Any], request_id: str
    ) -> Iterable[bytes]:
        """Through the framework. What it says yes to, and how, is remembered."""
        told: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            told[:] = [status, headers]
            return start_response(status, headers, *more)

        result = self.long(environ, start)
        body = _body(result)
        if told and told[0].startswith("200 ") and body is not None:
            try:
                self._learn(asked, told[1], body, environ.get(OURS, ""), request_id)
            except Exception as error:  # the answer is given already
                log.warning("short_way_not_learned", error=type(error).__name__)
        return result

    def _learn(
        self, asked: Asked, headers: list[tuple[str, str]], body: bytes, home: str, request_id: str
    ) -> None:
        at = timezone.now()
        if asked.kind == INTROSPECTION:
            presented = learning.presented(self._presented, asked, at=at) if body != INACTIVE else None
            if presented is None:
                return
            self._active.put((asked.gate, presented.bearer), True)
        elif asked.length > LONGEST_LEARNED or not saying.is_plain(body):
            return
        known = self._known.get(asked.gate)
        if known is None:
            known = learning.known(asked, headers)
            if known is None:
                return
            known.home = home
            self._known.put(asked.gate, known)
        if known.proofs.of(asked) is not None:
            return
        if asked.assertion is None:
            known.learn(asked.secret)
            return
        living = partial(own_keys.living_keys, asked.client_id, at=at)
        known.learn_keys(apart.done(partial(_by_framework, request_id, living)))


def _asker(place: tuple[Gate, Hashable]) -> str:
    return reading.client_of(place[0])


def _read(environ: Environ) -> Asked | None:
    try:
        return reading.read(environ)
    except Exception as error:  # a body that breaks off: the long way meets it, too
        log.warning("short_way_left", error=type(error).__name__)
        return None


def _built(asked: Asked, request_id: str, build: Callable[[], Built | None]) -> Built | None:
    metrics.SHORT_WAY.labels(asked.kind, "built").inc()
    with metrics.deciding(asked.kind):
        try:
            return apart.done(partial(_by_framework, request_id, build))
        except (OAuth2Error, DomainError):
            return None


def _by_framework(request_id: str, work: Callable[[], Built]) -> Built:
    with _framework(request_id):
        return work()


def _body(answer: Iterable[bytes]) -> bytes | None:
    """Of an answer that is there as a whole."""
    if isinstance(answer, list):
        return b"".join(answer)
    return answer.content if isinstance(answer, HttpResponse) else None


@contextmanager
def _framework(request_id: str) -> Iterator[None]:
    """Its connection is given back afterwards, and what it logs carries the id of the request."""
    clear_contextvars()
    bind_contextvars(request_id=request_id)
    try:
        yield
    finally:
        if not connection.in_atomic_block:  # of a test
            close_old_connections()
