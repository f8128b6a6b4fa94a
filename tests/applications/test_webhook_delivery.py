"""Events arrive signed, in order, at least once; who is down gets them later."""

import json
from datetime import timedelta

import pytest
from cloudevents.v1.http import from_http
from pytest_django.fixtures import Settings
from standardwebhooks import WebhookVerificationError

from applications import streams
from applications.actions import webhook_secrets
from iam_portal.walls import tenant_scope
from tenants.models import Tenant
from tests.applications.receiving import (
    Clock,
    Inbox,
    attempts,
    deliver,
    drips,
    events_of,
    happens,
    inbox,
    now_is,
    says,
    sleeps,
    subscribed,
)
from tests.support.factories import SYSTEM, make_tenant


@pytest.fixture
def acme(db: None, clock: Clock, box: Inbox) -> Tenant:
    return make_tenant("acme", at=clock())


# --- what arrives -------------------------------------------------------------------------------------


def test_an_event_arrives_as_its_stream_shows_it_signed_and_once(
    acme: Tenant, box: Inbox, clock: Clock
) -> None:
    happens(acme, clock())  # before anybody subscribed
    hook, secret = subscribed(acme, box.url, at=clock())
    neighbour = make_tenant("beta", at=clock())
    happens(neighbour, clock())
    happens(acme, clock(), "role.changed")  # not subscribed to
    happens(acme, clock())
    deliver(clock)
    deliver(clock)
    [request] = box.requests
    event = events_of(acme)[-1]
    assert request.path == "/hook?key=receivers-own"
    assert request.opened_by(secret) == json.loads(json.dumps(streams.event(event)))
    assert request.id == str(event.event_id)
    assert request.headers["content-type"] == "application/cloudevents+json"
    assert request.headers["host"] == f"127.0.0.1:{box.port}"
    read = from_http(request.headers, request.body)
    assert (read["id"], read["type"], read["tenantid"]) == (request.id, event.type, str(acme.id))
    assert read.data == event.data
    assert attempts(hook) == [("delivered", 204, "")]
    assert now_is(hook).position == event.position


def test_a_changed_body_or_another_secret_does_not_verify(acme: Tenant, box: Inbox, clock: Clock) -> None:
    _, secret = subscribed(acme, box.url, at=clock())
    _, other = subscribed(acme, box.url, at=clock())
    happens(acme, clock())
    deliver(clock)
    mine = next(request for request in box.requests if _verifies(request, secret))
    assert not _verifies(mine, other)
    mine.body = mine.body.replace(b"paused", b"ended!")
    assert not _verifies(mine, secret)


def _verifies(request, secret: str) -> bool:
    try:
        request.opened_by(secret)
    except WebhookVerificationError:
        return False
    return True


def test_two_secrets_sign_until_the_old_one_ends(acme: Tenant, box: Inbox, clock: Clock) -> None:
    hook, old = subscribed(acme, box.url, at=clock())
    who = {"tenant": acme, "webhook_id": hook.id, "by": SYSTEM}
    with tenant_scope(acme.id):
        clock.move(minutes=1)
        _, new = webhook_secrets.rotate(**who, at=clock(), old_ends_at=clock() + timedelta(hours=1))
        with pytest.raises(webhook_secrets.TooManySecrets):
            webhook_secrets.rotate(**who, at=clock())
    happens(acme, clock())
    deliver(clock)
    assert [_verifies(box.requests[0], secret) for secret in (old, new)] == [True, True]
    with tenant_scope(acme.id):  # the receiver has changed over; the library refuses old timestamps
        first = hook.secrets.order_by("during").first()
        webhook_secrets.revoke(**who, secret_id=first.id, at=clock())
        assert first.sealed
        first.refresh_from_db()
        assert first.sealed == ""
        with pytest.raises(webhook_secrets.LastSecret):
            webhook_secrets.revoke(**who, secret_id=hook.secrets.get(during__contains=clock()).id, at=clock())
    happens(acme, clock())
    deliver(clock)
    assert [_verifies(box.requests[1], secret) for secret in (old, new)] == [False, True]


