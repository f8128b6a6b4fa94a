"""Signals about people, on their way to the one application that a stream is for (OpenID SSF 1.0).

Which event concerns it is decided when it is written, each time anew: what an application may not know any
more is not told to it from a queue.
"""

from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from typing import cast
from uuid import UUID

from django.db.models import Max, Q, QuerySet

from applications.models import Event, Webhook
from applications.signals import signals_asked

VERIFICATION = "iam.webhook.test.v1"  # as a webhook's test; here it has a state, and no position
MOST_LOOKED_AT = 100  # events that may concern somebody else, in one turn


def stream_of(webhook: Webhook) -> QuerySet[Event]:
    """What was asked for of the people of its tenant, and is not another application's alone."""
    about = Q(application=webhook.application_id) | Q(application=None)
    return Event.objects.filter(about, tenant_id=webhook.tenant_id, type__in=webhook.types)


def writer(webhook: Webhook, events: Collection[Event], *, at: datetime) -> Callable[[Event], bytes | None]:
    """What makes of each of them its token, signed; None where it does not concern the application now.

    What decides that is read once for all, at the first: whoever keeps it keeps what was true then.
    """
    ((_, answer),) = signals_asked.send(sender=Webhook, webhook=webhook, events=events, at=at)
    return cast("Callable[[Event], bytes | None]", answer)


def written(webhook: Webhook, event: Event, *, at: datetime) -> bytes | None:
    """The same of one alone."""
    return writer(webhook, [event], at=at)(event)


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


def following(webhook: Webhook, *, at: datetime, wanted: int = 1) -> Iterator[tuple[Event, bytes | None]]:
    """What came after its position, each as it is written, or None; at most so many in one turn.

    Whoever takes one moves the position there. After the last of all, it has moved to the end.
    ``wanted``: how many tokens there is room for. Whom more events are about is read only where those that
    came first did not all concern the application.
    """
    # Before the search: an event that gets its position in between is not passed by.
    last = Event.objects.filter(tenant_id=webhook.tenant_id).aggregate(last=Max("position"))["last"] or 0
    later = stream_of(webhook).filter(position__gt=webhook.position, position__lte=last)
    looked_at = list(later.order_by("position")[:MOST_LOOKED_AT])
    for batch in (looked_at[:wanted], looked_at[wanted:]):
        write = writer(webhook, batch, at=at)
        for event in batch:
            yield event, write(event)
    if len(looked_at) < MOST_LOOKED_AT:
        webhook.position = max(webhook.position, last)
