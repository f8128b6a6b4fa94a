"""Deliveries by hand, and how long deliveries are remembered. A worker makes the request within seconds."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from applications import events
from applications.actions import webhooks
from applications.delivery import polling
from applications.delivery.parcels import TEST
from applications.delivery.record import recorded
from applications.models import Webhook, WebhookDelivery, WebhookSecret
from iam_portal.decision import rfc3339
from iam_portal.errors import DomainError, Kind, NotFound
from iam_portal.gate import Actor
from iam_portal.walls import cross_tenant
from tenants.models import Tenant
from tenants.models.batches import first

KEPT = timedelta(days=30)
MOST_WAITING = 20

# What did not concern a subscription for a day is behind it: otherwise it would look lost one day. Of a
# paused one that has not seen what is kept no longer, nobody knows whether that did: it stays where it is.
_CAUGHT_UP = """
UPDATE applications_webhook w SET position = %(newest)s
WHERE w.ended_at IS NULL AND w.failing_since IS NULL AND w.position < %(newest)s
    AND (w.state = 'active' OR w.position >= coalesce(
        (SELECT position FROM applications_watermark WHERE name = %(pruned)s), 0))
    AND NOT EXISTS (
        SELECT FROM applications_event e WHERE e.position > w.position
        AND CASE WHEN w.application_id IS NULL OR w.form = 'signals'
            THEN e.tenant_id = w.tenant_id ELSE e.application_id = w.application_id END
        AND EXISTS (SELECT FROM unnest(w.types) AS type
            WHERE e.type = type OR type LIKE '%%*' AND starts_with(e.type, rtrim(type, '*')))
    )
"""


class TooManyWaiting(DomainError):
    """The ones that were asked for have to be made first."""

    code = "too_many_waiting"
    kind = Kind.THROTTLED


class Polled(DomainError):
    """Who fetches is sent nothing."""

    code = "stream_is_polled"


class NotAgain(DomainError):
    """Only events of the stream are sent again."""

    code = "not_redeliverable"


def send_test(*, tenant: Tenant, webhook_id: UUID, by: Actor, at: datetime) -> WebhookDelivery:
    """Have an event ``iam.webhook.test.v1`` sent to this subscription only, also while it is paused."""
    with transaction.atomic():
        row = webhooks.lock(tenant=tenant, webhook_id=webhook_id)
        made = _ask(row, uuid.uuid4(), TEST, 0, at)
        recorded(row, "tested", by=by, at=at, after={"eventId": str(made.event_id)})
    return made


def redeliver(
    *, tenant: Tenant, webhook_id: UUID, delivery_id: int, by: Actor, at: datetime
) -> WebhookDelivery:
    """Have the event of a delivery sent again now, under the same id and out of order.

    Asked for twice while it still waits, it is sent once. The actor must be able to read such events.
    """
    with transaction.atomic():
        row = webhooks.lock(tenant=tenant, webhook_id=webhook_id)
        former = row.deliveries.filter(id=delivery_id).first()
        if former is None:
            raise NotFound
        if former.event_type == TEST:
            raise NotAgain("A test is not sent again. Send another one.")
        types, own = (former.event_type,), row.own_stream_of
        webhooks.require_readable(tenant=tenant, types=types, application_id=own, by=by, at=at)
        asked = row.deliveries.filter(event_id=former.event_id, outcome="waiting").first()
        if asked is not None:
            return asked
        made = _ask(row, former.event_id, former.event_type, former.event_position, at)
        recorded(row, "redelivery_asked", by=by, at=at, after={"eventId": str(made.event_id)})
    return made


@dataclass(frozen=True, slots=True)
class Recovered:
    """How many are on their way, and how many failed ones are left for the next time."""

    asked: int
    left: int


def redeliver_failed(
    *, tenant: Tenant, webhook_id: UUID, since: datetime, by: Actor, at: datetime
) -> Recovered:
    """Have all events sent again whose last attempt since a moment failed, oldest first, as many as may wait.

    Not what its turn has not come for yet: that is tried again by itself. Asked for twice, what waits is not
    asked for again. The actor must be able to read all of these events.
    """
    with transaction.atomic():
        row = webhooks.lock(tenant=tenant, webhook_id=webhook_id)
        failed = list(_failed(row, since).order_by("event_position", "id"))
        types, own = {each.event_type for each in failed}, row.own_stream_of
        webhooks.require_readable(tenant=tenant, types=types, application_id=own, by=by, at=at)
        room = max(0, MOST_WAITING - row.deliveries.filter(outcome="waiting").count())
        for each in failed[:room]:
            _ask(row, each.event_id, each.event_type, each.event_position, at)
        if failed[:room]:
            ids = [str(each.event_id) for each in failed[:room]]
            recorded(row, "redelivery_asked", by=by, at=at, after={"eventIds": ids, "since": rfc3339(since)})
    return Recovered(len(failed[:room]), len(failed[room:]))


def failed_since(row: Webhook, since: datetime) -> int:
    """How many :func:`redeliver_failed` would send again."""
    return _failed(row, since).count()


def settle(*, at: datetime) -> None:
    """Take away what is left of secrets that ended, and move on subscriptions that nothing concerned."""
    with transaction.atomic(), cross_tenant():  # the job keeps house for all tenants
        over = Q(during__endswith__lte=at) | Q(during__isempty=True)
        WebhookSecret.objects.filter(over).exclude(sealed="").update(sealed="")
        with connection.cursor() as cursor:
            cursor.execute(_CAUGHT_UP, {"newest": events.head(), "pruned": events.PRUNED})


def forget(*, at: datetime, most: int = 1000) -> int:
    """Remove deliveries that are too old, up to so many in one transaction. How many there were."""
    with transaction.atomic(), cross_tenant():  # of all tenants
        return first(WebhookDelivery.objects.filter(at__lt=at - KEPT).order_by("at"), most).delete()[0]


def _failed(row: Webhook, since: datetime) -> QuerySet[WebhookDelivery]:
    """The last attempts that failed, of events that are behind the subscription's position and still kept."""
    rows = WebhookDelivery.objects.filter(webhook=row)
    later = rows.filter(event_id=OuterRef("event_id"), id__gt=OuterRef("id"))
    failed = rows.filter(outcome="failed", at__gte=since, event_position__lte=row.position)
    return failed.exclude(event_type=TEST).exclude(error="event_gone").filter(~Exists(later))


def _ask(row: Webhook, event_id: UUID, event_type: str, position: int, at: datetime) -> WebhookDelivery:
    if row.signals and polling.is_polled(row):
        raise Polled("Whoever this stream is for fetches it. It can ask for a verification.")
    if row.deliveries.filter(outcome="waiting").count() >= MOST_WAITING:
        raise TooManyWaiting("Too many deliveries wait already.", data={"retryAfter": 10})
    made = WebhookDelivery(
        tenant_id=row.tenant_id,
        webhook=row,
        event_id=event_id,
        event_type=event_type,
        event_position=position,
        attempt=1,
        by_hand=True,
        at=at,
        milliseconds=0,
        outcome="waiting",
    )
    made.full_clean()
    made.save(force_insert=True)
    return made
