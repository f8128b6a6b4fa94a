"""Signing keys: made once, sealed at rest, parsed once per process.

A key signs from ``active_from`` until ``retired_at`` and verifies until ``withdrawn_at``. Every process
keeps the parsed set and looks at the table again at most every few seconds, and when a token names a key
that it does not know.
"""

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from joserfc.jwk import ECKey

from accesscontrol.models import SigningKey
from iam_portal import sealing
from iam_portal.errors import DomainError

ALGORITHM = "ES256"
LOOK_AGAIN = 5.0  # seconds for which a set is believed
LOOK_FOR_UNKNOWN = 1.0  # the same, for a token that names an unknown key: made-up ids must not cost a query


class NoSigningKey(DomainError):
    """The installation has no key that may sign now; ``portal.install`` makes the first."""

    code = "no_signing_key"


@dataclass(frozen=True, slots=True)
class ParsedKey:
    """A key as this process holds it. ``private`` also verifies."""

    kid: str
    public_jwk: Mapping[str, Any]
    private: ECKey
    active_from: datetime
    retired_at: datetime | None

    def signs(self, at: datetime) -> bool:
        """Whether new tokens are signed with it at the moment."""
        return self.active_from <= at and (self.retired_at is None or at < self.retired_at)


@dataclass(slots=True)
class _Held:
    """The set of this process, newest last. Replaced as a whole, so that readers need no lock."""

    keys: dict[str, ParsedKey] = field(default_factory=dict)
    looked_at: float = float("-inf")  # of the monotonic clock


_held = _Held()
_refreshing = threading.Lock()


def ensure(*, at: datetime) -> None:
    """Make the first key where none signs. Idempotent; two processes at once take turns."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('iam:signing-keys', 0))")
        signing = SigningKey.objects.filter(Q(retired_at=None) | Q(retired_at__gt=at), active_from__lte=at)
        if not signing.filter(algorithm=ALGORITHM, withdrawn_at=None).exists():
            _make(at)
    forget()


def signing_key(*, at: datetime) -> ParsedKey:
    """The key that signs at the moment: the one that became active last."""
    candidates = [key for key in _known(at, LOOK_AGAIN).values() if key.signs(at)]
    if not candidates:
        candidates = [key for key in _known(at, LOOK_FOR_UNKNOWN).values() if key.signs(at)]
    if not candidates:
        raise NoSigningKey("There is no key to sign with. Run the migrations of this installation.")
    return max(candidates, key=lambda key: (key.active_from, key.kid))


def verifying_key(kid: str, *, at: datetime) -> ECKey | None:
    """The key of that id while it may verify; ``None`` for an unknown or withdrawn one."""
    key = _known(at, LOOK_AGAIN).get(kid) or _known(at, LOOK_FOR_UNKNOWN).get(kid)
    return key.private if key else None


def jwks(*, at: datetime) -> dict[str, list[dict[str, Any]]]:
    """The JWK set (RFC 7517 §5): public parts of every key that verifies now or will sign soon."""
    return {"keys": [dict(key.public_jwk) for key in _known(at, LOOK_AGAIN).values()]}


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


def _make(at: datetime) -> None:
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": ALGORITHM}, auto_kid=True)  # RFC 7638 thumbprint
    row = SigningKey(
        kid=str(key.kid),
        algorithm=ALGORITHM,
        public_jwk=key.as_dict(private=False),
        private_sealed=seal(key.as_dict(private=True)),
        created_at=at,
        active_from=at,
    )
    row.full_clean()
    row.save(force_insert=True)


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
    living = SigningKey.objects.filter(Q(withdrawn_at=None) | Q(withdrawn_at__gt=at), algorithm=ALGORITHM)
    rows = list(living.order_by("active_from", "kid").values_list("kid", "active_from", "retired_at"))
    new = [kid for kid, *_ in rows if kid not in known]
    fetched = SigningKey.objects.in_bulk(new) if new else {}
    found: dict[str, ParsedKey] = {}
    for kid, active_from, retired_at in rows:
        if kid in fetched:
            private = ECKey.import_key(unseal(fetched[kid].private_sealed))
            public: Mapping[str, Any] = fetched[kid].public_jwk
        else:
            private, public = known[kid].private, known[kid].public_jwk
        found[kid] = ParsedKey(kid, public, private, active_from, retired_at)
    return found
