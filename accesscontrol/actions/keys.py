"""Signing keys as a process holds them: parsed once, by the moments of their rows.

A key signs from ``active_from`` until ``retired_at`` and verifies until ``withdrawn_at``; what is planned
needs nobody to carry it out. Every process keeps the parsed set and looks at the table again at most every
few seconds, and when a token names a key that it does not know. Who makes and ends keys:
:mod:`accesscontrol.actions.rotation`.
"""

import json
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import structlog
from joserfc.jwk import ECKey, RSAKey

from accesscontrol.models import SigningKey
from accesscontrol.models.keys import ALGORITHMS
from iam_portal import sealing
from iam_portal.errors import DomainError

__all__ = ["ALGORITHMS", "MAX_AGE", "NoSigningKey", "ParsedKey", "jwks", "signing_key", "verifying_key"]

MAX_AGE = 300  # seconds for which others may keep the JWK set: as long as a token lives
LOOK_AGAIN = 5.0  # seconds for which a set is believed
LOOK_FOR_UNKNOWN = 1.0  # the same, for a token that names an unknown key: made-up ids must not cost a query
PUBLIC = frozenset({"kty", "use", "alg", "kid", "crv", "x", "y", "n", "e"})  # all that leaves this process
MOMENTS = ("active_from", "retired_at", "withdrawn_at")
_KINDS: Mapping[str, type[ECKey] | type[RSAKey]] = {"ES256": ECKey, "RS256": RSAKey}

log = structlog.get_logger("iam.keys")


class NoSigningKey(DomainError):
    """No key of the algorithm may sign now, or none can be read."""

    code = "no_signing_key"


@dataclass(frozen=True, slots=True)
class ParsedKey:
    """A key as this process holds it. ``private`` is missing where it was forgotten or cannot be read."""

    kid: str
    algorithm: str
    public_jwk: Mapping[str, Any]
    public: ECKey | RSAKey
    private: ECKey | RSAKey | None
    active_from: datetime
    retired_at: datetime | None
    withdrawn_at: datetime | None

    def signs(self, at: datetime) -> bool:
        """Whether new tokens are signed with it at the moment."""
        ended = self.retired_at is not None and self.retired_at <= at
        return self.private is not None and self.active_from <= at and not ended and self.verifies(at)

    def verifies(self, at: datetime) -> bool:
        """Whether it is in the set that verifiers see."""
        return self.withdrawn_at is None or at < self.withdrawn_at


@dataclass(slots=True)
class _Held:
    """The set of this process, newest last. Replaced as a whole, so that readers need no lock."""

    keys: dict[str, ParsedKey] = field(default_factory=dict)
    looked_at: float = float("-inf")  # of the monotonic clock


_held = _Held()
_refreshing = threading.Lock()


def signing_key(*, algorithm: str, at: datetime) -> ParsedKey:
    """The key of the algorithm that signs at the moment.

    There is one at most. Only a clock that is behind what was planned sees none: then it looks again.
    """
    for believed in (LOOK_AGAIN, LOOK_FOR_UNKNOWN):
        for key in _known(at, believed).values():
            if key.algorithm == algorithm and key.signs(at):
                return key
    raise NoSigningKey(f"There is no {algorithm} key to sign with. Run the migrations of this installation.")


def verifying_key(kid: str, *, at: datetime) -> ParsedKey | None:
    """The key of that id while it may verify; ``None`` for an unknown or withdrawn one."""
    key = _known(at, LOOK_AGAIN).get(kid) or _known(at, LOOK_FOR_UNKNOWN).get(kid)
    return key if key and key.verifies(at) else None


def jwks(*, at: datetime) -> dict[str, list[dict[str, Any]]]:
    """The JWK set (RFC 7517 §5): public parts of every key that verifies now or will sign soon."""
    held = [key for key in _known(at, LOOK_AGAIN).values() if key.verifies(at)]
    return {"keys": [{name: key.public_jwk[name] for name in sorted(key.public_jwk)} for key in held]}


def as_of_now(*, at: datetime) -> dict[str, ParsedKey]:
    """The keys that verify, as the transaction of the caller sees them; the set of the process stays."""
    return _read(at, _held.keys)


def without_signer(*, at: datetime) -> list[str]:
    """The algorithms that this process cannot sign with now."""
    return [algorithm for algorithm in ALGORITHMS if not _signs(algorithm, at)]


def forget() -> None:
    """Let the next question read the table."""
    _held.looked_at = float("-inf")


def seal(private_jwk: Mapping[str, Any]) -> str:
    """Encrypt with the newest key of the ring in ``PORTAL_ENCRYPTION_KEYS``."""
    return sealing.seal(json.dumps(private_jwk))


def unseal(sealed: str) -> dict[str, Any]:
    """Decrypt with whichever key of the ring fits."""
    opened: dict[str, Any] = json.loads(sealing.unseal(sealed))
    return opened


def _signs(algorithm: str, at: datetime) -> bool:
    try:
        signing_key(algorithm=algorithm, at=at)
    except NoSigningKey:
        return False
    return True


def _known(at: datetime, believed: float) -> dict[str, ParsedKey]:
    """The keys that verify; read again when the set is older than ``believed`` seconds."""
    if time.monotonic() - _held.looked_at >= believed:
        with _refreshing:
            if time.monotonic() - _held.looked_at >= believed:
                _held.keys = _read(at, _held.keys)
                _held.looked_at = time.monotonic()
    return _held.keys


def _read(at: datetime, known: Mapping[str, ParsedKey]) -> dict[str, ParsedKey]:
    """One small query; keys are fetched and parsed only when they are new here."""
    living = SigningKey.objects.verifying(at).order_by("active_from", "kid")
    moments = {kid: spent for kid, *spent in living.values_list("kid", *MOMENTS)}
    parsed = {**known, **_parsed(kid for kid in moments if kid not in known)}
    return {
        kid: replace(parsed[kid], **dict(zip(MOMENTS, spent, strict=True)))
        for kid, spent in moments.items()
        if kid in parsed
    }


def _parsed(kids: Iterable[str]) -> dict[str, ParsedKey]:
    wanted = list(kids)
    found = SigningKey.objects.in_bulk(wanted) if wanted else {}
    return {kid: _parse(row) for kid, row in found.items()}


def _parse(row: SigningKey) -> ParsedKey:
    """What cannot be unsealed (a key of the ring is missing) still verifies, and is told in the log."""
    public_jwk = {name: value for name, value in row.public_jwk.items() if name in PUBLIC}
    kind, private = _KINDS[row.algorithm], None
    if row.private_sealed:
        try:
            private = kind.import_key(unseal(row.private_sealed))
        except sealing.InvalidToken:
            log.error("signing_key_unreadable", kid=row.kid)
    public = kind.import_key(public_jwk)
    moments = (row.active_from, row.retired_at, row.withdrawn_at)
    return ParsedKey(row.kid, row.algorithm, public_jwk, public, private, *moments)
