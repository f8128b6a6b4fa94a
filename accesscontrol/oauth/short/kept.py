"""What a process remembers between requests: bounded, without secrets, and never believed unconfirmed."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from accesscontrol.oauth.clients.own_keys import Registered, signer_among
from accesscontrol.oauth.realms import Address
from accesscontrol.oauth.short.asked import Asked
from accesscontrol.oauth.short.signing import Signer
from accesscontrol.oauth.short.versions import Version
from applications import hashers
from applications.usage import Use

MOST_PROOFS = 20
Kept = TypeVar("Kept")


class Shelf(Generic[Kept]):
    """The things that were used last, at most so many; ``owner`` tells from a key whose it is.

    When it is full, something goes of whoever has most there: a client that fills it pushes out its own.
    Writers take turns; a look takes none, each of its acts is a dictionary's own.
    """

    def __init__(self, most: int, *, owner: Callable[[Any], str]) -> None:
        self._most, self._owner = most, owner
        self._kept: dict[Hashable, Kept] = {}
        self._of: OrderedDict[str, OrderedDict[Hashable, None]] = OrderedDict()  # used last: at the end
        self._turn = threading.Lock()

    def get(self, key: Hashable) -> Kept | None:
        """What stands there; it was used by that."""
        found = self._kept.get(key)
        if found is not None:
            with suppress(KeyError):  # another thread has taken it away
                owner = self._owner(key)
                self._of[owner].move_to_end(key)
                self._of.move_to_end(owner)
        return found

    def put(self, key: Hashable, value: Kept) -> None:
        """In the place of what stood there."""
        owner = self._owner(key)
        with self._turn:
            self._kept[key] = value
            self._of.setdefault(owner, OrderedDict())[key] = None
            while len(self._kept) > self._most:
                self._give_way()

    def _give_way(self) -> None:
        """Among those who have most, the one who was there longest ago gives what was used longest ago."""
        most = max([*self._of.values()], key=len)  # a copy, made at once: a look may move an owner meanwhile
        key, _ = most.popitem(last=False)
        self._take(key)

    def drop(self, key: Hashable) -> None:
        """It is not there afterwards."""
        with self._turn:
            self._take(key)

    def _take(self, key: Hashable) -> None:
        owner = self._owner(key)
        self._kept.pop(key, None)
        theirs = self._of.get(owner)
        if theirs is not None:
            theirs.pop(key, None)
            if not theirs:
                self._of.pop(owner, None)

    def clear(self) -> None:
        with self._turn:
            self._kept.clear()
            self._of.clear()

    def __len__(self) -> int:
        return len(self._kept)


@dataclass(slots=True)
class Holder:
    """A living secret or key: whose last use is noted, until when it proves, and when it was noted."""

    id: UUID
    until: datetime | None
    noted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Proofs:
    """With what a request is compared before anything is asked: digests of secrets, with the numbers of
    their peppers, or the keys that sign assertions."""

    digests: tuple[tuple[str, int], ...] = ()
    keys: tuple[Registered, ...] = ()

    def of(self, asked: Asked) -> str | None:
        """By what it is proved; compared in constant time."""
        if asked.assertion is not None:
            key = signer_among(self.keys, asked.assertion)
            return str(key.id) if key else None
        found = None
        for digest, pepper in self.digests:
            if hashers.matches(asked.secret, digest, pepper):
                found = digest
        return found


@dataclass(frozen=True, slots=True)
class Ground:
    """On what an answer rests: facts under these keys at this version, within this span."""

    keys: bytes
    version: Version
    since: datetime
    until: datetime
    holders: Mapping[str, Holder]  # by the digest of the secret, or the id of the key
    proofs: Proofs
    audiences: frozenset[str]  # of assertions

    def covers(self, at: datetime) -> bool:
        """Whether nothing was planned to change since it was read."""
        return self.since <= at < self.until


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """All of a token but its moments, its id and its signature."""

    ground: Ground
    life: timedelta
    falls_at: datetime
    before: bytes  # the claims up to ``exp``
    after: bytes
    scope: bytes  # as JSON
    signer: Signer
    uses: Sequence[Use]


@dataclass(frozen=True, slots=True)
class StandingAnswer:
    """What introspection says of every token of one bearer for this client, besides its claims."""

    ground: Ground
    verifying: Mapping[str, datetime | None]  # key ids, and until when each verifies
    members: Mapping[str, Any]


@dataclass(slots=True)
class Known:
    """A kind of request that the long way has answered with yes, and how.

    Whoever presents something else than ``proofs`` is unknown here, before anything is asked or built.
    """

    address: Address
    form: Mapping[str, str]
    headers: Sequence[tuple[str, str]]
    route: str
    tenant: str
    home: str = ""  # the tenant that owns the client
    line: str = ""  # in the log, as far as it is the same for every such request
    proofs: Proofs = Proofs()
    token: TokenAnswer | None = None

    def learn(self, secret: str) -> None:
        """The long way has just found that this one is right."""
        pepper = max(hashers.peppers())
        known = self.proofs.digests[: MOST_PROOFS - 1]
        self.proofs = Proofs(((hashers.digest(secret, pepper), pepper), *known))

    def learn_keys(self, keys: Sequence[Registered]) -> None:
        """The same of assertions. What was built before there was such a key is built anew."""
        self.proofs, self.token = Proofs(keys=tuple(keys)), None


@dataclass(slots=True)
class Presented:
    """An access token that we signed: verified once, by the digest of its text."""

    claims: Mapping[str, Any]
    kid: str
    bearer: tuple[Hashable, ...]  # all of it that the decision asks for
    revocation: int
    said: tuple[StandingAnswer, bytes] | None = field(default=None)
