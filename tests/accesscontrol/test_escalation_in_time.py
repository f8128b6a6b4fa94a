"""Rights that were: of one who was demoted meanwhile, of yesterday's token, of somebody else's request."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse

from accesscontrol.actions import assignments
from accesscontrol.models import Assignment
from iam_portal.errors import Forbidden
from iam_portal.gate import Actor
from iam_portal.walls import tenant_scope
from tenants import history
from tenants.actions import users
from tenants.models import HistoryEvent, User
from tests.support.attempting import attempts, browser, send, snapshot
from tests.support.escalating import ROLE
from tests.support.factories import SYSTEM, acting
from tests.support.granting import STRONG, Office
from tests.support.knocking import Knocker, service

HAND_OUT = ("POST", "access/assignments")


def for_the_clerk(office: Office) -> dict[str, Any]:
    return {"principal": {"userId": str(office.clerk.id)}, "role": ROLE}


def take_away(office: Office, *roles: str, **principal: Any) -> None:
    """By the installation, a moment ago."""
    with tenant_scope(office.tenant.id):
        rows = Assignment.objects.not_over(office.at).filter(application_role__key__in=roles, **principal)
        for row in rows:
            assignments.withdraw(tenant=office.tenant, assignment_id=row.id, by=SYSTEM, at=office.at)


def doors_closed(office: Office) -> list[tuple[str, str]]:
    """(who, which door) of the attempts that came no further than a door."""
    with tenant_scope(office.tenant.id):
        rows = HistoryEvent.objects.filter(tenant=office.tenant, action="door.refused").order_by("id")
        return [(row.actor_id, row.subject_id) for row in rows]


# --- a session, of one who is less than he was --------------------------------------------------------


def test_who_was_demoted_meanwhile_hands_out_nothing(office: Office) -> None:
    """He is still signed in, and still an Access Manager: of what he lost he can give nothing."""
    take_away(office, STRONG[0], user=office.chief)
    before = snapshot(office)
    reply = send(office, "chief", *HAND_OUT, for_the_clerk(office))
    assert (reply.status_code, reply.json()["code"]) == (403, "forbidden")
    assert snapshot(office) == before
    (row,) = attempts(office)
    assert (row.actor_id, row.request_id != "") == (str(office.chief.id), True)


@pytest.mark.parametrize("door", ["rest", "page"])
def test_who_is_nothing_any_more_is_not_let_in(office: Office, door: str) -> None:
    take_away(office, *STRONG, user=office.chief)
    before = snapshot(office)
    if door == "rest":
        reply = send(office, "chief", *HAND_OUT, for_the_clerk(office))
        closed = "POST access-management:assignment-list"
    else:
        client = browser(office, "chief")
        reply = client.post(f"/t/acme/assignments/add?user={office.clerk.id}", {"role": "x"})
        closed = "POST accesscontrol:assignment-add"
    assert reply.status_code == 403
    assert snapshot(office) == before
    assert doors_closed(office) == [(str(office.chief.id), closed)]


def test_reading_is_no_attempt(office: Office) -> None:
    """A link that leads nowhere is followed by mistake: the record is about changes."""
    assert send(office, "modules", "GET", "access/users").status_code == 403
    assert browser(office, "modules").get("/t/acme/users").status_code == 403
    assert (doors_closed(office), attempts(office)) == ([], [])


def test_who_was_sent_away_is_signed_out(office: Office) -> None:
    with tenant_scope(office.tenant.id):
        users.deactivate(tenant=office.tenant, user_id=office.chief.id, by=SYSTEM, at=office.at)
    assert send(office, "chief", *HAND_OUT, for_the_clerk(office)).status_code == 401


# --- a token, of yesterday's administrator ------------------------------------------------------------


def ask(office: Office, caller: Knocker, body: dict[str, Any]) -> HttpResponse:
    address = f"/iam/access-management/v1/tenants/{office.tenant.id}/assignments"
    return caller.knock("POST", address, json.dumps(body))


def test_a_token_is_worth_what_its_service_holds_now(office: Office) -> None:
    """Each time it is looked at. What it was given for is over with the assignment."""
    caller = service(office.tenant, "admin", *STRONG, "user-reader")
    body = for_the_clerk(office)
    assert ask(office, caller, body).status_code == 201
    take_away(office, STRONG[0], application_id="acme.admin")
    refused = ask(office, caller, body)
    assert (refused.status_code, refused.json()["reasons"][0]["code"]) == (403, "permission_not_held")
    take_away(office, STRONG[1], application_id="acme.admin")
    assert ask(office, caller, body).status_code == 403
    take_away(office, "user-reader", application_id="acme.admin")
    assert ask(office, caller, body).status_code == 401


def test_a_service_is_recorded_like_a_person(office: Office) -> None:
    caller = service(office.tenant, "admin", STRONG[1])
    address = f"/iam/access-management/v1/tenants/{office.tenant.id}/assignments"
    sent = json.dumps(for_the_clerk(office))
    reply = browser(office, "clerk").generic(
        "POST", address, sent.encode(), "application/json", headers=caller.headers
    )
    assert reply.status_code == 403
    (row,) = attempts(office)
    assert (row.actor_kind, row.actor_id, row.subject_id) == (
        "service",
        "acme.admin",
        str(office.clerk.id),
    )


# --- somebody else's request --------------------------------------------------------------------------


def test_the_key_of_anothers_request_opens_nothing(office: Office) -> None:
    """The same key and body by who may not: he is asked for himself, and shown nothing of the reply."""
    key = {"Idempotency-Key": "k-1"}
    body = {**for_the_clerk(office), "principal": {"userId": str(office.module_manager.id)}}
    done = send(office, "everything", *HAND_OUT, body, **key)
    assert done.status_code == 201
    again = send(office, "clerk", *HAND_OUT, body, **key)
    assert (again.status_code, "Idempotency-Replayed" in again) == (403, False)
    assert done.json()["assignmentId"] not in again.content.decode()
    assert len(attempts(office)) == 1


def test_nor_does_ones_own_of_better_days(office: Office) -> None:
    key, body = {"Idempotency-Key": "k-1"}, for_the_clerk(office)
    assert send(office, "chief", *HAND_OUT, body, **key).status_code == 201
    take_away(office, *STRONG, user=office.chief)
    again = send(office, "chief", *HAND_OUT, body, **key)
    assert (again.status_code, "Idempotency-Replayed" in again) == (403, False)


def test_a_link_to_a_former_mailbox_is_void(office: Office) -> None:
    """Sent while the mailbox was the clerk's, used when its owner is stronger: it opens nothing."""
    with tenant_scope(office.tenant.id):
        who = {"tenant": office.tenant, "user_id": office.module_manager.id, "by": acting(office.clerk)}
        take_away(office, "module-manager", user=office.module_manager)
        users.change(**who, at=office.at, email="clerk.too@example.org")
        users.reset(**who, at=office.at)
        links = office.module_manager.links.filter(used_at=None)
        assert links.count() == 1
        users.change(**who, at=office.at + timedelta(minutes=1), email="modules@example.org")
        assert not links.exists()


