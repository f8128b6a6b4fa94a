"""What a process remembers between requests: bounded, without secrets, and never believed unconfirmed."""

from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from accesscontrol.oauth.realms import Address
from accesscontrol.oauth.short.signing import Signer
from accesscontrol.oauth.short.versions import Version
from applications import hashers
from applications.usage import Use

MOST_PROOFS = 20
Kept = TypeVar("Kept")


class Shelf(Generic[Kept]):
    """The things that were used last, at most so many. Each single act is one of the dictionary's own."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, Kept] = OrderedDict()

    def get(self, key: Hashable) -> Kept | None:
        """What stands there; it was used by that."""
        found = self._kept.get(key)
        if found is not None:
            with suppress(KeyError):  # another thread has taken it away
                self._kept.move_to_end(key)
        return found

    def put(self, key: Hashable, value: Kept) -> None:
        """In the place of what stood there. The one that was used longest ago goes."""
        self._kept[key] = value
        while len(self._kept) > self._most:
            try:
                self._kept.popitem(last=False)
            except KeyError:
                return

    def drop(self, key: Hashable) -> None:
        """It is not there afterwards."""
        self._kept.pop(key, None)

    def clear(self) -> None:
        self._kept.clear()

    def __len__(self) -> int:
        return len(self._kept)


@dataclass(slots=True)
class Holder:
    """A living secret: whose last use is noted, until when it proves, and when it was noted."""

    id: UUID
    pepper: int
    until: datetime | None
    noted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Ground:
    """On what an answer rests: facts under these keys at this version, within this span."""

    keys: bytes
    version: Version
    since: datetime
    until: datetime
    holders: Mapping[str, Holder]  # by the digest of the secret

    def proofs(self) -> tuple[tuple[str, int], ...]:
        """What a secret is compared with before anything is asked."""
        return tuple((digest, holder.pepper) for digest, holder in self.holders.items())

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

    ``proofs`` are digests, with the numbers of their peppers: whoever presents something else is unknown
    here, before anything is asked or built for him.
    """

    address: Address
    form: Mapping[str, str]
    headers: Sequence[tuple[str, str]]
    route: str
    tenant: str
    home: str = ""  # the tenant that owns the client
    proofs: tuple[tuple[str, int], ...] = ()
    token: TokenAnswer | None = None

    def learn(self, secret: str) -> None:
        """The long way has just found that this one is right."""
        if self.proved(secret) is None:
            pepper = max(hashers.peppers())
            self.proofs = ((hashers.digest(secret, pepper), pepper), *self.proofs[: MOST_PROOFS - 1])

    def proved(self, secret: str) -> str | None:
        """The digest of a secret that is one of those known; compared in constant time."""
        found = None
        for digest, pepper in self.proofs:
            if hashers.matches(secret, digest, pepper):
                found = digest
        return found


@dataclass(slots=True)
class Presented:
    """An access token that we signed: verified once, by the digest of its text."""

    claims: Mapping[str, Any]
    kid: str
    bearer: tuple[Hashable, ...]  # all of it that the decision asks for
    revocation: int
    said: tuple[StandingAnswer, bytes] | None = field(default=None)
