"""Who stays down is paused and told so; workers that die; what is asked for by hand; what stays inside."""

import json
import logging
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet

from applications import events
from applications.actions import webhook_requests, webhook_secrets, webhooks
from applications.delivery import rounds, turns
from applications.delivery.posting import Reply
from applications.models import Event, Watermark
from iam_portal.walls import cross_tenant, tenant_scope
from tenants.actions import tenants
from tenants.models import HistoryEvent, Tenant
from tests.applications.receiving import (
    Clock,
    Inbox,
    attempts,
    deliver,
    events_of,
    happens,
    inbox,
    now_is,
    says,
    subscribed,
)
from tests.applications.sharing import register
from tests.support.factories import SYSTEM, make_tenant


@pytest.fixture
def acme(db: None, clock: Clock, box: Inbox) -> Tenant:
    return make_tenant("acme", at=clock())


# --- who dies, and who stays down ---------------------------------------------------------------------


def test_a_worker_killed_after_sending_sends_the_same_event_again(
    acme: Tenant, box: Inbox, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook, secret = subscribed(acme, box.url, at=clock())
    happens(acme, clock())

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(turns, "settle", killed)
        deliver(clock)
    deliver(clock)  # another worker: it is in hand, as far as anybody knows
    assert len(box.requests) == 1
    clock.move(seconds=61)
    deliver(clock)
    assert len(set(box.ids)) == 1
    assert len(box.requests) == 2
    assert box.requests[1].opened_by(secret)["id"] == box.ids[0]
    assert attempts(hook) == [("delivered", 204, "")]


def test_who_overran_the_lease_moves_nothing(acme: Tenant, box: Inbox, clock: Clock) -> None:
    hook, _ = subscribed(acme, box.url, at=clock())
    happens(acme, clock())
    late = turns.take(webhook_id=hook.id, tenant_id=acme.id, at=clock())
    assert turns.take(webhook_id=hook.id, tenant_id=acme.id, at=clock()) is None
    clock.move(seconds=61)
    deliver(clock)
    turns.settle(late, Reply(500, "", "", 1), at=clock())
    assert (now_is(hook).attempts, hook.failing_since) == (0, None)
    assert [outcome for outcome, *_ in attempts(hook)] == ["delivered", "failed"]


def test_who_overran_the_lease_alone_has_failed_as_usual(acme: Tenant, box: Inbox, clock: Clock) -> None:
    hook, _ = subscribed(acme, box.url, at=clock())
    happens(acme, clock())
    late = turns.take(webhook_id=hook.id, tenant_id=acme.id, at=clock())
    clock.move(seconds=90)
    turns.settle(late, Reply(None, "timed_out", "", 90_000), at=clock())
    assert now_is(hook).attempts == 1
    assert hook.next_attempt_at > clock()
    assert turns.due(at=clock()) == []


def test_a_secret_that_cannot_be_read_fails_and_waits_like_a_receiver_that_is_down(
    acme: Tenant, box: Inbox, clock: Clock
) -> None:
    hook, _ = subscribed(acme, box.url, at=clock())
    happens(acme, clock())
    with tenant_scope(acme.id):
        webhook_requests.send_test(tenant=acme, webhook_id=hook.id, by=SYSTEM, at=clock())
        hook.secrets.update(sealed=Fernet(Fernet.generate_key()).encrypt(b"whsec_YQ==").decode())
    deliver(clock)
    assert turns.due(at=clock()) == [], "it is not the first for ever"
    assert attempts(hook) == [("failed", None, "no_secret")] * 2
    clock.move(days=4)
    deliver(clock)
    assert (now_is(hook).state, hook.paused_because) == ("paused", "failing")
    with tenant_scope(acme.id):
        who = {"tenant": acme, "webhook_id": hook.id, "by": SYSTEM, "at": clock()}
        webhook_secrets.rotate(**who)
        webhooks.resume(**who)
    deliver(Clock())
    assert box.requests == []  # not before it was made
    deliver(clock)
    assert len(box.requests) == 1


def test_three_days_down_is_paused_and_told_and_goes_on_where_it_stopped(
    acme: Tenant, box: Inbox, clock: Clock
) -> None:
    hook, _ = subscribed(acme, box.url, "iam.contract.*", "iam.webhook.*", at=clock())
    happens(acme, clock())
    began = clock()
    box.answers = [says(500)] * 200
    waits = []
    while now_is(hook).state == "active":
        deliver(clock)
        if hook.next_attempt_at and now_is(hook).next_attempt_at:
            waits.append((hook.next_attempt_at - clock()).total_seconds())
            clock.now = hook.next_attempt_at
    assert clock() - began == timedelta(days=3)
    assert 20 < len(waits) < 60
    assert waits[0] < 15 < 60 < waits[4] < waits[8] <= 4 * 3600
    assert (hook.state, hook.paused_because) == ("paused", "failing")
    with tenant_scope(acme.id):
        told = Event.objects.get(tenant=acme, type="iam.webhook.paused.v1")
        noted = HistoryEvent.objects.get(action="webhook.paused")
    assert told.data == {"webhookId": str(hook.id), "because": "failing"}
    assert noted.after["because"] == "failing"
    box.answers.clear()
    before = len(box.requests)
    deliver(clock)
    assert len(box.requests) == before
    with tenant_scope(acme.id):
        webhooks.resume(tenant=acme, webhook_id=hook.id, by=SYSTEM, at=clock())
    happens(acme, clock())
    deliver(clock)
    types = [json.loads(request.body)["type"].split(".")[2] for request in box.requests[before:]]
    assert types == ["paused", "paused", "resumed", "paused"]  # contract, webhook, webhook, contract
    assert len(set(box.ids[before:])) == 4


def test_gone_is_paused_at_once(acme: Tenant, box: Inbox, clock: Clock) -> None:
    hook, _ = subscribed(acme, box.url, at=clock())
    happens(acme, clock())
    box.answers = [says(410)]
    deliver(clock)
    assert (now_is(hook).state, hook.paused_because) == ("paused", "gone")


def test_a_suspended_tenant_is_sent_nothing_until_it_is_no_more(
    acme: Tenant, box: Inbox, clock: Clock
) -> None:
    hook, _ = subscribed(acme, box.url, at=clock())
    happens(acme, clock())
    tenants.suspend(tenant=acme, reason="", by=SYSTEM, at=clock())
    deliver(clock)
    late = {"webhook_id": hook.id, "tenant_id": acme.id}  # found before, and in the line since
    assert rounds.serve(**late, clock=clock) is None
    assert turns.take(**late, at=clock()) is None
    assert box.requests == []
    clock.move(minutes=1)
    tenants.resume(tenant=acme, by=SYSTEM, at=clock())
    deliver(clock)
    assert len(box.requests) == 1


def test_what_was_lost_is_said(acme: Tenant, box: Inbox, clock: Clock) -> None:
    """Events are kept for a while only; a subscription paused for longer goes on at the oldest."""
    happens(acme, clock())
    hook, _ = subscribed(acme, box.url, at=clock())
    with tenant_scope(acme.id):
        webhooks.pause(tenant=acme, webhook_id=hook.id, by=SYSTEM, at=clock())
    for _ in range(3):
        happens(acme, clock())
    kept = events_of(acme)[-1]
    with cross_tenant():
        Event.objects.filter(position__lt=kept.position).delete()
    Watermark.objects.create(name="events-pruned", at=clock(), position=kept.position - 1)
    with tenant_scope(acme.id):
        webhooks.resume(tenant=acme, webhook_id=hook.id, by=SYSTEM, at=clock())
    deliver(clock)
    assert box.ids == [str(kept.event_id)]
    with tenant_scope(acme.id):
        noted = HistoryEvent.objects.get(action="webhook.position_lost")
    assert noted.after["positions"]["to"] == kept.position - 1


# --- by hand ------------------------------------------------------------------------------------------


def test_a_test_and_a_redelivery_go_to_this_subscription_only(acme: Tenant, box: Inbox, clock: Clock) -> None:
    with inbox() as other:
        hook, secret = subscribed(acme, box.url, at=clock())
        subscribed(acme, other.url, "iam.webhook.*", at=clock())
        happens(acme, clock())
        deliver(clock)
        with tenant_scope(acme.id):
            who = {"tenant": acme, "webhook_id": hook.id, "by": SYSTEM, "at": clock()}
            first = hook.deliveries.get()
            webhooks.pause(**who)
            asked = [webhook_requests.redeliver(**who, delivery_id=first.id) for _ in range(2)]
            assert asked[0].id == asked[1].id
            test = webhook_requests.send_test(**who)
            with pytest.raises(webhook_requests.NotAgain):
                webhook_requests.redeliver(**who, delivery_id=test.id)
        box.answers = [says(500)]
        deliver(clock)
        deliver(clock)
        assert box.ids == [str(first.event_id), str(first.event_id), str(test.event_id)]
        shown = box.requests[2].opened_by(secret)
        assert (shown["type"], shown["data"]) == ("iam.webhook.test.v1", {"webhookId": str(hook.id)})
        assert "position" not in shown
        assert [outcome for outcome, *_ in attempts(hook)] == ["delivered", "failed", "delivered"]
        assert (now_is(hook).state, hook.attempts) == ("paused", 0)
        told = {json.loads(request.body)["type"] for request in other.requests}
        assert told == {"iam.webhook.paused.v1"}


def test_deliveries_are_forgotten_after_thirty_days(acme: Tenant, box: Inbox, clock: Clock) -> None:
    hook, _ = subscribed(acme, box.url, at=clock())
    happens(acme, clock())
    deliver(clock)
    position = now_is(hook).position
    happens(make_tenant("beta", at=clock()), clock())
    clock.move(days=29)
    assert webhook_requests.forget(at=clock()) == 0
    webhook_requests.settle(at=clock())
    assert now_is(hook).position == position + 1, "what does not concern it is behind it"
    clock.move(days=2)
    assert webhook_requests.forget(at=clock()) == 1


# --- what stays inside --------------------------------------------------------------------------------


def test_an_application_is_told_what_it_may_read_of_itself(acme: Tenant, box: Inbox, clock: Clock) -> None:
    beta = make_tenant("beta", at=clock())
    register(acme, "meter", clock())
    register(acme, "private", clock())
    events.sequence()
    hook, _ = subscribed(
        acme, box.url, "iam.application.*", "iam.role.*", at=clock(), application_id="acme.meter"
    )
    happens(beta, clock(), "application.available", application_id="acme.meter")
    happens(beta, clock(), "role.assigned", application_id="acme.meter")
    happens(beta, clock(), "application.available", application_id="acme.private")
    happens(acme, clock(), "contract.ended")
    deliver(clock)
    [request] = box.requests
    shown = json.loads(request.body)
    assert (shown["tenantid"], shown["type"]) == (str(beta.id), "iam.application.available.v1")
    assert "reasons" not in shown["data"]["cause"]
    assert turns.due(at=clock()) == []
    assert [outcome for outcome, *_ in attempts(hook)] == ["delivered"]


def test_no_secret_stands_in_logs_history_events_or_rows(
    acme: Tenant, box: Inbox, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    hook, first = subscribed(acme, box.url, at=clock())
    with tenant_scope(acme.id):
        _, second = webhook_secrets.rotate(tenant=acme, webhook_id=hook.id, by=SYSTEM, at=clock())
    happens(acme, clock())
    parcel = turns.take(webhook_id=hook.id, tenant_id=acme.id, at=clock())
    clock.move(minutes=2)
    box.answers = [says(500)]
    deliver(clock)
    with tenant_scope(acme.id):
        webhooks.pause(tenant=acme, webhook_id=hook.id, by=SYSTEM, at=clock())
        webhooks.end(tenant=acme, webhook_id=hook.id, by=SYSTEM, at=clock())
        rows = [str(row) for table in (HistoryEvent, Event) for row in table.objects.values_list()]
        rows += [str(row) for row in hook.secrets.values_list()]
        actions = list(HistoryEvent.objects.filter(subject_kind="webhook").values_list("action", flat=True))
    text = "\n".join([*rows, caplog.text, repr(parcel)])
    for hidden in (first, second, first.removeprefix("whsec_")[:20], "receivers-own", "/hook"):
        assert hidden not in text
    verbs = ["subscribed", "secret_added", "paused", "ended"]
    assert [action.partition(".")[2] for action in sorted(actions)] == sorted(verbs)
