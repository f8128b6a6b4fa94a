"""Partnerships by REST and by page: an invitation looked at, and what a side accepts unseen."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from applications.actions import pauses
from applications.models import Event
from iam_portal.walls import cross_tenant
from tenants.actions import partners, partnerships
from tenants.models import AutoAccept, Partnership
from tests.applications.story import Party, party, person, share
from tests.support.factories import SYSTEM

RELATIONS, PROVISION = "organization-relation-manager", "provision-contract-manager"


def call(who: Any, tenant: Party, method: str, path: str, body: Any = None, **headers: str):
    address = f"/iam/application-management/v1/tenants/{tenant.tenant.id}/{path}"
    return who.generic(method, address, json.dumps(body or {}), "application/json", headers=headers)


def invited(by: Party, **more: Any) -> tuple[Partnership, str]:
    return partnerships.invite(inviter=by.tenant, by=by.actor, at=timezone.now(), **more)


def between(one: Party, other: Party) -> Partnership:
    return Partnership.objects.get(inviter=one.tenant, invitee=other.tenant)


@pytest.fixture
def delta(db: None) -> Party:
    return party("delta")


def test_an_invitation_is_looked_at_before_it_is_taken(acme: Party, delta: Party) -> None:
    row, token = invited(acme, note="For the depots", expected="delta")
    before = Partnership.objects.filter(id=row.id).values().get()
    for _ in range(2):
        shown = call(delta.client, delta, "POST", "partnerships:preview", {"token": token})
        assert shown.status_code == 200, shown.content
        body = shown.json()
        assert body["inviter"] == {"tenantId": str(acme.tenant.id), "name": "Acme"}
        assert body["note"] == "For the depots"
        assert body["expiresAt"] > body["invitedAt"]
        assert shown["Cache-Control"] == "no-store"
        assert token not in shown.content.decode()
    assert Partnership.objects.filter(id=row.id).values().get() == before
    taken = call(delta.client, delta, "POST", "partnerships:redeem", {"token": token})
    assert (taken.status_code, taken.json()["state"]) == (200, "confirmed")


def test_every_link_that_opens_nothing_is_answered_alike(acme: Party, beta: Party, delta: Party) -> None:
    _, used = invited(acme)
    call(delta.client, delta, "POST", "partnerships:redeem", {"token": used})
    _, others = invited(acme, expected="beta-west")
    late, expired = invited(acme)
    Partnership.objects.filter(id=late.id).update(expires_at=timezone.now() - timedelta(seconds=1))
    gone, revoked = invited(acme)
    partnerships.revoke(tenant=acme.tenant, partnership_id=gone.id, by=acme.actor, at=timezone.now())
    answers = set()
    for token in ("unknown", used, others, expired, revoked, "x\x00y"):
        answer = call(delta.client, delta, "POST", "partnerships:preview", {"token": token})
        if "\x00" in token:
            assert answer.status_code == 400
            continue
        answers.add((answer.status_code, answer.content))
    assert [status for status, _ in answers] == [404]
    outsider = call(beta.client, delta, "POST", "partnerships:preview", {"token": used})
    assert outsider.status_code == 401
    reader = person(delta, "lee", "organization-reader")
    assert call(reader, delta, "POST", "partnerships:preview", {"token": used}).status_code == 403


def test_both_doors_of_auto_accept_ask_the_same(acme: Party, beta: Party) -> None:
    """To switch a type on takes who may accept such a contract; what is on already, or goes off, does not."""
    row = between(acme, beta)
    path, page = f"partnerships/{row.id}/auto-accept", beta.url(f"partners/{row.id}/accepting")
    on = {"tenant": beta.tenant, "partnership_id": row.id, "by": SYSTEM, "at": timezone.now()}

    def switched() -> set[str]:
        return set(AutoAccept.objects.filter(tenant=beta.tenant).values_list("contract_type", flat=True))

    for name, roles, may in (("kim", [RELATIONS, PROVISION], True), ("lee", [RELATIONS], False)):
        who = person(beta, name, *roles)
        for by_page in (False, True):
            partners.accept_automatically(**on, contract_types=[])

            def choose(*types: str, who: Any = who, by_page: bool = by_page) -> int:
                if by_page:
                    return int(who.post(page, {"contract_types": types}).status_code)
                return int(call(who, beta, "PUT", path, {"types": types}).status_code)

            done = 302 if by_page else 200
            assert choose("provision") == (done if may else 403)
            assert choose("access") == 403
            assert switched() == ({"provision"} if may else set())
            partners.accept_automatically(**on, contract_types=["access", "provision"])
            assert choose("access") == done
            assert switched() == {"access"}
    assert not AutoAccept.objects.exclude(tenant=beta.tenant).exists()


def test_what_is_accepted_unseen_is_told_to_that_side_alone(acme: Party, beta: Party) -> None:
    row = between(acme, beta)
    path = f"partnerships/{row.id}/auto-accept"
    seen = call(beta.client, beta, "GET", f"partnerships/{row.id}")["ETag"]
    for _ in range(2):  # the second changes nothing
        current = call(beta.client, beta, "GET", f"partnerships/{row.id}")["ETag"]
        answer = call(beta.client, beta, "PUT", path, {"types": ["provision"]}, **{"If-Match": current})
        assert (answer.status_code, answer.json()["autoAccept"]) == (200, ["provision"])
    assert answer["ETag"] != seen
    stale = call(beta.client, beta, "PUT", path, {"types": []}, **{"If-Match": seen})
    assert (stale.status_code, stale.json()["code"]) == (412, "revision_mismatch")
    with cross_tenant():
        event = Event.objects.get(type="iam.partnership.auto_accept_changed.v1")
    assert event.tenant_id == beta.tenant.id
    assert event.data == {"partnershipId": str(row.id), "contractTypes": ["provision"]}
    items = call(acme.client, acme, "GET", "events").json()["items"]
    assert "iam.partnership.auto_accept_changed.v1" not in {item["type"] for item in items}


def test_a_planned_pause_is_taken_back_on_the_revision_that_was_seen(acme: Party, beta: Party) -> None:
    contract = share(acme, beta, acme.applications["planner"])
    now = timezone.now()
    given = {"tenant": acme.tenant, "contract_id": contract.id, "by": acme.actor, "at": now}
    pauses.pause(**given, when=now + timedelta(days=1), until=now + timedelta(days=2))
    shown = call(acme.client, acme, "GET", f"contracts/{contract.id}")
    path = f"contracts/{contract.id}/pauses/{shown.json()['pauses'][0]['pauseId']}"
    stale = call(acme.client, acme, "DELETE", path, **{"If-Match": '"r-1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "revision_mismatch")
    gone = call(acme.client, acme, "DELETE", path, **{"If-Match": shown["ETag"]})
    assert (gone.status_code, gone.json()["pauses"]) == (200, [])
