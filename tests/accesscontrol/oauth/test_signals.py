"""Shared signals: an application sets its stream up, fetches from it, pauses it."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client as Browser

from accesscontrol.oauth.signals import kinds
from applications import events
from applications.actions import webhooks
from applications.views import _signal_words
from iam_portal.walls import tenant_scope
from tenants.http import cookie_name
from tests.accesscontrol.oauth.conftest import World, basic
from tests.accesscontrol.oauth.signed_in import give, person
from tests.accesscontrol.oauth.telling import ROOT, Receiver, later, row_of
from tests.support.factories import SYSTEM, sign_in


@pytest.fixture
def meter(shared: World, settings: Any) -> Receiver:
    settings.ROOT_URLCONF = "iam_portal.urls"
    made = Receiver(shared, shared.globex)
    assert made.create().status_code == 201
    return made


# --- setting it up -------------------------------------------------------------------------------------


def test_what_an_issuer_publishes_leads_to_the_doors(meter: Receiver) -> None:
    realm = f"iam/auth/realms/{meter.tenant.id}"
    browser = meter.world.browser
    found = browser.get(f"/.well-known/ssf-configuration/{realm}")
    below = browser.get(f"/{realm}/.well-known/ssf-configuration")
    assert found.json() == below.json()
    assert found.json()["issuer"].endswith(realm)
    assert found.json()["configuration_endpoint"].endswith(f"{ROOT}/{meter.tenant.id}/signals/stream")
    assert browser.get(f"/.well-known/ssf-configuration/iam/auth/realms/{uuid4()}").status_code == 404


def test_a_stream_is_read_changed_and_deleted(meter: Receiver) -> None:
    made = meter.stream
    assert made["delivery"]["method"] == "urn:ietf:rfc:8936"
    assert made["events_delivered"] == made["events_supported"] == list(kinds.SUPPORTED)
    assert meter.ask("GET", "stream").json() == [made]
    assert meter.ask("GET", "stream", query=f"?stream_id={meter.id}").json() == made
    wanted = {"stream_id": meter.id, "events_requested": [kinds.SESSION_REVOKED, "https://other.example/e"]}
    changed = meter.ask("PATCH", "stream", {**wanted, "iss": made["iss"]}).json()
    assert changed["events_delivered"] == [kinds.SESSION_REVOKED]
    assert changed["events_requested"] == wanted["events_requested"]
    replaced = meter.ask("PUT", "stream", {"stream_id": meter.id, "description": "all"}).json()
    assert (replaced["events_delivered"], replaced["description"]) == (list(kinds.SUPPORTED), "all")
    assert meter.ask("DELETE", "stream", query=f"?stream_id={meter.id}").status_code == 204
    assert meter.ask("DELETE", "stream", query=f"?stream_id={meter.id}").status_code == 404
    assert meter.ask("GET", "stream").json() == []


def test_its_page_says_that_the_application_fetches(meter: Receiver) -> None:
    """The address that it fetches from is ours, and would say nothing."""
    with tenant_scope(meter.tenant.id):
        shown = _signal_words.receiver(row_of(meter))
        assert shown["text"] == "none: the application fetches them"
        assert "code" not in shown


@pytest.mark.parametrize(("language", "noun"), [("en", "signals"), ("de", "Signale")])
def test_its_page_and_its_questions_speak_of_signals(meter: Receiver, language: str, noun: str) -> None:
    """Whoever may stop them knows of no webhook."""
    world, keeper = meter.world, person(meter.world, "keeper")
    give(world, keeper, "organization-configuration-manager", "iam-portal")
    browser = Browser(headers={"accept-language": language})
    browser.cookies[cookie_name(meter.tenant.id)] = sign_in(keeper, at=world.clock.at)
    path = f"/t/globex/webhooks/{meter.id}"
    for act in ("pause", "resume", "end"):
        page, asked = browser.get(path).context["page"], browser.get(f"{path}/{act}").context
        label = asked["page"]["title"]
        assert label in [each["label"] for each in (page["primary"], *page["more"])]
        assert noun in label and noun in asked["confirm"]["title"]
        assert "acme.meter" in asked["confirm"]["title"]
        said = " ".join([label, asked["confirm"]["title"], asked["confirm"]["nothing"]])
        assert "ebhook" not in said
        done = browser.post(f"{path}/{act}", {"revision": asked["confirm"]["revision"]}, follow=True)
        assert "ebhook" not in " ".join(str(each) for each in done.context["messages"])


def test_there_is_one_stream(meter: Receiver) -> None:
    refused = meter.create()
    assert (refused.status_code, refused.json()["code"]) == (409, "stream_exists")


@pytest.mark.parametrize(
    "body",
    [
        {"events_requested": ["https://other.example/e"]},
        {"delivery": {"method": "urn:ietf:rfc:8935"}},
        {"delivery": {"method": "urn:ietf:rfc:8935", "endpoint_url": "https://10.0.0.1/"}},
        {"delivery": {"method": "urn:ietf:rfc:8935", "endpoint_url": "http://receiver.example/"}},
        {
            "delivery": {
                "method": "urn:ietf:rfc:8935",
                "endpoint_url": "https://receiver.example/",
                "authorization_header": "Bearer x\r\nHost: other",
            }
        },
        {"delivery": {"method": "smoke"}},
        {"iss": "https://other.example"},
        {"aud": "globex.reader"},
        {"unknown": 1},
        {"events_requested": "all"},
        [],
    ],
)
def test_what_cannot_be_is_refused(meter: Receiver, body: Any) -> None:
    assert meter.ask("DELETE", "stream", query=f"?stream_id={meter.id}").status_code == 204
    assert meter.ask("POST", "stream", body).status_code == 400
    assert meter.ask("GET", "stream").json() == []


def test_who_does_not_serve_the_tenant_has_no_stream_there(meter: Receiver) -> None:
    """Alike for a tenant that there is and for one that there is not; and nobody finds another's."""
    world = meter.world
    assert Receiver(world, world.neighbour).create().status_code == 404
    nowhere = Receiver(world, world.globex, stream=dict(meter.stream))
    reader = Receiver(world, world.globex, "globex.reader", dict(meter.stream))
    assert reader.ask("GET", "stream", query=f"?stream_id={meter.id}").status_code == 404
    assert reader.ask("POST", "poll", {}).status_code == 404
    assert nowhere.ask("GET", "stream", query="?stream_id=x").status_code == 400
    assert nowhere.ask("GET", "status").status_code == 400
    headers = {"Authorization": basic("acme.meter", "wrong")}
    path = f"{ROOT}/{world.globex.id}/signals/stream"
    assert world.browser.get(path, headers=headers).status_code == 401
    assert world.browser.get(path).status_code == 401


