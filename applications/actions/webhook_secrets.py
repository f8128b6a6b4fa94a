"""Signing secrets of a subscription: two may live while its receiver changes over. A value is shown once."""

from collections import Counter
from datetime import datetime
from uuid import UUID

from django.db import transaction

from applications.actions import webhooks
from applications.delivery.record import recorded
from applications.delivery.sealed import seal_new
from applications.models import WebhookSecret
from iam_portal import sealing
from iam_portal.decision import rfc3339
from iam_portal.errors import DomainError, Invalid, NotFound
from iam_portal.gate import Actor
from iam_portal.sentences import said
from iam_portal.walls import cross_tenant
from tenants.models import Tenant
from tenants.models.spanned import clipped

MOST_SECRETS = 2
_BATCH = 500


class TooManySecrets(DomainError):
    """The older of the two has to be revoked first."""

    code = "too_many_secrets"


class LastSecret(DomainError):
    """Every request is signed: the last secret goes only when there is another."""

    code = "last_secret"


def rotate(
    *, tenant: Tenant, webhook_id: UUID, by: Actor, at: datetime, old_ends_at: datetime | None = None
) -> tuple[WebhookSecret, str]:
    """A new secret beside the present one, which signs until it is revoked, or until ``old_ends_at``.

    Returns the row and the value, which is shown once.
    """
    if old_ends_at is not None and old_ends_at <= at:
        raise Invalid("The present secret ends in the future.")
    with transaction.atomic():
        row = webhooks.lock(tenant=tenant, webhook_id=webhook_id)
        webhooks.require_own(row)
        living = row.secrets.not_over(at)
        if living.count() >= MOST_SECRETS:
            raise TooManySecrets(
                said(
                    "At most %(most_secrets)s secrets sign at once. Revoke the older one first.",
                    {"most_secrets": MOST_SECRETS},
                )
            )
        if old_ends_at is not None:
            living.update(during=clipped(old_ends_at))
        made, value = seal_new(row, at=at)
        after = {"secretId": str(made.id), "hint": made.hint, "oldEndsAt": rfc3339(old_ends_at)}
        recorded(row, "secret_added", by=by, at=at, after=after)
    return made, value


def revoke(*, tenant: Tenant, webhook_id: UUID, secret_id: UUID, by: Actor, at: datetime) -> None:
    """End a secret now, and forget it. Not the last one that has no end."""
    with transaction.atomic():
        row = webhooks.lock(tenant=tenant, webhook_id=webhook_id)
        webhooks.require_own(row)
        living = row.secrets.not_over(at)
        found = living.filter(id=secret_id).first()
        if found is None:
            raise NotFound
        if not living.exclude(id=secret_id).filter(during__endswith__isnull=True).exists():
            raise LastSecret("This is the only secret that stays. Make a new one first.")
        living.filter(id=secret_id).update(during=clipped(at), sealed="")
        before = {"secretId": str(secret_id), "hint": found.hint}
        recorded(row, "secret_revoked", by=by, at=at, before=before)


def reseal() -> sealing.Resealed:
    """Encrypt every secret with the newest key of the ring, in small transactions. The values stay."""
    done, after = sealing.Resealed(), None
    while True:
        with cross_tenant():
            rows = WebhookSecret.objects.exclude(sealed="").order_by("id").select_for_update(of=("self",))
            batch = list((rows.filter(id__gt=after) if after else rows)[:_BATCH])
            for row in batch:
                _reseal(row, done)
        if not batch:
            return done
        after = batch[-1].id


def needed() -> Counter[int | None]:
    """How many each key of the ring still opens, 1 the newest; ``None``: no key does."""
    with cross_tenant():
        values = WebhookSecret.objects.exclude(sealed="").values_list("sealed", flat=True)
        return Counter(map(sealing.place_of, values.iterator()))


def _reseal(row: WebhookSecret, done: sealing.Resealed) -> None:
    try:
        sealed = sealing.reseal(row.sealed)
    except sealing.InvalidToken:
        done.unreadable += 1
        return
    if sealed != row.sealed:
        done.changed += WebhookSecret.objects.filter(pk=row.pk).update(sealed=sealed)
