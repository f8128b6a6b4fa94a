"""Events to a topic exchange (AMQP 0-9-1), in the order of their positions, each confirmed by the broker.

The cursor stands in the database and moves past what the broker has confirmed: a worker or a broker that dies
loses nothing, and some events come twice, under the same id. A lease keeps two workers from publishing at
once; no transaction is open meanwhile.
"""

import json
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from kombu import Connection, Exchange, Producer

from applications import events, streams
from applications.models import Event, Watermark
from iam_portal.walls import cross_tenant

NAME = "amqp"
LEASE = timedelta(seconds=60)
MOST, MOST_SECONDS = 500, 30.0  # in one turn: half of the lease
TIMEOUT = 10.0  # for a connection, and for each confirmation
WAIT = timedelta(seconds=10)  # after a failure

log = structlog.get_logger("iam.amqp")


def publish(*, at: datetime) -> int:
    """One turn; how many events the broker has confirmed. Zero while another worker has its turn."""
    if not settings.PORTAL_AMQP:
        return 0
    position = _begin(at)
    if position is None:
        return 0
    head = events.head()  # before the search: what gets its position in between is the next turn's
    rows = _between(position, head)
    done, failed = _sent(rows)
    if done == len(rows) < MOST:
        reached: int | None = max(position, head)  # also past what is not its business
    else:
        reached = rows[done - 1].position if done else position
    free_at = at + WAIT if failed else at
    Watermark.objects.filter(name=NAME, at=at + LEASE).update(position=reached, at=free_at)
    return done


def behind() -> int:
    """How many positions the exchange is behind, also such as are not its business; 0 where there is none."""
    if not settings.PORTAL_AMQP:
        return 0
    mark = Watermark.objects.filter(name=NAME).values_list("position", flat=True).first()
    return max(0, events.head() - mark) if mark is not None else 0


def routing_key(row: Event) -> str:
    """``iam.contract.accepted.<tenantId>``: a queue is bound to kinds by its middle, to a tenant by its end.

    The version stands in the message: a binding outlives it.
    """
    return f"{row.type.rpartition('.v')[0]}.{row.tenant_id}"


def _begin(at: datetime) -> int | None:
    """Take the turn, and say after which position; the first one ever begins with what comes now."""
    fresh = {"at": at - timedelta(microseconds=1), "position": events.head()}
    Watermark.objects.get_or_create(name=NAME, defaults=fresh)
    if not Watermark.objects.filter(name=NAME, at__lte=at).update(at=at + LEASE):
        return None
    position = Watermark.objects.values_list("position", flat=True).get(name=NAME) or 0
    pruned = events.pruned()
    if position < pruned:  # the broker was away for longer than events are kept
        log.error("amqp_events_lost", first=position + 1, last=pruned)
        Watermark.objects.filter(name=NAME).update(position=pruned)
        position = pruned
    return position


def _between(position: int, head: int) -> list[Event]:
    rows = Event.objects.filter(position__gt=position, position__lte=head).order_by("position")
    if settings.PORTAL_AMQP.tenants:
        rows = rows.filter(tenant_id__in=settings.PORTAL_AMQP.tenants)
    with cross_tenant():  # the operator has chosen whose events go there
        return list(rows[:MOST])


def _sent(rows: Sequence[Event]) -> tuple[int, bool]:
    """How many were confirmed, and whether the broker failed: its words may quote the password."""
    done, end = 0, time.monotonic() + MOST_SECONDS
    if not rows:
        return 0, False
    try:
        with _connection() as connection, connection.channel() as channel:
            exchange = Exchange(settings.PORTAL_AMQP.exchange, type="topic", durable=True)
            producer = Producer(channel, exchange=exchange, auto_declare=True)
            for row in rows:
                _send(producer, row)
                done += 1
                if time.monotonic() > end:
                    break
    except Exception as failure:
        log.warning("amqp_failed", error=type(failure).__name__, confirmed=done, waiting=len(rows) - done)
        return done, True
    return done, False


def _connection() -> Connection:
    options = {"confirm_publish": True, "read_timeout": TIMEOUT, "write_timeout": TIMEOUT, "max_retries": 0}
    return Connection(settings.PORTAL_AMQP.url, connect_timeout=TIMEOUT, transport_options=options)


def _send(producer: Producer, row: Event) -> None:
    """Persistent, and not passed over in silence: what the broker does not confirm raises."""
    producer.publish(
        json.dumps(streams.event(row), separators=(",", ":"), ensure_ascii=False).encode(),
        routing_key=routing_key(row),
        content_type="application/cloudevents+json",
        content_encoding="utf-8",
        delivery_mode=2,
        message_id=str(row.event_id),
        timestamp=int(row.at.timestamp()),
        type=row.type,
        retry=False,
        confirm_timeout=TIMEOUT,
    )
