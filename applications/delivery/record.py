"""History of a subscription, and what its tenant's stream tells of it. Neither ever holds a secret."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from applications.delivery.addresses import AddressRefused, receiver
from applications.events import emit
from applications.models import Webhook
from iam_portal.gate import Actor
from tenants import history

WORKER = Actor.system("webhook delivery")
TOLD = ("paused", "resumed")  # what the stream tells, too


def name_of(webhook: Webhook) -> str:
    """The receiver's host, or its application. The rest of the URL may hold a secret of the receiver."""
    if webhook.signals:
        return str(webhook.application_id)
    try:
        return receiver(webhook.url).authority
    except AddressRefused:  # the settings have become stricter since
        return "an address that is refused now"


def snapshot(webhook: Webhook) -> dict[str, Any]:
    """What history shows of it."""
    return {
        "receiver": name_of(webhook),
        "types": webhook.types,
        "applicationId": webhook.application_id,
        "state": webhook.state,
        "revision": f"r-{webhook.revision}",
    }


def recorded(
    webhook: Webhook,
    verb: str,
    *,
    by: Actor,
    at: datetime,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Write ``webhook.<verb>`` in the transaction of the change."""
    history.record(
        action=f"webhook.{verb}",
        tenants=[webhook.tenant_id],
        by=by,
        at=at,
        subject=("webhook", webhook.id, name_of(webhook)),
        before=before,
        after={**snapshot(webhook), **(after or {})},
    )
    if verb in TOLD:
        emit(
            type=f"webhook.{verb}",
            tenant_id=webhook.tenant_id,
            subject=str(webhook.id),
            at=at,
            data={"webhookId": str(webhook.id), "because": webhook.paused_because or None},
        )
