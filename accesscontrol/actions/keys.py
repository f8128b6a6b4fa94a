"""Signing keys: made once, sealed at rest, parsed once per process.

A key signs from ``active_from`` until ``retired_at`` and verifies until ``withdrawn_at``. Every process
keeps the parsed set and looks at the table again at most every few seconds, and when a token names a key
that it does not know.
"""

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from joserfc.jwk import ECKey, KeyParameters, RSAKey

from accesscontrol.models import SigningKey
from iam_portal import sealing
from iam_portal.errors import DomainError

ALGORITHMS = ("ES256", "RS256")
RSA_BITS = 2048
MOMENTS = ("active_from", "retired_at", "withdrawn_at")
LOOK_AGAIN = 5.0  # seconds for which a set is believed
LOOK_FOR_UNKNOWN = 1.0  # the same, for a token that names an unknown key: made-up ids must not cost a query


class NoSigningKey(DomainError):
    """The installation has no key that may sign now; ``portal.install`` makes the first."""

    code = "no_signing_key"


@dataclass(frozen=True, slots=True)
class ParsedKey:
    """A key as this process holds it. ``private`` also verifies."""

    kid: str
    algorithm: str
    public_jwk: Mapping[str, Any]
    private: ECKey | RSAKey
    active_from: datetime
    retired_at: datetime | None
    withdrawn_at: datetime | None

    def signs(self, at: datetime) -> bool:
        """Whether new tokens are signed with it at the moment."""
        ended = self.retired_at is not None and self.retired_at <= at
        return self.active_from <= at and not ended and self.verifies(at)

    def verifies(self, at: datetime) -> bool:
        """Whether it is in the set that verifiers see: until it is withdrawn."""
        return self.withdrawn_at is None or at < self.withdrawn_at


@dataclass(slots=True)
class _Held:
    """The set of this process, newest last. Replaced as a whole, so that readers need no lock."""

    keys: dict[str, ParsedKey] = field(default_factory=dict)
    looked_at: float = float("-inf")  # of the monotonic clock


_IMPORTED: Mapping[str, type[ECKey] | type[RSAKey]] = {"ES256": ECKey, "RS256": RSAKey}
_held = _Held()
_refreshing = threading.Lock()


def ensure(*, at: datetime) -> None:
    """Make the first key of each algorithm where none signs. Idempotent; two processes at once take turns."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('iam:signing-keys', 0))")
        signing = SigningKey.objects.filter(Q(retired_at=None) | Q(retired_at__gt=at), active_from__lte=at)
        for algorithm in ALGORITHMS:
            if not signing.filter(algorithm=algorithm, withdrawn_at=None).exists():
                _make(algorithm, at)
    forget()


def signing_key(*, algorithm: str, at: datetime) -> ParsedKey:
    """The key of the algorithm that signs at the moment: the one that became active last."""
    candidates = _signers(_known(at, LOOK_AGAIN), algorithm, at)
    if not candidates:
        candidates = _signers(_known(at, LOOK_FOR_UNKNOWN), algorithm, at)
    if not candidates:
        raise NoSigningKey("There is no key to sign with. Run the migrations of this installation.")
    return max(candidates, key=lambda key: (key.active_from, key.kid))


def verifying_key(kid: str, *, at: datetime) -> ParsedKey | None:
    """The key of that id while it may verify; ``None`` for an unknown or withdrawn one."""
    key = _known(at, LOOK_AGAIN).get(kid) or _known(at, LOOK_FOR_UNKNOWN).get(kid)
    return key if key and key.verifies(at) else None


def jwks(*, at: datetime) -> dict[str, list[dict[str, Any]]]:
    """The JWK set (RFC 7517 §5): public parts of every key that verifies now or will sign soon."""
    held = _known(at, LOOK_AGAIN).values()
    return {"keys": [dict(key.public_jwk) for key in held if key.verifies(at)]}


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


def _make(algorithm: str, at: datetime) -> None:
    key = _generate(algorithm)
    row = SigningKey(
        kid=str(key.kid),
        algorithm=algorithm,
        public_jwk=key.as_dict(private=False),
        private_sealed=seal(key.as_dict(private=True)),
        created_at=at,
        active_from=at,
    )
    row.full_clean()
    row.save(force_insert=True)


def _generate(algorithm: str) -> ECKey | RSAKey:
    """A key whose id is its thumbprint (RFC 7638). RSA takes long: never in a request."""
    names: KeyParameters = {"use": "sig", "alg": algorithm}
    if algorithm == "RS256":
        return RSAKey.generate_key(RSA_BITS, names, auto_kid=True)
    return ECKey.generate_key("P-256", names, auto_kid=True)


def _signers(held: Mapping[str, ParsedKey], algorithm: str, at: datetime) -> list[ParsedKey]:
    return [key for key in held.values() if key.algorithm == algorithm and key.signs(at)]


def _known(at: datetime, believed: float) -> dict[str, ParsedKey]:
    """The keys that verify; read again when the set is older than ``believed`` seconds."""
    if time.monotonic() - _held.looked_at >= believed:
        with _refreshing:
            if time.monotonic() - _held.looked_at >= believed:
                _held.keys = _read(at, _held.keys)
                _held.looked_at = time.monotonic()
    return _held.keys


def _read(at: datetime, known: Mapping[str, ParsedKey]) -> dict[str, ParsedKey]:
    """One small query; private keys are fetched and parsed only when they are new here."""
    living = SigningKey.objects.filter(Q(withdrawn_at=None) | Q(withdrawn_at__gt=at))
    rows = list(living.order_by("active_from", "kid").values_list("kid", *MOMENTS))
    new = [kid for kid, *_ in rows if kid not in known]
    fetched = SigningKey.objects.in_bulk(new) if new else {}
    found: dict[str, ParsedKey] = {}
    for kid, *moments in rows:
        if kid in fetched:
            row = fetched[kid]
            private = _IMPORTED[row.algorithm].import_key(unseal(row.private_sealed))
            found[kid] = ParsedKey(kid, row.algorithm, row.public_jwk, private, *moments)
        else:
            found[kid] = replace(known[kid], **dict(zip(MOMENTS, moments, strict=True)))
    return found
