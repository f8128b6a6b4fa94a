"""A new encryption key: the secrets of authenticator apps are sealed by it, in all tenants."""

from iam_portal import sealing
from iam_portal.walls import cross_tenant
from tenants.models import AuthenticatorApp

_BATCH = 100


def reseal() -> sealing.Resealed:
    """In small transactions. Killed at any point, the next run goes on. The codes stay the same."""
    done, after = sealing.Resealed(), None
    while True:
        with cross_tenant():
            rows = AuthenticatorApp.objects.order_by("id").select_for_update(of=("self",))
            batch = list((rows.filter(id__gt=after) if after else rows)[:_BATCH])
            for row in batch:
                _reseal(row, done)
        if not batch:
            return done
        after = batch[-1].id


def _reseal(row: AuthenticatorApp, done: sealing.Resealed) -> None:
    try:
        sealed = sealing.reseal(row.secret_sealed)
    except sealing.InvalidToken:
        done.unreadable += 1
        return
    if sealed != row.secret_sealed:
        done.changed += AuthenticatorApp.objects.filter(pk=row.pk).update(secret_sealed=sealed)
