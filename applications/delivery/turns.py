"""Whose turn it is, what he is sent, and what came of it.

No transaction is open while a request is made. A lease keeps two workers from one subscription: it is taken
with the event and given back with the outcome. When a worker dies, the lease runs out and the same event is
sent again, under the same id: at least once, in order.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Window
from django.db.models.functions import RowNumber

from applications.delivery import parcels, readers
from applications.delivery.parcels import Parcel
from applications.delivery.posting import Reply
from applications.delivery.record import WORKER, recorded
from applications.delivery.waits import GIVE_UP, wait
from applications.models import Event, SignalStream, Webhook, WebhookDelivery, WebhookState
from iam_portal.walls import cross_tenant, tenant_scope
from tenants.models import TenantSuspension

LEASE = timedelta(seconds=60)  # longer than name, connection and reply can take together


@dataclass(frozen=True, slots=True)
class Due:
    """A subscription with something to send. ``failing``: the last attempt failed, or took long."""

    webhook_id: UUID
    tenant_id: UUID
    failing: bool


def due(*, at: datetime, most: int = 200) -> list[Due]:
    """Those that have waited longest come first, one of each tenant, then the second of each.

    A suspended tenant's wait until it is no more.
    """
    waiting = WebhookDelivery.objects.filter(webhook=OuterRef("pk"), outcome="waiting")
    later = Event.objects.filter(position__gt=OuterRef("position"))
    of_tenant = Exists(later.filter(tenant=OuterRef("tenant")))
    of_application = Exists(later.filter(application=OuterRef("application")))
    whole = Q(application=None) | Q(form=Webhook.Form.SIGNALS)  # the tenant's stream is looked at
    news = whole & of_tenant | ~whole & of_application
    polled = SignalStream.objects.filter(webhook=OuterRef("pk"), method=SignalStream.Method.POLL)
    rows = _at_work(at).filter(Exists(waiting) | Q(_open(at), news, state=WebhookState.ACTIVE))
    rows = rows.exclude(Exists(polled))  # who polls is not called
    made = WebhookDelivery.objects.filter(webhook=OuterRef("pk")).exclude(outcome="waiting").order_by("-id")
    order = (F("leased_until").asc(nulls_first=True), "id")
    rows = rows.annotate(
        took=Subquery(made.values("milliseconds")[:1]),
        nth=Window(RowNumber(), partition_by=[F("tenant")], order_by=order),
    )
    slow = settings.WEBHOOK_SLOW_SECONDS * 1000
    rows = rows.order_by("nth", *order)
    with cross_tenant():
        found = list(rows.values_list("id", "tenant_id", "failing_since", "took")[:most])
    return [Due(id, tenant, since is not None or (took or 0) > slow) for id, tenant, since, took in found]


def begin(*, webhook_id: UUID, tenant_id: UUID, at: datetime) -> bool:
    """Whether there may be something to send. What its reader may read no longer is not: it is paused."""
    with tenant_scope(tenant_id):
        row = _locked(webhook_id, tenant_id, at)
        if row is None:
            return False
        if row.state == WebhookState.ACTIVE and not readers.still_may(row, at=at):
            # Asked after it: a suspended tenant's people may nothing, and that passes.
            if not _at_work(at).filter(id=webhook_id).exists():
                return False
            _pause(row, "not_allowed", at)
            row.save()
    return True


def take(*, webhook_id: UUID, tenant_id: UUID, at: datetime) -> Parcel | None:
    """The next thing to send to the subscription, leased to the caller; None when it is not its turn."""
    with tenant_scope(tenant_id):
        row = _locked(webhook_id, tenant_id, at)
        if row is None:
            return None
        row.leased_until = at + LEASE
        found = parcels.asked_for(row, at=at)
        ready = row.next_attempt_at is None or row.next_attempt_at <= at
        if found is None and row.state == WebhookState.ACTIVE and ready:
            found = parcels.following(row, at=at)
        if found is None:
            row.leased_until = at
        row.save(update_fields=["leased_until", "position"])
        return found


def settle(parcel: Parcel, reply: Reply, *, at: datetime) -> None:
    """Note the attempt, and move on or wait. Who overran the lease notes only: another has it in hand."""
    with tenant_scope(parcel.tenant_id):
        row = Webhook.objects.select_for_update(no_key=True).get(id=parcel.webhook_id)
        _note(parcel, reply)
        if row.leased_until != parcel.lease:
            return
        row.leased_until = at
        if parcel.delivery_id is None and row.ended_at is None:
            if reply.delivered:
                row.position = max(row.position, parcel.position)
                row.attempts, row.failing_since, row.next_attempt_at = 0, None, None
            # Whatever was changed meanwhile is to be tried as it is now.
            elif row.state == WebhookState.ACTIVE and row.revision == parcel.revision:
                _failed(row, parcel, reply, at)
        row.save()


def _at_work(at: datetime) -> QuerySet[Webhook]:
    """Those that nobody has in hand, and whose tenant is not suspended."""
    suspended = TenantSuspension.objects.at(at).filter(tenant=OuterRef("tenant"))
    return Webhook.objects.filter(_free(at), ~Exists(suspended), ended_at=None)


def _locked(webhook_id: UUID, tenant_id: UUID, at: datetime) -> Webhook | None:
    rows = _at_work(at).filter(id=webhook_id, tenant=tenant_id)
    return rows.select_for_update(skip_locked=True, no_key=True, of=("self",)).first()


def _free(at: datetime) -> Q:
    return Q(leased_until=None) | Q(leased_until__lte=at)


def _open(at: datetime) -> Q:
    return Q(next_attempt_at=None) | Q(next_attempt_at__lte=at)


def _failed(row: Webhook, parcel: Parcel, reply: Reply, at: datetime) -> None:
    row.attempts += 1
    row.failing_since = row.failing_since or parcel.at
    give_up = row.failing_since + GIVE_UP
    if reply.gone or at >= give_up:
        _pause(row, "gone" if reply.gone else "failing", at)
        return
    later = at + wait(attempts=row.attempts, retry_after=reply.retry_after, at=at)
    row.next_attempt_at = min(later, give_up)


def _pause(row: Webhook, because: str, at: datetime) -> None:
    row.state, row.paused_because, row.next_attempt_at = WebhookState.PAUSED, because, None
    row.revision += 1
    recorded(row, "paused", by=WORKER, at=at, after={"because": because})


def _note(parcel: Parcel, reply: Reply) -> None:
    outcome = "delivered" if reply.delivered else "failed"
    how = {
        "outcome": outcome,
        "status": reply.status,
        "error": reply.error,
        "at": parcel.at,
        "milliseconds": reply.milliseconds,
    }
    if parcel.delivery_id is not None:
        WebhookDelivery.objects.filter(id=parcel.delivery_id).update(**how)
        return
    WebhookDelivery.objects.create(
        tenant_id=parcel.tenant_id,
        webhook_id=parcel.webhook_id,
        event_id=parcel.event_id,
        event_type=parcel.event_type,
        event_position=parcel.position,
        attempt=parcel.attempt,
        **how,
    )
