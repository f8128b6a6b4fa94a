"""The secrets of a subscription at rest: sealed when they are made, opened when a request is signed."""

from datetime import datetime

from applications.delivery import signing
from applications.models import Webhook, WebhookSecret
from iam_portal import sealing
from tenants.models import since


def seal_new(webhook: Webhook, *, at: datetime) -> tuple[WebhookSecret, str]:
    """A secret from now on, and its value, which is kept nowhere in the clear."""
    value = signing.new_secret()
    row = WebhookSecret(
        tenant_id=webhook.tenant_id,
        webhook=webhook,
        sealed=sealing.seal(value),
        hint=signing.hint_of(value),
        during=since(at),
    )
    row.full_clean()
    row.save(force_insert=True)
    return row, value


def living(webhook: Webhook, *, at: datetime) -> tuple[str, ...]:
    """The values that sign at the moment, newest first."""
    rows = webhook.secrets.at(at).order_by("-during").values_list("sealed", flat=True)
    return tuple(sealing.unseal(sealed) for sealed in rows)
