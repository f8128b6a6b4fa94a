"""A webhook is sent on somebody's right: who may not read events any more is not sent them any more."""

from datetime import UTC, datetime

import pytest

from accesscontrol.actions import assignments
from accesscontrol.models import Assignment
from applications.models import Event, Webhook
from iam_portal.walls import tenant_scope
from tenants.actions import tenants
from tenants.models import HistoryEvent
from tests.applications.calling import Caller
from tests.applications.receiving import Clock, Inbox, deliver, happens, now_is
from tests.applications.sides import Side
from tests.support.factories import SYSTEM
from tests.support.knocking import browser, give, person, service

READS, SUBSCRIBES = "provision-contract-manager", "organization-configuration-manager"


@pytest.fixture
def jane(side: Side) -> Caller:
    return Caller(side, side.person)


@pytest.fixture
def kim(side: Side) -> Caller:
    """May subscribe, and read contracts."""
    _, session = person(side.tenant, "kim", READS, SUBSCRIBES)
    return Caller(side, browser(side.tenant, session))


def hook_of(side: Side, made: dict) -> Webhook:
    with tenant_scope(side.tenant.id):
        return Webhook.objects.get(id=made["webhookId"])


def withdraw(side: Side, role: str, **whose: object) -> None:
    """Somebody's role of the portal, now."""
    with tenant_scope(side.tenant.id):
        held = Assignment.objects.get(**whose, application_role__key=role, during__endswith__isnull=True)
        assignments.withdraw(tenant=side.tenant, assignment_id=held.id, by=SYSTEM, at=datetime.now(UTC))


def paused_for(box: Inbox, side: Side, made: dict) -> bool:
    """After an event: nothing was sent, and everybody is told why."""
    clock = Clock()
    happens(side.tenant, clock())
    deliver(clock, made["webhookId"])
    hook = hook_of(side, made)
    with tenant_scope(side.tenant.id):
        told = Event.objects.filter(type="iam.webhook.paused.v1", subject=str(hook.id)).last()
        noted = HistoryEvent.objects.filter(action="webhook.paused", subject_id=str(hook.id)).last()
    assert told.data["because"] == noted.after["because"] == hook.paused_because
    return (box.requests, hook.state, hook.paused_because) == ([], "paused", "not_allowed")


def test_who_lost_the_right_to_read_is_sent_no_more_until_somebody_vouches(
    side: Side, jane: Caller, kim: Caller, box: Inbox
) -> None:
    made = kim.made(url=box.url)
    path = f"/{made['webhookId']}"
    withdraw(side, READS, user__username="kim")
    assert paused_for(box, side, made)
    assert kim("GET", path).json()["pausedBecause"] == "not_allowed"
    refused = kim("POST", f"{path}/resume")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert "ProvisionContracts:read" in refused.json()["detail"]
    page = jane.who.knock("GET", f"/t/{side.tenant.slug}/webhooks/{made['webhookId']}").content.decode()
    assert "Somebody who may read them can resume it." in page
    assert jane("POST", f"{path}/resume").json()["state"] == "active"
    deliver(Clock(), made["webhookId"])
    assert len(box.requests) == 1, "what happened meanwhile, on her right"


def test_a_service_is_asked_like_a_person(side: Side, box: Inbox) -> None:
    robot = Caller(side, service(side.tenant, "meter-reader", READS, SUBSCRIBES))
    made = robot.made(url=box.url)
    happens(side.tenant, Clock()())
    deliver(Clock(), made["webhookId"])
    assert len(box.requests) == 1
    box.requests.clear()
    withdraw(side, READS, application_id="acme.meter-reader")
    assert paused_for(box, side, made)


def test_an_applications_own_stream_needs_what_its_credentials_need(side: Side, box: Inbox) -> None:
    user, session = person(side.tenant, "kim", "module-manager", SUBSCRIBES)
    kim = Caller(side, browser(side.tenant, session))
    made = kim.made(url=box.url, types=["iam.application.*"], applicationId=side.application.id)
    withdraw(side, "module-manager", user=user)
    give(side.tenant, "user-reader", user_id=user.id)  # may still read applications
    clock = Clock()
    happens(side.tenant, clock(), "application.available", application_id=side.application.id)
    assert paused_for(box, side, made)


def test_whoever_changes_it_takes_it_over(side: Side, jane: Caller, kim: Caller, box: Inbox) -> None:
    made = kim.made(url=box.url)
    path = f"/{made['webhookId']}"
    withdraw(side, READS, user__username="kim")
    assert kim("PATCH", path, {"note": "mine"}).status_code == 403
    assert jane("PATCH", path, {"note": "ours"}).status_code == 200
    clock = Clock()
    happens(side.tenant, clock())
    deliver(clock, made["webhookId"])
    assert len(box.requests) == 1


def test_nobody_resumes_what_he_may_not_read(side: Side, jane: Caller, kim: Caller) -> None:
    made = jane.made()
    path = f"/{made['webhookId']}"
    withdraw(side, READS, user__username="kim")
    assert kim("POST", f"{path}/pause").status_code == 200
    assert kim("POST", f"{path}/resume").status_code == 403
    assert jane("GET", path).json()["pausedBecause"] == "by_hand"


def test_a_suspension_takes_nobodys_right(side: Side, kim: Caller, box: Inbox) -> None:
    hook = hook_of(side, kim.made(url=box.url))
    clock = Clock()
    happens(side.tenant, clock())
    tenants.suspend(tenant=side.tenant, reason="", by=SYSTEM, at=clock())
    deliver(clock, hook.id)
    assert (now_is(hook).state, box.requests) == ("active", [])
    clock.move(minutes=1)
    tenants.resume(tenant=side.tenant, by=SYSTEM, at=clock())
    deliver(clock, hook.id)
    assert len(box.requests) == 1


def test_own_applications_are_named_to_whom_they_may_be(side: Side, jane: Caller, kim: Caller) -> None:
    def offered(caller: Caller) -> list[str]:
        page = caller.who.knock("GET", f"/t/{side.tenant.slug}/webhooks/new")
        return [value for value, _ in page.context["form"].fields["application"].choices]

    assert offered(kim) == [""]
    assert side.application.id in offered(jane)


def test_history_says_that_the_address_changed_and_not_to_what(side: Side, jane: Caller) -> None:
    made = jane.made(url="https://receiver.example/a?key=first")
    path = f"/{made['webhookId']}"
    assert jane("PATCH", path, {"url": "https://receiver.example/b?key=second"}).status_code == 200
    assert jane("PATCH", path, {"note": "x"}).status_code == 200
    with tenant_scope(side.tenant.id):
        noted = HistoryEvent.objects.filter(action="webhook.changed", subject_id=made["webhookId"])
        changes = [(row.before, row.after) for row in noted.order_by("id")]
    assert [after.get("urlChanged", False) for _, after in changes] == [True, False]
    assert "key=" not in str(changes)
    assert "/b" not in str(changes)
