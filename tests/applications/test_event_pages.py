"""Events in the console: as much as one may see, in their order, and what came since."""

from datetime import timedelta
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from applications.actions import webhook_requests, webhooks
from applications.models import Contract, Event, WebhookDelivery
from iam_portal import csp
from iam_portal.walls import tenant_scope
from tenants.models import UserSession
from tests.applications.outbox import ROOT, now, write
from tests.applications.story import Party, person, share

HOOK = "https://receiver.example/hook?key=receivers-own"


@pytest.fixture
def contract(acme: Party, beta: Party) -> Contract:
    return share(acme, beta, acme.applications["planner"])


def types(page: Any) -> list[str]:
    return [row["cells"][0]["text"] for row in page.context["table"]["rows"]]


def of_contract(party: Party) -> Event:
    with tenant_scope(party.tenant.id):
        rows = Event.objects.filter(tenant=party.tenant, type="iam.contract.accepted.v1")
        return rows.latest("id")


def test_everybody_sees_what_he_may(acme: Party, contract: Contract) -> None:
    assert {type.split(".")[1] for type in types(acme.get("events"))} >= {"contract", "application", "role"}
    reader = person(acme, "kim", "provision-contract-manager")
    seen = reader.get(acme.url("events"))
    assert {type.split(".")[1] for type in types(seen)} == {"contract", "application", "partnership"}
    assert [str(chip["label"]) for chip in seen.context["chips"]] == ["Applications", "Contracts", "Partners"]
    assert types(reader.get(acme.url("events"), {"kind": "role"})) == []
    row = of_contract(acme)
    shown = reader.get(acme.url(f"events/{row.event_id}"))
    assert shown.status_code == 200
    assert "webhooks" not in shown.context
    stranger = person(acme, "lee", "user-reader")
    assert stranger.get(acme.url(f"events/{row.event_id}")).status_code == 404


def test_a_partner_sees_his_own_stream(acme: Party, beta: Party, gamma: Party, contract: Contract) -> None:
    assert "iam.contract.accepted.v1" in types(beta.get("events"))
    assert "acme.fleet-planner" not in gamma.get("events").content.decode()
    row = of_contract(acme)
    assert beta.get(f"events/{row.event_id}").status_code == 404, "its own has another id"


def test_filters(acme: Party, contract: Contract) -> None:
    assert set(types(acme.get("events", subject=str(contract.id)))) >= {"iam.contract.accepted.v1"}
    assert set(types(acme.get("events", kind="contract"))) == {
        "iam.contract.proposed.v1",
        "iam.contract.accepted.v1",
    }
    assert types(acme.get("events", until="2001-01-01T00:00")) == []
    assert types(acme.get("events", since="2001-01-01T00:00", kind="contract"))
    planner = acme.applications["planner"].id
    assert all(
        "application" in type or "role" in type for type in types(acme.get("events", application=planner))
    )
    for odd in (
        {"since": "x"},
        {"kind": "x"},
        {"cursor": "x"},
        {"after": "x"},
        {"after": "9" * 30},
        {"subject": "a\0b"},
    ):
        assert acme.get("events", **odd).status_code == 200


def test_pages_follow_each_other(acme: Party) -> None:
    for number in range(30):
        write(acme.tenant, number, application_id=acme.applications["planner"].id)
    page, seen = acme.get("events", kind="application"), []
    while True:
        seen += [
            int(row["cells"][0]["note"].removeprefix("position ")) for row in page.context["table"]["rows"]
        ]
        if not (following := page.context["table"]["paging"]["next_url"]):
            break
        page = acme.client.get(following)
        assert page.context["follows"] is False
    assert len(seen) >= 30
    assert seen == sorted(seen, reverse=True)


def test_what_came_since_is_a_part_of_the_page(acme: Party, contract: Contract) -> None:
    page = acme.get("events", kind="application")
    head = page.context["head"]
    assert types(acme.get("events", kind="application", after=str(head))) == []
    write(acme.tenant, 7)
    part = acme.get("events", kind="application", after=str(head))
    assert types(part) == ["iam.application.available.v1"]
    assert part.context["head"] > head
    assert f'id="list" data-position="{part.context["head"]}"' in part.content.decode()
    assert "<html" not in part.content.decode()