# --- polling -------------------------------------------------------------------------------------------


def test_what_is_acknowledged_comes_no_more_and_the_rest_does(meter: Receiver) -> None:
    for name in ("ann", "bob", "cal"):
        user = person(meter.world, name)
        later(meter)
        give(meter.world, user)
    events.sequence()
    page = meter.ask("POST", "poll", {"maxEvents": 2}).json()
    assert (len(page["sets"]), page["moreAvailable"]) == (2, True)
    first, second = page["sets"]
    third = meter.poll(ack=[first, "x", str(uuid4())], setErrs={second: {"err": "invalid_key"}})
    assert len(third) == 1
    assert not {first, second} & set(third)
    assert meter.poll(ack=list(third)) == {}
    with tenant_scope(meter.tenant.id):
        noted = row_of(meter).deliveries.order_by("id").values_list("outcome", "error")
        assert list(noted) == [("delivered", ""), ("failed", "invalid_key"), ("delivered", "")]


@pytest.mark.parametrize(
    "body",
    [
        {"maxEvents": -1},
        {"maxEvents": "x"},
        {"ack": "x"},
        {"setErrs": []},
        {"setErrs": {"x": 1}},
        7,
    ],
)
def test_a_malformed_poll_is_refused(meter: Receiver, body: Any) -> None:
    assert meter.ask("POST", "poll", body).status_code == 400


def test_a_verification_comes_with_its_state(meter: Receiver) -> None:
    for state in ("first", "s2"):
        assert meter.ask("POST", "verify", {"stream_id": meter.id, "state": state}).status_code == 204
    ((kind, subject, said),) = meter.told()
    assert (kind, said) == (kinds.VERIFICATION, {"state": "s2"})
    assert subject == {"format": "opaque", "id": meter.id}


# --- pauses --------------------------------------------------------------------------------------------


def status(meter: Receiver, wanted: str = "") -> Any:
    if wanted:
        return meter.ask("POST", "status", {"stream_id": meter.id, "status": wanted})
    return meter.ask("GET", "status", query=f"?stream_id={meter.id}").json()


def test_paused_is_kept_and_disabled_is_not(meter: Receiver) -> None:
    for wanted, kept in (("paused", 1), ("disabled", 0)):
        assert status(meter, wanted).json()["status"] == status(meter)["status"] == wanted
        user = person(meter.world, wanted)
        later(meter)
        give(meter.world, user)
        assert meter.poll() == {}
        assert status(meter, "enabled").status_code == 200
        assert len(meter.told()) == kept


def test_a_pause_of_the_organizations_is_the_organizations(meter: Receiver) -> None:
    how: Any = {"tenant": meter.tenant, "webhook_id": meter.id, "by": SYSTEM}
    with tenant_scope(meter.tenant.id):
        status(meter, "paused")
        webhooks.pause(at=later(meter), **how)
        assert status(meter) == {"stream_id": meter.id, "status": "paused", "reason": "by_hand"}
        assert status(meter, "enabled").status_code == 403
        webhooks.resume(at=later(meter), **how)
        assert status(meter)["status"] == "enabled"
        with pytest.raises(webhooks.OfApplication):
            webhooks.change(url="https://other.example/", at=later(meter), **how)
        webhooks.end(at=later(meter), **how)
    assert meter.ask("POST", "poll", {}).status_code == 404


@pytest.mark.parametrize("act", [webhooks.pause, webhooks.end])
def test_another_stream_is_no_way_around_the_organizations_word(meter: Receiver, act: Any) -> None:
    """As often as it is made anew; and what the application itself had paused is its own."""
    how: Any = {"tenant": meter.tenant, "by": SYSTEM}
    status(meter, "paused")
    meter.ask("DELETE", "stream", query=f"?stream_id={meter.id}")
    later(meter)
    meter.create()
    assert status(meter)["status"] == "enabled"
    with tenant_scope(meter.tenant.id):
        act(webhook_id=meter.id, at=later(meter), **how)
    for _ in range(2):
        meter.ask("DELETE", "stream", query=f"?stream_id={meter.id}")
        later(meter)
        assert meter.create().status_code == 201
        assert (status(meter)["status"], status(meter)["reason"]) == ("paused", "by_hand")
        assert status(meter, "enabled").status_code == 403
        give(meter.world, person(meter.world, meter.id[:8]))
        assert meter.poll() == {}
    with tenant_scope(meter.tenant.id):
        webhooks.resume(webhook_id=meter.id, at=later(meter), **how)
    assert status(meter)["status"] == "enabled"
    assert len(meter.told()) == 1
