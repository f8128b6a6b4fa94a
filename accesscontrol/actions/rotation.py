"""The life of signing keys: made, published, signing, retiring, withdrawn. One lock orders all of it.

A rotation is one transaction that writes moments which lie ahead: the next key's beginning is the end of the
one that signs. Whatever is killed at whatever point, the keys go on as the last committed plan says.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from joserfc.jwk import ECKey, KeyParameters, RSAKey

from accesscontrol.actions import keys
from accesscontrol.models import SigningKey
from accesscontrol.models.keys import ALGORITHMS, KeyState
from iam_portal import sealing
from iam_portal.decision import rfc3339
from iam_portal.errors import Invalid, NotFound
from iam_portal.gate import Actor
from iam_portal.sentences import said
from iam_portal.walls import tenant_scope
from tenants import history
from tenants.models import Tenant

RSA_BITS = 2048
# What others keep is as old as they may keep it, and as a process of ours believed its set before.
PUBLISHED_FOR = timedelta(seconds=keys.MAX_AGE + 60)
# A change of plan has to have reached every process, whose clock may be behind, before it takes effect.
KNOWN_AFTER = timedelta(seconds=15)
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('iam:signing-keys', 0))"


@dataclass(frozen=True, slots=True)
class Replaced:
    """A key that was withdrawn at once, and which one signs now (published since when)."""

    kid: str
    algorithm: str
    signer: str
    published_at: datetime


def ensure(*, at: datetime) -> None:
    """Let a key of each algorithm sign. Idempotent; two processes at once take turns."""
    with _turn():
        for algorithm in ALGORITHMS:
            _fill(algorithm, by=Actor.system("installation"), at=at)


def plan(
    *, algorithms: Collection[str], by: Actor, at: datetime, begins_at: datetime | None = None
) -> list[SigningKey]:
    """Publish the next key of each algorithm; it signs from ``begins_at``, or when the settings say.

    One that is planned already stays as it is, or is moved to ``begins_at``. Refuses a moment at which a
    verifier could still hold a set without it, and one so late that the present key would grow old.
    """
    with _turn():
        if begins_at is not None:
            first, last = max(_soonest(name, at) for name in algorithms), at + settings.SIGNING_KEY_LIFE
            if not first <= begins_at <= last:
                span = said(
                    "between %(first)s (verifiers know it by then) and %(last)s (its age)",
                    {"first": rfc3339(first), "last": rfc3339(last)},
                )
                raise Invalid(said("The next key may sign from a moment %(span)s.", {"span": span}))
        return [_plan(algorithm, begins_at, by, at) for algorithm in algorithms]


def plan_soonest(*, algorithms: Collection[str], by: Actor, at: datetime) -> list[SigningKey]:
    """The same, at the first moment at which no verifier refuses a token by it."""
    with _turn():
        return [_plan(algorithm, _soonest(algorithm, at), by, at) for algorithm in algorithms]


def withdraw(*, kids: Collection[str], by: Actor, at: datetime) -> list[Replaced]:
    """Stop believing keys that others may have, now. What they signed is refused from here on.

    All that are named go first, so that none takes the place of another. A key that was published before
    signs instead, else a new one. What is withdrawn already is left out of the answer.
    """
    with _turn():
        gone = [row for row in _named(kids) if row.state(at) is not KeyState.WITHDRAWN]
        for row in gone:
            _withdraw(row, by, at)
        signers = {name: _fill(name, by=by, at=at) for name in sorted({row.algorithm for row in gone})}
    return [
        Replaced(row.kid, row.algorithm, signers[row.algorithm].kid, signers[row.algorithm].created_at)
        for row in gone
    ]


def run(*, at: datetime) -> list[SigningKey]:
    """The job: plan the next key of each algorithm when the present one nears its age. What it planned.

    Idempotent. A job that was away for long gives the next key its full time ahead, and the old one signs on.
    """
    by, planned = Actor.system("rotation of signing keys"), []
    with _turn():
        for algorithm in ALGORITHMS:
            signer = _fill(algorithm, by=by, at=at)
            due = signer.active_from + settings.SIGNING_KEY_LIFE
            ahead = at + settings.SIGNING_KEY_AHEAD
            if due <= ahead and _planned(algorithm, at) is None:
                planned.append(_plan(algorithm, max(due, ahead), by, at))
        _forget_private(at)
    return planned


def reseal() -> sealing.Resealed:
    """Encrypt private parts with the newest key of the ring. What no key opens stays as it is."""
    done = sealing.Resealed()
    with _turn():
        for row in SigningKey.objects.exclude(private_sealed=""):
            try:
                sealed = sealing.reseal(row.private_sealed)
            except sealing.InvalidToken:
                done.unreadable += 1
                continue
            if sealed != row.private_sealed:
                done.changed += SigningKey.objects.filter(pk=row.pk).update(private_sealed=sealed)
    return done


@contextmanager
def _turn() -> Iterator[None]:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_LOCK)
        yield
        transaction.on_commit(keys.forget)  # a page's own transaction ends later than this one
    keys.forget()


def _named(kids: Collection[str]) -> list[SigningKey]:
    rows = list(SigningKey.objects.filter(kid__in=kids).order_by("kid"))
    if missing := sorted(set(kids) - {row.kid for row in rows}):
        raise NotFound(said("There is no such key: %(missing)s.", {"missing": ", ".join(missing)}))
    return rows


def _signer(algorithm: str, at: datetime) -> SigningKey | None:
    return SigningKey.objects.signing(at).filter(algorithm=algorithm).first()


def _planned(algorithm: str, at: datetime) -> SigningKey | None:
    return SigningKey.objects.planned(at).filter(algorithm=algorithm, retired_at=None).first()


def soonest(*, published_at: datetime, at: datetime) -> datetime:
    """From when on everybody knows a key that was published then, and every process its beginning."""
    return max(published_at + PUBLISHED_FOR, at + KNOWN_AFTER)


def _soonest(algorithm: str, at: datetime) -> datetime:
    following = _planned(algorithm, at)
    return soonest(published_at=following.created_at if following else at, at=at)


def _plan(algorithm: str, begins_at: datetime | None, by: Actor, at: datetime) -> SigningKey:
    signer, following = _fill(algorithm, by=by, at=at), _planned(algorithm, at)
    if following is None:
        following = _new(algorithm, begins_at or at + settings.SIGNING_KEY_AHEAD, at)
        _save([_ending(signer, following.active_from), following])
        _record("planned", following, by, at)
    elif begins_at is not None and begins_at != following.active_from:
        earlier, former = begins_at < following.active_from, following.active_from
        following.active_from = begins_at
        both = [_ending(signer, begins_at), following]
        _save(both if earlier else both[::-1])  # at no point do two sign
        _record("moved", following, by, at, before={"activeFrom": rfc3339(former)})
    return following


def _fill(algorithm: str, *, by: Actor, at: datetime) -> SigningKey:
    """Whichever signs now; where none does, the one that was published for it, else a new one."""
    signer = _signer(algorithm, at)
    if signer is None:
        signer = _planned(algorithm, at) or _new(algorithm, at, at)
        signer.active_from = at
        _save([signer])
        _record("activated", signer, by, at)
    return signer


def _ending(row: SigningKey, at: datetime) -> SigningKey:
    row.retired_at, row.withdrawn_at = at, at + settings.SIGNING_KEY_KEPT
    return row


def _withdraw(row: SigningKey, by: Actor, at: datetime) -> None:
    state = row.state(at)
    following = state is KeyState.NEXT
    if state is not KeyState.RETIRING:
        row.retired_at = max(at, row.active_from)  # that of one that never signed is empty: no time at all
    row.withdrawn_at, row.private_sealed = at, ""
    signer = _signer(row.algorithm, at)
    _save([row])
    if following and signer is not None:
        signer.retired_at = signer.withdrawn_at = None  # it would end with nobody to follow
        _save([signer])
    _record("withdrawn", row, by, at, before={"state": state.value})


def _forget_private(at: datetime) -> None:
    """What signs no more needs no private part, and what is not there is not stolen."""
    over = SigningKey.objects.filter(retired_at__lte=at - PUBLISHED_FOR).exclude(private_sealed="")
    over.update(private_sealed="")


def _new(algorithm: str, begins_at: datetime, at: datetime) -> SigningKey:
    key = generate(algorithm)
    return SigningKey(
        kid=str(key.kid),
        algorithm=algorithm,
        public_jwk=key.as_dict(private=False),
        private_sealed=keys.seal(key.as_dict(private=True)),
        created_at=at,
        active_from=begins_at,
    )


def generate(algorithm: str) -> ECKey | RSAKey:
    """A key whose id is its thumbprint (RFC 7638). RSA may take a second: only jobs and operators wait."""
    names: KeyParameters = {"use": "sig", "alg": algorithm}
    while True:
        key = (
            RSAKey.generate_key(RSA_BITS, names, auto_kid=True)
            if algorithm == "RS256"
            else ECKey.generate_key("P-256", names, auto_kid=True)
        )
        if not str(key.kid).startswith("-"):  # a command line would take the id for an option
            return key


def _save(rows: Sequence[SigningKey]) -> None:
    for row in rows:
        row.full_clean()
        row.save()


def _record(
    verb: str, row: SigningKey, by: Actor, at: datetime, *, before: Mapping[str, object] | None = None
) -> None:
    platform = Tenant.objects.get(is_platform=True)
    moments = {"activeFrom": rfc3339(row.active_from), "withdrawnAt": rfc3339(row.withdrawn_at)}
    with tenant_scope(platform.id):
        history.record(
            action=f"signing_key.{verb}",
            tenants=[platform],
            by=by,
            at=at,
            subject=("signing_key", row.kid, str(row)),
            before=before,
            after={"kid": row.kid, "algorithm": row.algorithm, **moments},
        )
