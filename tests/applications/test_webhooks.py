"""Webhooks by REST: who may subscribe to what, what a neighbour sees, acts sent twice, late or malformed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accesscontrol.actions import assignments
from accesscontrol.models import Assignment
from applications.actions import pauses
from applications.models import Webhook, WebhookDelivery
from iam_portal.walls import tenant_scope
from tenants.models import HistoryEvent
from tests.applications.calling import PUBLIC, Caller
from tests.applications.receiving import Clock, Inbox, deliver
from tests.applications.sides import Side
from tests.support.factories import SYSTEM
from tests.support.knocking import NOBODY, browser, person

ALL = ["iam.application.*", "iam.role.*", "iam.contract.*", "iam.webhook.*"]


@pytest.fixture
def jane(side: Side) -> Caller:
    return Caller(side, side.person)


def codes(reply: Any) -> list[tuple[str, str]]:
    return [(error["pointer"], error["code"]) for error in reply.json()["errors"]]


# --- subscribing --------------------------------------------------------------------------------------


def test_the_secret_stands_in_one_reply_only(side: Side, jane: Caller) -> None:
    reply = jane("POST", body={"url": PUBLIC, "types": ALL, "note": "Depot"})
    made = reply.json()
    assert (reply.status_code, reply["Cache-Control"], reply["ETag"]) == (201, "no-store", '"r-1"')
    assert made["secret"].startswith("whsec_")
    assert (made["state"], made["applicationId"], len(made["secrets"])) == ("active", None, 1)
    again = jane("GET", f"/{made['webhookId']}")
    assert again.json() == {key: value for key, value in made.items() if key != "secret"}
    listed = jane("GET").json()["items"]
    assert made["webhookId"] in [item["webhookId"] for item in listed]
    assert made["secret"] not in again.content.decode()


def test_every_objection_is_said_at_once(side: Side, jane: Caller) -> None:
    types = ["iam.secret.*", "iam.contract", "iam.*", "*", "iam.contract.ended", "iam.contract.ended.v1"]
    reply = jane("POST", body={"url": "https://10.0.0.1/", "types": types})
    assert reply.status_code == 400
    unknown = [(f"/types/{number}", "type_unknown") for number in range(5)]
    assert codes(reply) == [("/url", "address_refused"), *unknown]
    assert codes(jane("POST", body={"url": PUBLIC, "types": []})) == [("/types", "types_count")]
    own = {"url": PUBLIC, "types": ["iam.contract.*", "iam.role.assigned.v1"]}
    reply = jane("POST", body={**own, "applicationId": side.application.id})
    assert codes(reply) == [("/types/0", "type_unknown"), ("/types/1", "type_unknown")]


def test_nobody_sends_himself_what_he_may_not_read(side: Side, jane: Caller) -> None:
    """Neither by a new subscription, nor by leading an old one to himself, nor by asking for it again."""
    _, session = person(side.tenant, "kim", "organization-configuration-manager")
    kim = Caller(side, browser(side.tenant, session))
    for wanted in [*ALL[:3], "iam.contract.ended.v1", "iam.role.assigned.v1"]:
        reply = kim("POST", body={"url": PUBLIC, "types": [wanted]})
        assert (reply.status_code, reply.json()["code"]) == (403, "forbidden"), wanted
        assert reply.json()["reasons"]
    assert kim("POST", body={"url": PUBLIC, "types": ["iam.webhook.*"]}).status_code == 201
    theirs = jane.made()
    path = f"/{theirs['webhookId']}"
    assert kim("PATCH", path, {"url": "https://kim.example/"}).status_code == 403
    with tenant_scope(side.tenant.id):
        row = Webhook.objects.get(id=theirs["webhookId"])
        sent = delivery_of(row)
    assert kim("POST", f"{path}/deliveries/{sent.id}/redeliver").status_code == 403
    assert jane("POST", f"{path}/deliveries/{sent.id}/redeliver").status_code == 202


def delivery_of(row: Webhook, type: str = "iam.contract.ended.v1") -> WebhookDelivery:
    return WebhookDelivery.objects.create(
        tenant_id=row.tenant_id,
        webhook=row,
        event_id=NOBODY,
        event_type=type,
        event_position=1,
        attempt=1,
        at=row.created_at,
        milliseconds=1,
        outcome="delivered",
    )


def test_an_applications_stream_is_for_who_could_read_it_by_its_credentials(
    side: Side, stranger: Side, jane: Caller
) -> None:
    _, session = person(side.tenant, "kim", "organization-configuration-manager", "user-reader")
    kim = Caller(side, browser(side.tenant, session))
    wanted = {"url": PUBLIC, "types": ["iam.application.*"]}
    assert kim("POST", body=wanted).status_code == 201
    assert kim("POST", body={**wanted, "applicationId": side.application.id}).status_code == 403
    assert jane.made(**{**wanted, "applicationId": side.application.id})["applicationId"]
    answers = [
        jane("POST", body={**wanted, "applicationId": id})
        for id in (stranger.application.id, "nobody.nothing", "iam-portal")
    ]
    assert [answer.status_code for answer in answers] == [404, 404, 404]


def test_who_lost_the_role_yesterday_changes_nothing(side: Side, jane: Caller) -> None:
    made = jane.made()
    with tenant_scope(side.tenant.id):
        held = Assignment.objects.filter(
            user=side.user, application_role__key="organization-configuration-manager"
        ).get()
        at = datetime.now(UTC)
        assignments.withdraw(tenant=side.tenant, assignment_id=held.id, by=SYSTEM, at=at)
    path = f"/{made['webhookId']}"
    assert jane("POST", f"{path}/secrets", {}).status_code == 403
    assert jane("PATCH", path, {"note": "x"}).status_code == 403
    assert jane("POST", f"{path}/test").status_code == 403


def test_there_is_an_end_of_how_many(side: Side, jane: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    with tenant_scope(side.tenant.id):
        present = Webhook.objects.count()
    monkeypatch.setattr("applications.actions.webhooks.MOST_WEBHOOKS", present + 1)
    jane.made()
    reply = jane("POST", body={"url": PUBLIC, "types": ["iam.contract.*"]})
    assert (reply.status_code, reply.json()["code"]) == (409, "too_many_webhooks")


# --- acts ---------------------------------------------------------------------------------------------


def test_acts_twice_late_and_on_an_old_revision(side: Side, jane: Caller) -> None:
    made = jane.made()
    path = f"/{made['webhookId']}"
    assert jane("PATCH", path, {"note": "Depot"}, **{"If-Match": '"r-1"'}).json()["revision"] == "r-2"
    assert jane("PATCH", path, {"note": "x"}, **{"If-Match": '"r-1"'}).status_code == 412
    assert jane("PATCH", path, {"note": "Depot"}).json()["revision"] == "r-2"  # nothing was changed
    for _ in range(2):
        assert jane("POST", f"{path}/pause").json()["pausedBecause"] == "by_hand"
    for _ in range(2):
        assert jane("POST", f"{path}/resume").json()["state"] == "active"
    assert jane("PATCH", path, {"url": "https://192.168.0.1/"}).status_code == 400
    secrets = f"{path}/secrets"
    first = made["secrets"][0]["secretId"]
    assert jane("DELETE", f"{secrets}/{first}").json()["code"] == "last_secret"
    past = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    assert jane("POST", secrets, {"oldEndsAt": past}).status_code == 400
    second = jane("POST", secrets, {})
    assert (second.status_code, second["Cache-Control"]) == (201, "no-store")
    assert jane("POST", secrets, {}).json()["code"] == "too_many_secrets"
    assert [jane("DELETE", f"{secrets}/{first}").status_code for _ in range(2)] == [204, 404]
    assert [item["hint"] for item in jane("GET", path).json()["secrets"]] == [second.json()["hint"]]
    assert [jane("DELETE", path).status_code for _ in range(2)] == [204, 404]
    for method, rest in (("GET", ""), ("PATCH", ""), ("POST", "/resume"), ("GET", "/deliveries")):
        assert jane(method, f"{path}{rest}", {}).status_code == 404
    with tenant_scope(side.tenant.id):
        noted = HistoryEvent.objects.filter(subject_kind="webhook", subject_id=made["webhookId"])
        verbs = [action.partition(".")[2] for action in noted.order_by("id").values_list("action", flat=True)]
    expected = "subscribed changed paused resumed secret_added secret_revoked ended"
    assert verbs == expected.split()


def test_a_contracts_pause_reaches_the_receiver_and_its_page_of_deliveries(
    side: Side, jane: Caller, box: Inbox
) -> None:
    made = jane.made(url=box.url)
    path = f"/{made['webhookId']}"
    at = datetime.now(UTC)
    contract = {"tenant": side.tenant, "contract_id": side.contract.id, "by": SYSTEM}
    pauses.pause(**contract, at=at, until=at + timedelta(days=1))
    pauses.resume(**contract, at=at + timedelta(seconds=1))
    assert jane("POST", f"{path}/test").status_code == 202
    deliver(Clock(), made["webhookId"])
    shown = [request.opened_by(made["secret"]) for request in box.requests]
    jane.root = jane.root.replace("/webhooks", "/events")
    stream = jane("GET", "?limit=500").json()["items"]
    jane.root = jane.root.replace("/events", "/webhooks")
    assert shown[0]["type"] == "iam.webhook.test.v1"
    assert shown[1:] == [event for event in stream if event in shown]
    assert {event["type"] for event in shown[1:]} >= {"iam.contract.paused.v1", "iam.contract.resumed.v1"}
    page = jane("GET", f"{path}/deliveries?limit=1").json()
    following = jane("GET", f"{path}/deliveries?{page['next'].partition('?')[2]}").json()
    assert page["items"][0]["eventId"] == shown[-1]["id"]
    assert following["items"][0]["eventId"] == shown[-2]["id"]
    assert "status" in following["items"][0]


def test_a_neighbour_finds_nothing_of_it(side: Side, stranger: Side, jane: Caller) -> None:
    made = jane.made()
    path = f"/{made['webhookId']}"
    away = Caller(stranger, stranger.person)
    assert made["webhookId"] not in away("GET").content.decode()
    with tenant_scope(side.tenant.id):
        sent = delivery_of(Webhook.objects.get(id=made["webhookId"]))
    mine = away.made()["webhookId"]
    for method, rest in (
        *(("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/pause"), ("POST", "/resume")),
        *(("POST", "/test"), ("POST", "/secrets"), ("GET", "/deliveries")),
        ("POST", f"/deliveries/{sent.id}/redeliver"),
        ("DELETE", f"/secrets/{made['secrets'][0]['secretId']}"),
    ):
        foreign, unknown = (away(method, f"{id}{rest}", {}) for id in (path, f"/{NOBODY}"))
        assert foreign.status_code == unknown.status_code == 404, rest
        assert {**foreign.json(), "instance": ""} == {**unknown.json(), "instance": ""}
    assert away("POST", f"/{mine}/deliveries/{sent.id}/redeliver", {}).status_code == 404
    assert away("DELETE", f"/{mine}/secrets/{made['secrets'][0]['secretId']}").status_code == 404
