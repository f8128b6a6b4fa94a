"""Tokens of directories, by REST and on their pages: made, shown once, revoked."""

import json
from datetime import timedelta
from typing import Any

from django.utils import timezone

from iam_portal.walls import tenant_scope
from tenants.models import HistoryEvent, HistoryPerson
from tests.accesscontrol.scim.conftest import Directory
from tests.applications.story import person
from tests.support.knocking import service

ADDRESS = "/iam/access-management/v1/tenants/{}/scim-tokens"


def post(acme: Directory, body: Any, client: Any = None, **headers: str) -> Any:
    client = client or acme.party.client
    return client.post(ADDRESS.format(acme.tenant.id), json.dumps(body), "application/json", headers=headers)


def test_a_token_made_by_rest_opens_the_doors_that_it_names(acme: Directory) -> None:
    at = timezone.now()
    reply = post(acme, {"note": "Company directory", "welcome": "invitation"})
    made = reply.json()
    assert (reply.status_code, "no-store" in reply["Cache-Control"]) == (201, True)
    assert made["baseUrl"].endswith(acme.address("").rstrip("/"))
    assert acme.send("GET", "Users", token=made["token"]).status_code == 200
    listed = acme.party.client.get(ADDRESS.format(acme.tenant.id)).json()["items"]
    assert made["token"] not in json.dumps(listed)
    [one] = [each for each in listed if each["tokenId"] == made["tokenId"]]
    assert (one["note"], one["welcome"], one["madeBy"]) == ("Company directory", "invitation", "Jane")
    assert one["lastUsedAt"] >= at.isoformat()[:19]
    gone = acme.party.client.delete(f"{ADDRESS.format(acme.tenant.id)}/{made['tokenId']}")
    assert gone.status_code == 204
    assert acme.send("GET", "Users", token=made["token"]).status_code == 401
    assert acme.history()[-2:] == [("scim_token.added", "user"), ("scim_token.revoked", "user")]
    with tenant_scope(acme.tenant.id):
        rows = HistoryEvent.objects.filter(tenant=acme.tenant, action__startswith="scim_token.")
        assert made["token"] not in str(list(rows.values()))


def test_sent_twice_it_is_made_once(acme: Directory) -> None:
    key = {"Idempotency-Key": "k1"}
    assert post(acme, {"note": "n"}, **key).status_code == 201
    again = post(acme, {"note": "n"}, **key)
    assert (again.status_code, again.json()["code"]) == (409, "already_created")


def test_what_no_token_can_be_is_refused(acme: Directory) -> None:
    late = (timezone.now() + timedelta(days=4000)).isoformat()
    for body in ({}, {"note": ""}, {"note": "n", "welcome": "party"}, {"note": "n", "expiresAt": late}, []):
        assert post(acme, body).status_code == 400, body
    reply = acme.party.client.get(f"{ADDRESS.format(acme.tenant.id)}/7")
    assert reply.status_code == 404


def test_a_service_makes_none_and_a_reader_neither(acme: Directory) -> None:
    knocker = service(acme.tenant, "sync", "access-manager")
    reply = knocker.knock("POST", ADDRESS.format(acme.tenant.id), '{"note": "n"}')
    assert (reply.status_code, json.loads(reply.content)["code"]) == (403, "person_needed")
    assert post(acme, {"note": "n"}, person(acme.party, "reader", "user-reader")).status_code == 403


def test_history_names_the_directory(acme: Directory) -> None:
    made = acme.make("kim")
    with tenant_scope(acme.tenant.id):
        [row] = HistoryEvent.objects.filter(tenant=acme.tenant, subject_id=made["id"], action="user.created")
        beside = HistoryPerson.objects.get(tenant=acme.tenant, event_id=row.id)
        assert (row.actor_kind, beside.actor_name) == ("scim", "Directory")
    page = acme.party.get("activity").content.decode()
    assert "Directory" in page and "made the account of" in page


def test_on_its_page_a_value_is_shown_once(acme: Directory) -> None:
    form = acme.party.get("scim-tokens/new")
    sent = {"note": "Entry", "welcome": "none", "days": "90", "seen": form.context["seen"]}
    made = acme.party.post("scim-tokens/new", **sent)
    value = made.context["secret"]["value"]
    assert made.content.decode().count(value) == 2, "and the line that tries it"
    again = acme.party.post("scim-tokens/new", **sent)
    assert again.status_code == 422 or "sent twice" in again.content.decode()
    listed = acme.party.get("scim-tokens")
    assert value not in listed.content.decode() and "Entry" in listed.content.decode()
    assert acme.send("GET", "Users", token=value).status_code == 200
    with tenant_scope(acme.tenant.id):
        row = acme.tenant.scim_tokens.get(note="Entry")
    assert acme.party.post(f"scim-tokens/{row.id}/revoke").status_code == 302
    assert acme.send("GET", "Users", token=value).status_code == 401
    assert acme.party.get(f"scim-tokens/{row.id}/revoke").status_code == 404