def test_a_secret_ends_when_it_was_said_to(acme: Tenant, box: Inbox, clock: Clock) -> None:
    hook, old = subscribed(acme, box.url, at=clock() - timedelta(hours=2))
    at = clock() - timedelta(hours=1)
    with tenant_scope(acme.id):
        _, new = webhook_secrets.rotate(
            tenant=acme, webhook_id=hook.id, by=SYSTEM, at=at, old_ends_at=at + timedelta(minutes=30)
        )
    happens(acme, clock())
    deliver(clock)
    assert [_verifies(box.requests[0], secret) for secret in (old, new)] == [False, True]


# --- down, slow, refusing -----------------------------------------------------------------------------


def test_order_holds_through_failure_and_recovery(acme: Tenant, box: Inbox, clock: Clock) -> None:
    hook, _ = subscribed(acme, box.url, at=clock())
    for _ in range(3):
        happens(acme, clock())
    box.answers = [says(200), says(500), says(503)]
    deliver(clock)
    ids = [str(event.event_id) for event in events_of(acme)]
    assert box.ids == ids[:2]
    assert now_is(hook).attempts == 1
    deliver(clock)  # not before its time
    assert box.ids == ids[:2]
    clock.move(seconds=15)
    deliver(clock)
    clock.move(seconds=15)
    deliver(clock)
    assert box.ids == [ids[0], ids[1], ids[1]]
    assert now_is(hook).attempts == 2
    clock.move(seconds=15)
    deliver(clock)
    assert box.ids == [ids[0], ids[1], ids[1], ids[1], ids[2]]
    assert (now_is(hook).attempts, hook.failing_since, hook.next_attempt_at) == (0, None, None)
    assert [status for _, status, _ in attempts(hook)] == [200, 500, 503, 204, 204]


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (says(503, Retry_After="120"), 120),
        (says(503, Retry_After="999999999"), 4 * 3600),
        (says(500, Retry_After="-1"), 10),
        (says(500, Retry_After="tomorrow"), 10),
    ],
)
def test_the_receiver_may_ask_for_more_time(
    acme: Tenant, box: Inbox, clock: Clock, answer, seconds: int
) -> None:
    hook, _ = subscribed(acme, box.url, at=clock())
    happens(acme, clock())
    box.answers = [answer]
    deliver(clock)
    waits = (now_is(hook).next_attempt_at - clock()).total_seconds()
    assert waits == pytest.approx(seconds, rel=0.2)


def test_who_is_not_there_is_a_failure(acme: Tenant, clock: Clock) -> None:
    with inbox() as closed:
        hook, _ = subscribed(acme, closed.url, at=clock())
    happens(acme, clock())
    deliver(clock)
    assert attempts(hook) == [("failed", None, "connect_failed")]


def test_slow_and_dripping_are_failures_in_bounded_time(
    acme: Tenant, box: Inbox, clock: Clock, settings: Settings
) -> None:
    hook, _ = subscribed(acme, box.url, at=clock())
    happens(acme, clock())
    settings.WEBHOOK_WHOLE_SECONDS = 0.3
    box.answers = [sleeps(0.8), drips(20)]
    deliver(clock)
    clock.move(minutes=1)
    deliver(clock)
    assert attempts(hook) == [("failed", None, "timed_out")] * 2
    with tenant_scope(acme.id):
        assert max(hook.deliveries.values_list("milliseconds", flat=True)) < 10_000


def test_a_redirect_is_not_followed(acme: Tenant, box: Inbox, clock: Clock) -> None:
    with inbox() as inner:
        hook, _ = subscribed(acme, box.url, at=clock())
        happens(acme, clock())
        box.answers = [says(307, Location=inner.url), says(302, Location="http://169.254.169.254/")]
        deliver(clock)
        clock.move(minutes=1)
        deliver(clock)
        assert attempts(hook) == [("failed", 307, ""), ("failed", 302, "")]
        assert inner.requests == []


def test_a_failing_subscription_holds_up_no_other(acme: Tenant, box: Inbox, clock: Clock) -> None:
    with inbox() as other:
        subscribed(acme, box.url, at=clock())
        subscribed(acme, other.url, at=clock())
        box.answers = [says(500)] * 9
        for _ in range(3):
            happens(acme, clock())
        deliver(clock)
        assert (len(box.requests), len(other.requests)) == (1, 3)
