"""Where a subscription stands when the beginning of its stream is pruned: only what it missed is lost."""

from datetime import timedelta

import pytest

from applications import events
from applications.actions import webhook_requests, webhooks
from applications.models import Event, Webhook
from iam_portal.walls import cross_tenant, tenant_scope
from tenants.models import HistoryEvent, Tenant
from tests.applications.receiving import Clock, Inbox, deliver, happens, subscribed
from tests.support.factories import SYSTEM, make_tenant


@pytest.fixture
def acme(db: None, clock: Clock) -> Tenant:
    return make_tenant("acme", at=clock.now)


def prune_everything(clock: Clock) -> None:
    events.sequence()
    while events.prune(before=clock.now + timedelta(seconds=1), at=clock.now):
        pass
    with cross_tenant():
        assert not Event.objects.exists()


def lost(tenant: Tenant) -> int:
    with tenant_scope(tenant.id):
        return HistoryEvent.objects.filter(action="webhook.position_lost").count()


def act(verb: str, row: Webhook, clock: Clock) -> Webhook:
    with tenant_scope(row.tenant_id):
        found: Webhook = getattr(webhooks, verb)(
            tenant=row.tenant, webhook_id=row.id, by=SYSTEM, at=clock.now
        )
        return found


def position_of(row: Webhook) -> int:
    with tenant_scope(row.tenant_id):
        return Webhook.objects.get(id=row.id).position


def received(box: Inbox, clock: Clock, tenant: Tenant) -> int:
    happens(tenant, clock.now)
    deliver(clock)
    return len(box.requests)


def test_a_new_one_begins_where_everything_is_pruned(acme: Tenant, clock: Clock, box: Inbox) -> None:
    happens(acme, clock.now)
    prune_everything(clock)
    row, _ = subscribed(acme, box.url, at=clock.now)
    assert row.position == events.head() == events.pruned() > 0
    assert received(box, clock, acme) == 1
    assert lost(acme) == 0


def test_a_paused_one_that_nothing_concerned_lost_nothing(acme: Tenant, clock: Clock, box: Inbox) -> None:
    """Neither a neighbour's events nor those of other types."""
    neighbour = make_tenant("neighbour", at=clock.now)
    row, _ = subscribed(acme, box.url, at=clock.now)
    act("pause", row, clock)
    for _ in range(2):
        happens(neighbour, clock.now)
        happens(acme, clock.now, "role.changed")
        clock.move(days=1)
        webhook_requests.settle(at=clock.now)
        prune_everything(clock)
    act("resume", row, clock)
    assert received(box, clock, acme) == 1
    assert lost(acme) == 0


def test_a_paused_one_that_missed_something_is_told_so(acme: Tenant, clock: Clock, box: Inbox) -> None:
    row, _ = subscribed(acme, box.url, at=clock.now)
    act("pause", row, clock)
    happens(acme, clock.now)
    position = position_of(row)
    webhook_requests.settle(at=clock.now)
    assert position_of(row) == position, "it is to be sent"
    prune_everything(clock)
    webhook_requests.settle(at=clock.now)
    assert position_of(row) == position, "what is gone may have concerned it"
    act("resume", row, clock)
    assert received(box, clock, acme) == 1
    assert lost(acme) == 1
