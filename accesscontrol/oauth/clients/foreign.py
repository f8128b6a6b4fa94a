"""Keys that lie at an address of somebody else: fetched seldom, kept while they can be believed.

Every process keeps its own. A slow or hostile host costs little: a thread of its own fetches, and no more
than ``WAITING`` of those that serve the web wait for one, in bounded time; who finds no place is answered by
what is kept, and the fetch goes on in its own. No lock and no transaction is held meanwhile.
"""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol
from uuid import UUID

from django.conf import settings

from accesscontrol.oauth.clients.jwks import PublicKey, public_keys
from applications.delivery.addresses import of_keys
from applications.delivery.fetching import Unfetched, document

BELIEVED = 300.0  # seconds for which a set is not asked for again
KEPT = 3_600.0  # the same, while asking fails
QUICK = 1.0  # the same: whose last answer took longer, or never came, is not waited for again
AGAIN = 30.0  # at least so long between two attempts, also for a key that is not in the set
SETS = 1_000  # kept by one process
SETS_OF_ONE = 50  # of them for clients of one organization: it pushes its own out, not those of others
WAITING = 1  # of its threads for the web, of which there are two or more
FETCHING = 32  # at once: threads that wait for others' hosts, so that some slow ones take nobody's place
FETCHING_FOR_ONE = 2  # at once, of them for clients of one organization
DISCOVERY = "/.well-known/openid-configuration"
log = logging.getLogger("iam.oauth")


class Fetched(Protocol):
    """What can be fetched and kept; two that are equal are one."""

    def fetch(self) -> tuple[Any, ...]:
        """What is there now; Unfetched where there is nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Source:
    """Where keys are: at the address of a set, or of an issuer, whose discovery names it."""

    url: str
    discovers: bool = False

    def fetch(self) -> tuple[PublicKey, ...]:
        """The keys that are there now; Unfetched where there are none."""
        url = self.url
        if self.discovers:
            found = document(url.rstrip("/") + DISCOVERY, reach=of_keys())
            # OpenID Connect Discovery §4.3: else one issuer could name the keys of another.
            if found.get("issuer") != url or not isinstance(found.get("jwks_uri"), str):
                raise Unfetched("other_issuer")
            url = found["jwks_uri"]
        keys = public_keys(document(url, reach=of_keys()))
        if not keys:
            raise Unfetched("no_keys")
        return keys


@dataclass(slots=True)
class _Held:
    """What this process knows of a source. Moments are of the monotonic clock."""

    keys: tuple[Any, ...] = ()
    fetched_at: float = float("-inf")
    asked_at: float = float("-inf")
    quick: bool = True
    running: "Future[None] | None" = None
    owner_id: UUID | None = None


@dataclass(slots=True)
class _Store:
    held: "OrderedDict[Fetched, _Held]" = field(default_factory=OrderedDict)
    fetching: dict[UUID, int] = field(default_factory=dict)
    changing: threading.Lock = field(default_factory=threading.Lock)
    places: threading.Semaphore = field(default_factory=partial(threading.Semaphore, WAITING))
    clock: Callable[[], float] = time.monotonic


_store = _Store()


def keys(source: Source, *, owner_id: UUID) -> tuple[PublicKey, ...]:
    """The keys of the source; none while they cannot be had. ``owner_id``: whose client asks for them."""
    return known(source, owner_id=owner_id)


def known(source: Fetched, *, owner_id: UUID) -> tuple[Any, ...]:
    """What lies there, of any kind, by the same rules; nothing while it cannot be had."""
    held = _held(source, owner_id)
    if _store.clock() - held.fetched_at >= BELIEVED:
        _renew(source, held, owner_id)
    return held.keys if _store.clock() - held.fetched_at < KEPT else ()


def newer_keys(source: Source, *, owner_id: UUID) -> tuple[PublicKey, ...]:
    """The same, because a key is named that was not among them: made-up names must not cost a fetch each."""
    _renew(source, _held(source, owner_id), owner_id)
    return keys(source, owner_id=owner_id)


def forget() -> None:
    """Let the next question fetch."""
    with _store.changing:
        _store.held.clear()


def _held(source: Fetched, owner_id: UUID) -> _Held:
    with _store.changing:
        held = _store.held.get(source)
        if held is None:
            own = [known for known, each in _store.held.items() if each.owner_id == owner_id]
            for oldest in own[: max(0, len(own) - SETS_OF_ONE + 1)]:
                del _store.held[oldest]
            held = _store.held[source] = _Held(owner_id=owner_id)
        _store.held.move_to_end(source)
        while len(_store.held) > SETS:
            _store.held.popitem(last=False)
    return held


def _renew(source: Fetched, held: _Held, owner_id: UUID) -> None:
    """Have it fetched, unless that was tried just now, and wait for it where there is a place to wait.

    Nobody holds threads of the web for long by many slow addresses: each is waited for once.
    """
    worth_it = held.quick
    running = _running(source, held, owner_id)
    if running is None or not worth_it:
        return
    with _place() as found:
        if found:
            wait_for([running], timeout=settings.FOREIGN_WHOLE_SECONDS)


def _running(source: Fetched, held: _Held, owner_id: UUID) -> "Future[None] | None":
    """The fetch that is on its way, or a new one. None when it is too early, or too many are on theirs."""
    with _store.changing:
        if held.running is not None:
            return held.running
        busy = _store.fetching.get(owner_id, 0)
        if busy >= FETCHING_FOR_ONE or sum(_store.fetching.values()) >= FETCHING:
            return None
        if _store.clock() - held.asked_at < AGAIN:
            return None
        _store.fetching[owner_id] = busy + 1
        held.asked_at = _store.clock()
        running: Future[None] = Future()
        held.running = running
    fetch = partial(_fetch, source, held, owner_id, running)
    threading.Thread(target=fetch, name="foreign-keys", daemon=True).start()
    return running


def _fetch(source: Fetched, held: _Held, owner_id: UUID, running: "Future[None]") -> None:
    found: tuple[Any, ...] = ()
    began = time.monotonic()
    try:
        found = source.fetch()
    except Unfetched as unfetched:
        # The address is an administrator's, and may hold what is nobody's business: it stays out.
        log.warning("keys of a client could not be fetched: %s", unfetched.word)
    except Exception:
        log.exception("keys of a client could not be fetched")
    finally:
        with _store.changing:
            if found:
                held.keys, held.fetched_at = found, _store.clock()
            held.quick = bool(found) and time.monotonic() - began < QUICK
            held.running = None
            _store.fetching[owner_id] -= 1
            if not _store.fetching[owner_id]:
                del _store.fetching[owner_id]
        running.set_result(None)


@contextmanager
def _place() -> Iterator[bool]:
    """A place to wait, or none; nobody waits for a place."""
    found = _store.places.acquire(blocking=False)
    try:
        yield found
    finally:
        if found:
            _store.places.release()