def test_a_page_that_asks_by_itself_lets_the_session_idle(acme: Party) -> None:
    past = now() - timedelta(minutes=10)

    def seen() -> bool:
        with tenant_scope(acme.tenant.id):
            rows = UserSession.objects.filter(user=acme.user)
            found = rows.filter(seen_at__gt=past).exists()
            rows.update(seen_at=past)
        return found

    seen()
    assert acme.get("events", after="1").status_code == 200
    assert not seen()
    assert acme.get("events").status_code == 200
    assert seen()


def test_the_stream_is_named_where_a_page_may_read_it(acme: Party, settings: Settings) -> None:
    """Where the session's cookie goes: to each port of the portal's own host name."""
    settings.PORTAL_BASE_URL = "https://iam.example.com/root"
    for service, reads in (
        ("", ""),
        ("https://events.iam.example.com", ""),
        ("http://iam.example.com", ""),
        ("https://iam.example.com/waiting", "https://iam.example.com"),
        ("https://IAM.example.com:8443", "https://iam.example.com:8443"),
    ):
        settings.PORTAL_EVENTS_URL = service
        page = acme.get("events")
        address = f"{service}{ROOT}/tenants/{acme.tenant.id}/events"
        assert page.context["live_url"] == (address if reads else "")
        policy = dict(part.split(" ", 1) for part in page["Content-Security-Policy"].split("; "))
        assert policy.pop("connect-src") == f"'self' {reads}".strip()
        assert "http" not in str(policy), "nothing else comes from there"
    assert acme.get("webhooks")["Content-Security-Policy"] == csp.POLICY


def test_to_whom_it_was_sent(acme: Party, contract: Contract) -> None:
    acme.get("events")  # whoever subscribes now is told what comes later
    given = {"tenant": acme.tenant, "by": acme.actor, "at": now()}
    with tenant_scope(acme.tenant.id):
        wanting, _ = webhooks.subscribe(wanted=webhooks.Wanted(HOOK, ("iam.contract.*",)), **given)
        webhooks.subscribe(wanted=webhooks.Wanted(HOOK, ("iam.role.*",)), **given)
    row = of_contract(acme)
    page = acme.get(f"events/{row.event_id}")
    [told] = page.context["webhooks"]["rows"]
    assert [cell.get("text", cell.get("word")) for cell in told["cells"]] == [
        "receiver.example",
        "Not remembered",
        "–",
        "–",
    ]
    assert "receivers-own" not in page.content.decode()
    with tenant_scope(acme.tenant.id):
        how = {"attempt": 1, "at": now(), "milliseconds": 7, "outcome": "failed", "status": 500}
        WebhookDelivery.objects.create(
            tenant=acme.tenant,
            webhook=wanting,
            event_id=row.event_id,
            event_type=row.type,
            event_position=row.position,
            **how,
        )
        webhook_requests.send_test(webhook_id=wanting.id, **given)
    page = acme.get(f"events/{row.event_id}")
    [told] = page.context["webhooks"]["rows"]
    assert told["cells"][1]["word"] == "Failed"
    assert told["cells"][3]["action"]["url"].endswith("/redeliver")
    assert [each["cells"][3]["text"] for each in page.context["attempts"]["rows"]] == ["500"]


def test_a_fixed_number_of_queries(
    acme: Party, contract: Contract, django_assert_max_num_queries: Any
) -> None:
    for number in range(60):
        write(acme.tenant, number)
    acme.get("events")
    for path, most in (("events", 30), (f"events/{of_contract(acme).event_id}", 30)):
        with django_assert_max_num_queries(most):
            assert acme.get(path).status_code == 200


def test_what_it_is_about_stands_there_by_name(acme: Party, contract: Contract) -> None:
    about = acme.get("events", subject=str(contract.id)).context["table"]["rows"][0]["cells"][1]
    assert about["note"] == str(contract.id)
    assert about["text"] == acme.get(f"contracts/{contract.id}").context["page"]["title"]
