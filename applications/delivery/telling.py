"""Signals about people, on their way to the one application that a stream is for (OpenID SSF 1.0).

Which event concerns it is decided when it is written, each time anew: what an application may not know any
more is not told to it from a queue.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import cast
from uuid import UUID

from django.db.models import Max, Q, QuerySet

from applications.models import Event, Webhook
from applications.signals import signal_asked

VERIFICATION = "iam.webhook.test.v1"  # as a webhook's test; here it has a state, and no position
MOST_LOOKED_AT = 100  # events that may concern somebody else, in one turn


def stream_of(webhook: Webhook) -> QuerySet[Event]:
    """What was asked for of the people of its tenant, and is not another application's alone."""
    about = Q(application=webhook.application_id) | Q(application=None)
    return Event.objects.filter(about, tenant_id=webhook.tenant_id, type__in=webhook.types)


def written(webhook: Webhook, event: Event, *, at: datetime) -> bytes | None:
    """The token, signed; None where the event does not concern the application at the moment."""
    answers = signal_asked.send(sender=Webhook, webhook=webhook, event=event, at=at)
    return cast("bytes | None", answers[0][1]) if answers else None


def verification(webhook: Webhook, event_id: UUID, *, at: datetime) -> Event:
    """An event of nobody's stream."""
    return Event(
        event_id=event_id,
        type=VERIFICATION,
        tenant_id=webhook.tenant_id,
        subject=str(webhook.pk),
        at=at,
        data={},
        position=0,
    )


def advance(webhook: Webhook, *, at: datetime) -> tuple[Event, bytes] | None:
    """The next event that concerns it, written. Its position moves past those that do not."""
    for event, token in following(webhook, at=at):
        if token is not None:
            return event, token
        webhook.position = event.position or webhook.position
    return None


def following(webhook: Webhook, *, at: datetime) -> Iterator[tuple[Event, bytes | None]]:
    """What came after its position, each as it is written, or None; at most so many in one turn.

    Whoever takes one moves the position there. After the last of all, it has moved to the end.
    """
    # Before the search: an event that gets its position in between is not passed by.
    last = Event.objects.filter(tenant_id=webhook.tenant_id).aggregate(last=Max("position"))["last"] or 0
    later = stream_of(webhook).filter(position__gt=webhook.position, position__lte=last)
    looked_at = list(later.order_by("position")[:MOST_LOOKED_AT])
    for event in looked_at:
        yield event, written(webhook, event, at=at)
    if len(looked_at) < MOST_LOOKED_AT:
        webhook.position = max(webhook.position, last)