# --- the record is not filled -------------------------------------------------------------------------


def refusal(office: Office, by: User, minutes: int) -> Forbidden:
    act = office.give(STRONG[0], user_id=office.module_manager.id)
    with tenant_scope(office.tenant.id), pytest.raises(Forbidden) as caught:
        act(acting(by))
    assert caught.value.record
    caught.value.record["at"] = office.at + timedelta(minutes=minutes)
    return caught.value


def test_who_is_refused_again_and_again_fills_nothing(office: Office) -> None:
    """Twenty stand in an hour, the last says that there are more; others are recorded all the same."""
    with tenant_scope(office.tenant.id):
        for _ in range(history.NOTED + 5):
            history.record_refusal(refusal(office, office.clerk, 0))
    rows = attempts(office)
    assert len(rows) == history.NOTED
    assert [bool(row.after.get("furtherNotRecorded")) for row in rows] == [False] * (len(rows) - 1) + [True]
    for by, minutes in ((office.module_manager, 1), (office.clerk, 59), (office.clerk, 61)):
        history.record_refusal(refusal(office, by, minutes))
    assert [row.actor_id for row in attempts(office)[len(rows) :]] == [
        str(office.module_manager.id),
        str(office.clerk.id),
    ]


def test_what_others_do_hides_no_refusal(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are counted among the rows of who is refused: a busy neighbour does not begin the count anew."""
    monkeypatch.setattr(history, "RECENT", history.NOTED + 5)
    with tenant_scope(office.tenant.id):
        for _ in range(history.NOTED):
            history.record_refusal(refusal(office, office.clerk, 0))
        for place in range(history.RECENT):
            busy = Actor("service", "acme.busy", "Busy", office.tenant.id)
            with transaction.atomic():
                subject = ("resource", str(place), "x")
                history.record(
                    action="resource.created", tenants=[office.tenant], by=busy, at=office.at, subject=subject
                )
        history.record_refusal(refusal(office, office.clerk, 1))
    assert len(attempts(office)) == history.NOTED


def test_a_batch_fills_nothing_either(office: Office) -> None:
    items = [for_the_clerk(office)] * (history.NOTED + 5)
    reply = send(office, "clerk", "POST", "access/assignments:batch", {"items": items})
    assert {row["status"] for row in reply.json()["items"]} == {403}
    assert len(attempts(office)) == history.NOTED
