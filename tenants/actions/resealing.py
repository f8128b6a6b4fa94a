"""A new encryption key: what tenants keep sealed is sealed by it, in all of them."""

from collections import Counter
from collections.abc import Iterator

from django.db import models, transaction

from iam_portal import sealing
from iam_portal.walls import cross_tenant
from tenants.models import (
    AuthenticatorApp,
    HistoryAnchor,
    HistoryCheck,
    IdentityProvider,
    ProviderSession,
)

_BATCH = 100
_APPS = ((AuthenticatorApp, "secret_sealed"),)
# Ours at identity providers, and the ID tokens with which people sign out there.
_PROVIDERS = ((IdentityProvider, "secret_sealed"), (ProviderSession, "leaving_sealed"))
# What proves that a chain was not laid anew: without its key no chain would hold.
_HISTORY = ((HistoryAnchor, "seal"), (HistoryCheck, "seal"))
Columns = tuple[tuple[type[models.Model], str], ...]


def reseal() -> sealing.Resealed:
    """Secrets of authenticator apps. Killed at any point, the next run goes on. The codes stay the same."""
    return _reseal(_APPS)


def reseal_history() -> sealing.Resealed:
    """Notes and anchors of history's chains; they go on saying what they said."""
    return _reseal(_HISTORY)


def reseal_providers() -> sealing.Resealed:
    """What identity providers know us by. The secrets stay the same."""
    return _reseal(_PROVIDERS)


def needed_providers() -> Counter[int | None]:
    """Likewise of these."""
    return _needed(_PROVIDERS)


def needed() -> Counter[int | None]:
    """How many apps' secrets each key of the ring still opens, 1 the newest; ``None``: no key does."""
    return _needed(_APPS)


def needed_history() -> Counter[int | None]:
    """Likewise of notes and anchors."""
    return _needed(_HISTORY)


def _needed(columns: Columns) -> Counter[int | None]:
    found: Counter[int | None] = Counter()
    with cross_tenant():
        for model, column in columns:
            values = model._default_manager.values_list(column, flat=True)
            found.update(map(sealing.place_of, values.iterator()))
    return found


def _reseal(columns: Columns) -> sealing.Resealed:
    done = sealing.Resealed()
    for model, column in columns:
        for batch in _batches(model):
            for row in batch:
                _one(model, row, column, done)
    return done


def _batches(model: type[models.Model]) -> Iterator[list[models.Model]]:
    """Each locked, in a transaction of its own that ends when the next is asked for."""
    after = None
    while True:
        with transaction.atomic(), cross_tenant():
            rows = model._default_manager.order_by("pk").select_for_update(of=("self",))
            batch = list((rows.filter(pk__gt=after) if after else rows)[:_BATCH])
            yield batch
        if not batch:
            return
        after = batch[-1].pk


def _one(model: type[models.Model], row: models.Model, column: str, done: sealing.Resealed) -> None:
    try:
        sealed = sealing.reseal(getattr(row, column))
    except sealing.InvalidToken:
        done.unreadable += 1
        return
    if sealed != getattr(row, column):
        done.changed += model._default_manager.filter(pk=row.pk).update(**{column: sealed})
