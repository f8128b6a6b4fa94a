"""Signing keys, the ring that seals them, and peppers: states, moments and numbers. No byte of a secret."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Count

from accesscontrol.actions import keys as actions
from accesscontrol.actions import rotation
from accesscontrol.models import SigningKey
from accesscontrol.models.keys import ALGORITHMS, KeyState
from applications import hashers
from applications.actions import webhook_secrets
from applications.models import ClientSecret
from iam_portal import sealing
from tenants.actions import resealing


@dataclass(frozen=True, slots=True)
class Key:
    """One signing key. ``sealed_by``: which key of the ring opens its private part, 1 the newest."""

    kid: str
    algorithm: str
    state: KeyState
    published_at: datetime
    active_from: datetime
    retired_at: datetime | None
    withdrawn_at: datetime | None
    has_private: bool
    sealed_by: int | None

    @property
    def readable(self) -> bool:
        """Whether it can sign, or need not any more."""
        return not self.has_private or self.sealed_by is not None


@dataclass(frozen=True, slots=True)
class Sealing:
    """One key of the ring by its place, and how many private parts it sealed."""

    place: int
    sealed: int


@dataclass(frozen=True, slots=True)
class Pepper:
    """One pepper by its number, and how many living secrets of clients need it."""

    number: int
    newest: bool
    known: bool  # False: secrets were digested with one that is not in the settings any more
    secrets: int


@dataclass(frozen=True, slots=True)
class Turn:
    """What a rotation of one algorithm does: the earliest moment, and what signs until then."""

    algorithm: str
    signer: str
    due_at: datetime | None  # when the job would plan the next by itself to sign
    planned_at: datetime | None  # of one that is published already
    usual_at: datetime
    soonest_at: datetime


def signing_keys(*, at: datetime) -> list[Key]:
    """Those that matter first: what signs, what will, what only verifies, what is withdrawn."""
    order = list(KeyState)
    rank = {state: place for place, state in enumerate([order[1], order[0], *order[2:]])}
    found = [_key(row, at) for row in SigningKey.objects.all()]
    return sorted(found, key=lambda key: (rank[key.state], key.algorithm, key.active_from, key.kid))


def without_signer(*, at: datetime) -> list[str]:
    """The algorithms that this process cannot sign with now."""
    return actions.without_signer(at=at)


def ring(keys: Sequence[Key]) -> list[Sealing]:
    """Each key of ``PORTAL_ENCRYPTION_KEYS``; how many signing keys still need it."""
    counted = Counter(key.sealed_by for key in keys if key.has_private)
    places = range(1, len(settings.PORTAL_ENCRYPTION_KEYS) + 1)
    return [Sealing(place, counted[place]) for place in places]


def needed(*, at: datetime) -> dict[str, Counter[int | None]]:
    """Of each kind that is sealed, how many each key of the ring opens, 1 the newest; ``None``: none does."""
    return {
        "signing keys": Counter(key.sealed_by for key in signing_keys(at=at) if key.has_private),
        "webhook secrets": webhook_secrets.needed(),
        "authenticator apps": resealing.needed(),
        "identity providers": resealing.needed_providers(),
        "notes and anchors of history": resealing.needed_history(),
    }


def peppers(*, at: datetime) -> list[Pepper]:
    """Of the settings, and those that living secrets name although they are gone."""
    known = hashers.peppers()
    rows = ClientSecret.objects.not_over(at).order_by("pepper").values_list("pepper").annotate(Count("id"))
    living = dict(rows)
    return [
        Pepper(number, number == max(known), number in known, living.get(number, 0))
        for number in sorted({*known, *living}, reverse=True)
    ]


def turns(keys: Sequence[Key], *, at: datetime) -> list[Turn]:
    """What a rotation would do now."""
    return [turn for name in ALGORITHMS if (turn := _turn(name, keys, at)) is not None]


def _turn(algorithm: str, keys: Sequence[Key], at: datetime) -> Turn | None:
    own = [key for key in keys if key.algorithm == algorithm]
    signer = next((key for key in own if key.state is KeyState.ACTIVE), None)
    following = next((key for key in own if key.state is KeyState.NEXT), None)
    if signer is None:
        return None
    return Turn(
        algorithm,
        signer.kid,
        signer.active_from + settings.SIGNING_KEY_LIFE if signer.retired_at is None else None,
        following.active_from if following else None,
        following.active_from if following else at + settings.SIGNING_KEY_AHEAD,
        rotation.soonest(published_at=following.published_at if following else at, at=at),
    )


def _key(row: SigningKey, at: datetime) -> Key:
    place = sealing.place_of(row.private_sealed) if row.private_sealed else None
    moments = (row.created_at, row.active_from, row.retired_at, row.withdrawn_at)
    return Key(row.kid, row.algorithm, row.state(at), *moments, bool(row.private_sealed), place)
