"""A person who is deleted: everything of his ends at once, nothing finds him, and the record stays whole."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from accesscontrol.actions import assignments
from accesscontrol.models import Assignment
from applications.models import Event
from iam_portal.walls import tenant_scope
from tenants.actions import links, sessions
from tenants.models import (
    HistoryEvent,
    Membership,
    UserSession,
)
from tests.accesscontrol.leaving import (  # noqa: F401  (fixtures)
    PLANNER,
    acme_again,
    both_once,
    delete,
    keep_pseudonyms,
    names_beside_history,
    neighbour_again,
    user_of,
)
from tests.applications.story import Party, signed_in
from tests.support import factories
from tests.support.administering import call, refused

# --- before and after --------------------------------------------------------------------------------


def test_it_needs_the_impact_that_was_seen(acme: Party) -> None:
    joe = user_of(acme, "joe")
    path = f"users/{joe.id}"
    seen = call(acme, "GET", f"{path}/impact?action=delete").json()
    assert (seen["action"], seen["users"]["count"], seen["sessions"]["count"]) == ("delete", 1, 0)
    assert [row["name"] for row in seen["users"]["items"]] == ["Joe"]
    assert {urn.rpartition(":")[2] for urn in seen["users"]["items"][0]["roles"]} == {
        "access-manager",
        "planner",
    }
    assert seen["withoutPeople"] == {
        "count": 1,
        "items": [{"applicationId": PLANNER, "name": "Fleet Planner"}],
    }
    told = refused(call(acme, "DELETE", path), 428, "impact_required")
    assert told["impact"]["revision"] == seen["revision"]
    call(acme, "PATCH", path, {"displayName": "Joseph"})
    stale = call(acme, "DELETE", path, **{"If-Match": f'"{seen["revision"]}"'})
    refused(stale, 412, "impact_changed")
    refused(call(acme, "DELETE", path, **{"If-Match": '"r-2"'}), 428, "impact_required")
    refused(call(acme, "GET", f"{path}/impact?action=rename"), 400, "invalid")
    assert call(acme, "GET", path).json()["active"]


def test_nothing_finds_him_any_more_and_his_name_is_free(acme: Party) -> None:
    joe = user_of(acme, "joe")
    path = f"users/{joe.id}"
    assert delete(acme, joe).status_code == 204
    refused(call(acme, "GET", path), 404, "not_found")
    refused(call(acme, "DELETE", path), 404, "not_found")
    refused(call(acme, "GET", f"{path}/impact?action=delete"), 404, "not_found")
    for act in ("deactivate", "reactivate", "reset-password", "resend-invitation"):
        refused(call(acme, "POST", f"{path}/{act}"), 404, "not_found")
    refused(call(acme, "PATCH", path, {"displayName": "x"}), 404, "not_found")
    for query in ("", "?search=joe", "?active=false", "?search=deleted"):
        assert str(joe.id) not in call(acme, "GET", f"users{query}").content.decode()
    role = {"applicationId": PLANNER, "key": "planner"}
    again = {"principal": {"userId": str(joe.id)}, "role": role}
    refused(call(acme, "POST", "assignments", again), 404, "not_found")
    assert acme.get(f"users/{joe.id}").status_code == 404
    page = acme.get("users").content.decode()
    assert not re.search(r"\bJoe\b", page)  # a random token may have the letters
    new = {"username": "JOE", "email": "Joe@example.org", "displayName": "Joe"}
    made = call(acme, "POST", "users", new)
    assert made.status_code == 201
    assert made.json()["userId"] != str(joe.id)
    assert call(acme, "GET", f"users/{made.json()['userId']}/groups").json()["items"] == []


def test_all_that_he_holds_ends_at_once(acme: Party) -> None:
    joe = user_of(acme, "joe")
    browser = signed_in(joe, timezone.now())
    tomorrow = timezone.now() + timedelta(days=1)
    wanted = assignments.Wanted(role="reader", application_id=PLANNER, user_id=joe.id, starts_at=tomorrow)
    assignments.assign(tenant=acme.tenant, wanted=wanted, by=acme.actor, at=timezone.now())
    with tenant_scope(acme.tenant.id):
        link = links.issue(tenant=acme.tenant, user=joe, at=timezone.now())
    assert browser.get(acme.url("account")).status_code == 200
    assert delete(acme, joe).status_code == 204
    assert browser.get(acme.url("account")).status_code == 302
    at = timezone.now()
    with tenant_scope(acme.tenant.id):
        link.refresh_from_db()
        assert link.used_at is not None
        assert not Assignment.objects.not_over(at).filter(user=joe).exists()
        assert not Membership.objects.not_over(at).filter(user=joe).exists()
        assert not UserSession.objects.filter(user=joe, ended_at=None).exists()
        acts = HistoryEvent.objects.filter(tenant=acme.tenant, subject_id=str(joe.id)).order_by("id")
        told = list(acts.values_list("action", flat=True))[-4:]
        assert told == ["group.member_removed", "role.withdrawn", "role.withdrawn", "user.deleted"]
        assert (
            Event.objects.filter(type="iam.role.withdrawn.v1", data__principal__user=str(joe.id)).count() == 2
        )
    for name in ("joe", "joe@example.org", f"deleted-{joe.id}"):
        with pytest.raises(sessions.SignInRefused):
            sessions.sign_in(tenant=acme.tenant, username=name, password=factories.PASSWORD, at=at)


# --- who may -----------------------------------------------------------------------------------------


def test_nobody_deletes_himself_or_a_stronger_one(acme: Party) -> None:
    jane, joe = user_of(acme, "jane"), user_of(acme, "joe")
    refused(call(acme, "GET", f"users/{jane.id}/impact?action=delete"), 409, "own_account")
    refused(call(acme, "DELETE", f"users/{jane.id}"), 409, "own_account")
    weak = signed_in(joe, timezone.now())
    said = refused(call(acme, "DELETE", f"users/{jane.id}", by=weak), 403, "forbidden")
    assert said["reasons"][0]["code"] == "permission_not_held"
    with tenant_scope(acme.tenant.id):
        row = HistoryEvent.objects.filter(tenant=acme.tenant, action="grant.refused").get()
        assert (row.actor_id, row.subject_id) == (str(joe.id), str(jane.id))
    assert call(acme, "GET", f"users/{jane.id}").json()["active"]


def test_the_neighbours_joe_is_not_there(acme: Party, neighbour: Party) -> None:
    theirs = user_of(neighbour, "joe")
    refused(call(acme, "DELETE", f"users/{theirs.id}"), 404, "not_found")
    refused(call(acme, "GET", f"users/{theirs.id}/impact?action=delete"), 404, "not_found")
    assert delete(acme, user_of(acme, "joe")).status_code == 204
    assert call(neighbour, "GET", f"users/{theirs.id}").json()["active"]
