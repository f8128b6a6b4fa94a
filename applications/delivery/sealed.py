"""The secrets of a subscription at rest: sealed when they are made, opened when a request is signed."""

from datetime import datetime

import structlog

from applications.delivery import signing
from applications.models import Webhook, WebhookSecret
from iam_portal import sealing
from tenants.models import since

log = structlog.get_logger("iam.webhooks")


def seal_new(webhook: Webhook, *, at: datetime) -> tuple[WebhookSecret, str]:
    """A secret from now on, and its value, which is kept nowhere in the clear."""
    value = signing.new_secret()
    return _sealed(webhook, value, signing.hint_of(value), at), value


def seal_header(webhook: Webhook, value: str, *, at: datetime) -> None:
    """What a receiver of signals wants to see as ``Authorization``; empty for nothing. Its own secret."""
    _sealed(webhook, value, "", at)


def _sealed(webhook: Webhook, value: str, hint: str, at: datetime) -> WebhookSecret:
    row = WebhookSecret(
        tenant_id=webhook.tenant_id,
        webhook=webhook,
        sealed=sealing.seal(value),
        hint=hint,
        during=since(at),
    )
    row.full_clean(exclude=["hint"])
    row.save(force_insert=True)
    return row


def living(webhook: Webhook, *, at: datetime) -> tuple[str, ...]:
    """The values that sign at the moment, newest first; without those whose key is no longer in the ring."""
    values = []
    for row in webhook.secrets.at(at).order_by("-during"):
        try:
            values.append(sealing.unseal(row.sealed))
        except sealing.InvalidToken:
            log.error("webhook_secret_unreadable", webhook_id=str(webhook.id), secret_id=str(row.id))
    return tuple(values)
