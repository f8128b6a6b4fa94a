"""Signals that are fetched (RFC 8936): handed out until they are acknowledged, a bounded number at once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from uuid import UUID

from applications.delivery import telling
from applications.delivery.record import WORKER, recorded
from applications.events import pruned, sequence
from applications.models import Event, SignalOffer, SignalStream, Webhook, WebhookDelivery, WebhookState

MOST_OFFERED = 1000  # not acknowledged; until some are, nothing new is handed out
MOST_AT_ONCE = 100
LONGEST = 2.0  # seconds of one poll; at least one event is looked at, so the next one gets further
# What a receiver may say of a token (RFC 8935 §2.4). Whatever else it says is kept out of our records.
ERRORS = frozenset(
    {
        *("invalid_request", "invalid_key", "invalid_issuer", "invalid_audience"),
        *("authentication_failed", "access_denied"),
    }
)


@dataclass(frozen=True, slots=True)
class Page:
    """Tokens by their ``jti``, and whether there are more."""

    tokens: Mapping[str, str]
    more: bool


def settle(
    webhook: Webhook, *, acknowledged: Collection[UUID], failed: Mapping[UUID, str], at: datetime
) -> None:
    """What the receiver says of tokens that it was handed. Of others it says nothing: they are passed over.

    One that it could not use is not handed out again (§2.4.4): it would not be understood next time either.
    """
    said = {**dict.fromkeys(acknowledged, ""), **failed}
    offers = list(webhook.offers.filter(event_id__in=said).order_by("id"))
    WebhookDelivery.objects.bulk_create([_noted(offer, said[offer.event_id], at) for offer in offers])
    webhook.offers.filter(id__in=[offer.id for offer in offers]).delete()


def hand_out(webhook: Webhook, *, most: int, at: datetime) -> Page:
    """What is not acknowledged first, then what has happened since. The row is locked by the caller."""
    if webhook.state != WebhookState.ACTIVE:
        return Page({}, False)
    sequence()
    most, until = min(most, MOST_AT_ONCE), monotonic() + LONGEST
    waiting = list(webhook.offers.order_by("id")[: most + 1])
    tokens, whole = _again(webhook, waiting[:most], until, at)
    if not whole or len(waiting) > most:
        return Page(tokens, True)
    more = _new(webhook, tokens, most, until, at)
    webhook.save(update_fields=["position"])
    return Page(tokens, more)


def verify(webhook: Webhook, event_id: UUID, *, at: datetime) -> None:
    """Hand a verification out with the next tokens; one that waits already takes the new state."""
    if not webhook.offers.filter(event_type=telling.VERIFICATION).exists():
        _offer(webhook, telling.verification(webhook, event_id, at=at), at).save()


def _new(webhook: Webhook, tokens: dict[str, str], most: int, until: float, at: datetime) -> bool:
    """Whether there may be more.

    What concerns others costs as much to decide as what is handed out, so one poll looks at one turn of
    events, and at no more once its time is over: the stream is locked meanwhile, and a worker is taken.
    """
    if webhook.position < (gone := pruned()):
        lost = {"from": webhook.position + 1, "to": gone}
        webhook.position = gone
        recorded(webhook, "position_lost", by=WORKER, at=at, after={"positions": lost})
    room = min(most - len(tokens), MOST_OFFERED - webhook.offers.count())
    if room <= 0:
        return _is_behind(webhook)
    offers: list[SignalOffer] = []
    for event, token in telling.following(webhook, at=at, wanted=room):
        webhook.position = event.position or webhook.position
        if token is not None:
            offers.append(_offer(webhook, event, at))
            tokens[str(event.event_id)] = token.decode()
        if len(offers) == room or monotonic() > until:
            break
    SignalOffer.objects.bulk_create(offers)
    return _is_behind(webhook)


def _is_behind(webhook: Webhook) -> bool:
    return telling.stream_of(webhook).filter(position__gt=webhook.position).exists()


def _again(
    webhook: Webhook, offers: Sequence[SignalOffer], until: float, at: datetime
) -> tuple[dict[str, str], bool]:
    """What was handed out, as it is now, and whether that is all: not where the time is over."""
    events = _events_of(webhook, offers, at)
    write = telling.writer(webhook, list(events.values()), at=at)
    tokens: dict[str, str] = {}
    gone: list[int] = []
    for place, offer in enumerate(offers):
        if place and monotonic() > until:
            break
        event = events.get((offer.event_id, offer.position))
        token = write(event) if event else None
        if token is None:
            gone.append(offer.pk)
        else:
            tokens[str(offer.event_id)] = token.decode()
    webhook.offers.filter(pk__in=gone).delete()
    return tokens, len(tokens) + len(gone) == len(offers)


def _events_of(
    webhook: Webhook, offers: Sequence[SignalOffer], at: datetime
) -> dict[tuple[UUID, int], Event]:
    """Those that are there still and are of its stream still, by id and position; verifications are."""
    rows = telling.stream_of(webhook).filter(position__in=[offer.position for offer in offers])
    found = [*rows.filter(event_id__in=[offer.event_id for offer in offers])]
    asked = [offer for offer in offers if offer.event_type == telling.VERIFICATION]
    found += [telling.verification(webhook, offer.event_id, at=at) for offer in asked]
    return {(event.event_id, event.position or 0): event for event in found}


def _offer(webhook: Webhook, event: Event, at: datetime) -> SignalOffer:
    return SignalOffer(
        webhook=webhook,
        tenant_id=webhook.tenant_id,
        event_id=event.event_id,
        event_type=event.type,
        position=event.position or 0,
        offered_at=at,
    )


def _noted(offer: SignalOffer, error: str, at: datetime) -> WebhookDelivery:
    return WebhookDelivery(
        tenant_id=offer.tenant_id,
        webhook_id=offer.webhook_id,
        event_id=offer.event_id,
        event_type=offer.event_type,
        event_position=offer.position,
        attempt=1,
        at=at,
        milliseconds=0,
        outcome="failed" if error else "delivered",
        error=error and (error if error in ERRORS else "refused"),
    )


def is_polled(webhook: Webhook) -> bool:
    """Whether whoever it is for fetches."""
    return SignalStream.objects.filter(webhook=webhook, method=SignalStream.Method.POLL).exists()
