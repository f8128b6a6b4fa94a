"""What a subscription is sent next: the event, written as its stream shows it, and the living secrets."""

import json
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Max, QuerySet

from applications import events, streams
from applications.delivery import telling
from applications.delivery.record import WORKER, recorded
from applications.delivery.sealed import living
from applications.models import Event, Webhook, WebhookDelivery
from iam_portal.walls import cross_tenant

TEST = telling.VERIFICATION


@dataclass(frozen=True, slots=True)
class Parcel:
    """One event on its way. ``delivery_id``: it was asked for by hand. ``position`` is 0 for a test."""

    webhook_id: UUID
    tenant_id: UUID
    url: str = field(repr=False)  # it may hold a secret of the receiver
    revision: int
    lease: datetime
    at: datetime
    event_id: UUID
    event_type: str
    position: int
    attempt: int
    body: bytes
    secrets: tuple[str, ...] = field(repr=False)
    delivery_id: int | None = None
    signals: bool = False  # a security event token, and no CloudEvent


def stream_of(webhook: Webhook) -> QuerySet[Event]:
    """The stream that it is about, whole: of its tenant, or of one application in all tenants."""
    if webhook.signals:
        return telling.stream_of(webhook)
    if webhook.application_id is not None:
        return streams.of_application(webhook.application_id)
    return streams.of_tenant(webhook.tenant_id)


def concerns(webhook: Webhook, event: Event) -> bool:
    """Whether an event of its own tenant's stream is one that it is sent; of signals, that may be sent."""
    if webhook.signals:
        return event.application_id in (None, webhook.application_id) and event.type in webhook.types
    if webhook.application_id is not None:
        own = webhook.application_id == event.application_id and streams.told_to_application(event.type)
        return own and streams.names(webhook.types, event.type)
    return streams.names(webhook.types, event.type)


def _about(webhook: Webhook) -> QuerySet[Event]:
    """All that makes a subscription due, also what its stream does not show."""
    if webhook.application_id is not None:
        return Event.objects.filter(application_id=webhook.application_id)
    return Event.objects.filter(tenant_id=webhook.tenant_id)


def asked_for(webhook: Webhook, *, at: datetime) -> Parcel | None:
    """The oldest that was asked for by hand. One whose event is kept no longer fails here."""
    for delivery in webhook.deliveries.filter(outcome="waiting").order_by("id"):
        if webhook.signals:
            found = _asked_signal(webhook, delivery, at)
            if found is not None:
                return found
            shown: dict[str, Any] | None = None
        elif delivery.event_type == TEST:
            shown = _test(delivery)
        else:
            with _reading(webhook):
                rows = stream_of(webhook).filter(position=delivery.event_position)
                event = rows.filter(event_id=delivery.event_id).first()
            shown = _written(webhook, event) if event else None
        if shown is not None:
            return _parcel(webhook, shown, at, delivery.attempt, delivery.id)
        delivery.outcome, delivery.error, delivery.at = "failed", "event_gone", at
        delivery.save(update_fields=["outcome", "error", "at"])
    return None


def following(webhook: Webhook, *, at: datetime) -> Parcel | None:
    """The first event after its position that concerns it. What does not is passed by."""
    pruned = events.pruned()
    if webhook.position < pruned:
        lost = {"from": webhook.position + 1, "to": pruned}
        webhook.position = pruned
        recorded(webhook, "position_lost", by=WORKER, at=at, after={"positions": lost})
    if webhook.signals:
        signal = telling.advance(webhook, at=at)
        return _signal(webhook, signal, webhook.attempts + 1, at=at) if signal else None
    with _reading(webhook):
        # Before the search: an event that gets its position in between is not passed by.
        last = _about(webhook).aggregate(last=Max("position"))["last"] or 0
        later = stream_of(webhook).filter(position__gt=webhook.position, position__lte=last)
        event = later.filter(streams.chosen(webhook.types)).order_by("position").first()
    if event is None:
        webhook.position = max(webhook.position, last)
        return None
    return _parcel(webhook, _written(webhook, event), at, webhook.attempts + 1, None)


def _asked_signal(webhook: Webhook, delivery: WebhookDelivery, at: datetime) -> Parcel | None:
    """As it is now: what does not concern the application any more is told to it no more."""
    if delivery.event_type == TEST:
        event: Event | None = telling.verification(webhook, delivery.event_id, at=at)
    else:
        rows = telling.stream_of(webhook).filter(position=delivery.event_position)
        event = rows.filter(event_id=delivery.event_id).first()
    token = telling.written(webhook, event, at=at) if event else None
    if event is None or token is None:
        return None
    return _signal(webhook, (event, token), delivery.attempt, delivery.id, at=at)


def _signal(
    webhook: Webhook, told: tuple[Event, bytes], attempt: int, delivery_id: int | None = None, *, at: datetime
) -> Parcel:
    event, token = told
    assert webhook.leased_until is not None
    return Parcel(
        webhook_id=webhook.id,
        tenant_id=webhook.tenant_id,
        url=webhook.url,
        revision=webhook.revision,
        lease=webhook.leased_until,
        at=at,
        event_id=event.event_id,
        event_type=event.type,
        position=event.position or 0,
        attempt=attempt,
        body=token,
        secrets=living(webhook, at=at),
        delivery_id=delivery_id,
        signals=True,
    )


def _reading(webhook: Webhook) -> Any:
    """An application's own events lie in the streams of all tenants that it serves."""
    return nullcontext() if webhook.application_id is None else cross_tenant()


def _written(webhook: Webhook, event: Event) -> dict[str, Any]:
    if webhook.application_id is not None:
        return streams.event_for_application(event)
    return streams.event(event)


def _test(delivery: WebhookDelivery) -> dict[str, Any]:
    """An event of nobody's stream: it has no position."""
    row = Event(
        event_id=delivery.event_id,
        type=TEST,
        tenant_id=delivery.tenant_id,
        subject=str(delivery.webhook_id),
        at=delivery.at,
        data={"webhookId": str(delivery.webhook_id)},
    )
    return {name: value for name, value in streams.event(row).items() if value is not None}


def _parcel(
    webhook: Webhook, shown: dict[str, Any], at: datetime, attempt: int, delivery_id: int | None
) -> Parcel:
    assert webhook.leased_until is not None
    return Parcel(
        webhook_id=webhook.id,
        tenant_id=webhook.tenant_id,
        url=webhook.url,
        revision=webhook.revision,
        lease=webhook.leased_until,
        at=at,
        event_id=UUID(shown["id"]),
        event_type=shown["type"],
        position=shown.get("position", 0),
        attempt=attempt,
        body=json.dumps(shown, separators=(",", ":"), ensure_ascii=False).encode(),
        secrets=living(webhook, at=at),
        delivery_id=delivery_id,
    )
