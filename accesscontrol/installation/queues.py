"""What waits: tasks at the broker, events for their positions, webhooks, and those who wait for events."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from celery import current_app
from django.db import connection

from applications import events
from iam_portal.walls import cross_tenant
from tenants.actions.running import GONE
from tenants.models import EventService

log = structlog.get_logger("iam.jobs")

PATIENCE = 2  # seconds for a broker that does not answer
SLOW = timedelta(seconds=30)  # what waits for longer than any round takes

_OUTBOX = "SELECT count(*), min(at) FROM applications_event WHERE position IS NULL"

# Behind: an event of its stream lies past its position for longer than a round takes.
_WEBHOOKS = """
SELECT count(*),
    count(*) FILTER (WHERE w.state = 'active' AND w.attempts > 0),
    min(w.failing_since) FILTER (WHERE w.state = 'active'),
    count(*) FILTER (WHERE w.state = 'paused' AND w.paused_because <> 'by_hand'),
    count(*) FILTER (WHERE w.state = 'active' AND w.attempts = 0 AND CASE
        WHEN w.form = 'signals' THEN false  -- most of its tenant's events concern others
        WHEN w.application_id IS NULL THEN EXISTS (SELECT FROM applications_event e
            WHERE e.tenant_id = w.tenant_id AND e.position > w.position AND e.at < %(before)s)
        ELSE EXISTS (SELECT FROM applications_event e
            WHERE e.application_id = w.application_id AND e.position > w.position AND e.at < %(before)s)
        END)
FROM applications_webhook w WHERE w.ended_at IS NULL
"""
_ASKED = "SELECT count(*), min(at) FROM applications_webhookdelivery WHERE outcome = 'waiting'"
_CHAINS = """
SELECT (SELECT count(*) FROM tenants_historyperson WHERE NOT chained),
    (SELECT count(*) FROM tenants_historycheck WHERE why <> ''),
    (SELECT min(checked_at) FROM tenants_historycheck)
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """So many, the oldest since then."""

    count: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Of all organizations together. ``stopped``: paused by the portal, not by anybody's hand."""

    subscriptions: int
    failing: int
    failing_since: datetime | None
    stopped: int
    behind: int
    asked: Waiting  # deliveries that somebody asked for by hand


@dataclass(frozen=True, slots=True)
class Chains:
    """Of the record of all organizations."""

    waiting: int
    broken: int
    checked_since: datetime | None  # the chain that was checked longest ago


@dataclass(frozen=True, slots=True)
class Queues:
    """All of it. ``tasks`` is None where the broker does not answer."""

    tasks: int | None
    outbox: Waiting
    position: int
    webhooks: Webhooks
    chains: Chains
    services: int
    listeners: int


def queues(*, at: datetime) -> Queues:
    """As they are now, counted over all organizations and told of none."""
    tasks = tasks_waiting()
    position = events.head()
    with cross_tenant(), connection.cursor() as cursor:
        cursor.execute(_OUTBOX)
        outbox = Waiting(*cursor.fetchone())
        cursor.execute(_ASKED)
        asked = Waiting(*cursor.fetchone())
        cursor.execute(_WEBHOOKS, {"before": at - SLOW})
        subscriptions, failing, since, stopped, behind = cursor.fetchone()
        cursor.execute(_CHAINS)
        chains = Chains(*cursor.fetchone())
    there = list(EventService.objects.filter(seen_at__gt=at - GONE).values_list("waiting", flat=True))
    webhooks = Webhooks(subscriptions, failing, since, stopped, behind, asked)
    return Queues(tasks, outbox, position, webhooks, chains, len(there), sum(there))


def tasks_waiting() -> int | None:
    """Tasks that no worker has taken yet; None where the broker does not answer in time.

    A queue that is not there is an empty one: Redis forgets the last.
    """
    queue = current_app.conf.task_default_queue
    try:
        with current_app.connection_for_read(connect_timeout=PATIENCE) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=PATIENCE)
            channel = broker.default_channel
            try:
                return int(channel.queue_declare(queue=queue, passive=True).message_count)
            except broker.channel_errors:
                return 0
    except Exception as fault:  # whatever a driver raises: the page has to say that it is not there
        log.warning("broker_silent", error=type(fault).__name__)
        return None
