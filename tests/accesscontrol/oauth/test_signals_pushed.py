"""Signals that are pushed (RFC 8935): by the machinery of webhooks, with its retries and its pauses."""

from collections.abc import Iterator
from typing import Any

import pytest

from accesscontrol.oauth.signals import kinds
from applications import shapes
from applications.actions import webhook_requests, webhooks
from applications.models import Webhook
from applications.views import _webhook
from iam_portal.walls import tenant_scope
from tests.accesscontrol.oauth.conftest import World
from tests.accesscontrol.oauth.signed_in import give, person
from tests.accesscontrol.oauth.telling import Receiver, later
from tests.applications.receiving import Inbox, attempts, deliver, inbox, loopback_allowed, now_is, says
from tests.support.factories import SYSTEM

PUSH = "urn:ietf:rfc:8935"
HEADER = "Bearer of-the-receiver"


@pytest.fixture
def box(settings: Any) -> Iterator[Inbox]:
    loopback_allowed(settings)
    with inbox() as made:
        yield made


@pytest.fixture
def meter(shared: World, settings: Any, box: Inbox) -> Receiver:
    settings.ROOT_URLCONF = "iam_portal.urls"
    made = Receiver(shared, shared.globex)
    delivery = {"method": PUSH, "endpoint_url": box.url, "authorization_header": HEADER}
    assert made.create(delivery=delivery).status_code == 201
    return made


def hook_of(meter: Receiver) -> Webhook:
    with tenant_scope(meter.tenant.id):
        return Webhook.objects.get(id=meter.id)


def sent(meter: Receiver) -> None:
    deliver(lambda: meter.world.clock.at)  # type: ignore[arg-type]


def happens(meter: Receiver, name: str = "jane") -> None:
    user = person(meter.world, name)
    later(meter)
    give(meter.world, user)


def test_a_token_arrives_with_the_receivers_own_header(meter: Receiver, box: Inbox) -> None:
    happens(meter)
    give(meter.world, person(meter.world, "tom"), target="globex.reader")
    sent(meter)
    (request,) = box.requests
    assert request.headers["content-type"] == "application/secevent+jwt"
    assert request.headers["authorization"] == HEADER
    assert "webhook-signature" not in request.headers
    assert list(meter.claims(request.body.decode())["events"]) == [kinds.TOKEN_CLAIMS_CHANGE]
    assert HEADER not in str(meter.ask("GET", "stream").json())
    sent(meter)
    assert len(box.requests) == 1, "and nothing that concerns others"


def test_what_fails_is_sent_again_under_the_same_id(meter: Receiver, box: Inbox) -> None:
    box.answers += [says(500)]
    happens(meter)
    happens(meter, "tom")
    sent(meter)
    meter.world.clock.forward(minutes=1)
    sent(meter)
    ids = [meter.claims(request.body.decode())["jti"] for request in box.requests]
    assert len(ids) == 3
    assert ids[0] == ids[1] != ids[2]
    assert [outcome for outcome, _, _ in attempts(hook_of(meter))] == ["failed", "delivered", "delivered"]


def test_a_receiver_that_wants_no_more_is_asked_no_more_until_it_says_so(meter: Receiver, box: Inbox) -> None:
    box.answers += [says(410)]
    happens(meter)
    sent(meter)
    query = f"?stream_id={meter.id}"
    assert meter.ask("GET", "status", query=query).json()["reason"] == "gone"
    body = {"stream_id": meter.id, "status": "enabled"}
    assert meter.ask("POST", "status", body).json()["status"] == "enabled"
    sent(meter)
    assert len(box.requests) == 2


def test_a_verification_is_sent_also_by_an_administrator(meter: Receiver, box: Inbox) -> None:
    assert meter.ask("POST", "verify", {"stream_id": meter.id, "state": "abc"}).status_code == 204
    sent(meter)
    (said,) = meter.claims(box.requests[0].body.decode())["events"].items()
    assert said == (kinds.VERIFICATION, {"state": "abc"})
    with tenant_scope(meter.tenant.id):
        at = later(meter)
        webhook_requests.send_test(tenant=meter.tenant, webhook_id=hook_of(meter).pk, by=SYSTEM, at=at)
    sent(meter)
    assert len(box.requests) == 2


def test_another_receiver_is_not_told_the_header_of_the_first(meter: Receiver, box: Inbox) -> None:
    elsewhere = {"method": PUSH, "endpoint_url": f"{box.url}&second"}
    body = {"stream_id": meter.id, "delivery": elsewhere}
    assert meter.ask("PATCH", "stream", body).status_code == 200
    happens(meter)
    sent(meter)
    assert "authorization" not in box.requests[0].headers
    with tenant_scope(meter.tenant.id):
        rest = [secret.sealed for secret in hook_of(meter).secrets.order_by("during")]
    assert [bool(sealed) for sealed in rest] == [False, True]


def test_it_can_be_polled_from_then_on(meter: Receiver, box: Inbox) -> None:
    assert meter.ask("POST", "poll", {}).status_code == 404
    happens(meter)
    body = {"stream_id": meter.id, "delivery": {"method": "urn:ietf:rfc:8936"}}
    assert meter.ask("PATCH", "stream", body).json()["delivery"]["endpoint_url"].endswith("/poll")
    sent(meter)
    assert box.requests == []
    assert len(meter.told()) == 1


def test_what_nobody_is_told_does_not_pile_up(meter: Receiver, box: Inbox) -> None:
    """Events of others move the position; the daily job does so for a stream that rests."""
    give(meter.world, person(meter.world), target="globex.reader")
    sent(meter)
    before = now_is(hook_of(meter)).position
    with tenant_scope(meter.tenant.id):
        webhooks.pause(tenant=meter.tenant, webhook_id=hook_of(meter).pk, by=SYSTEM, at=later(meter))
    happens(meter, "tom")
    webhook_requests.settle(at=later(meter))
    assert now_is(hook_of(meter)).position == before, "what concerns it maybe is kept"
    assert box.requests == []


def test_the_organization_sees_the_host_and_not_the_rest_of_the_address(meter: Receiver, box: Inbox) -> None:
    """The path may be a secret of the receiver, who is of another organization."""
    row = hook_of(meter)
    with tenant_scope(meter.tenant.id):
        Webhook.objects.filter(pk=row.pk).update(url=f"{box.url}/hidden?key=hidden")
        row.refresh_from_db()
        shown = shapes.webhook(row, at=later(meter))
        facts = _webhook.facts(row)
    assert "hidden" not in str((shown, facts))
    assert box.url.startswith(shown["url"])
    assert shown["url"] in str(facts)
