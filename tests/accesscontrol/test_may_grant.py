"""Nobody hands out what he does not hold, by whatever way: each is tried, refused, and recorded."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client as Browser

from accesscontrol.actions import assignments
from accesscontrol.gate import permissions
from accesscontrol.models import Assignment
from applications.models.applications import PORTAL_ID
from iam_portal.errors import Forbidden
from iam_portal.gate import Actor
from iam_portal.walls import tenant_scope
from tenants import history
from tenants.actions import users
from tenants.http import cookie_name
from tenants.models import (
    GroupPlacement,
    HistoryEvent,
    Tenant,
    User,
    UserLink,
)
from tests.support.factories import SYSTEM, acting, make_tenant
from tests.support.granting import FOREIGN, STRONG, WAYS, Office, away, make_office, state
from tests.support.knocking import give, person


@pytest.fixture
def office(db: None, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setattr(settings, "STATIC_ROOT", str(tmp_path))
    return make_office()


def refused(tenant: Tenant) -> list[HistoryEvent]:
    return list(HistoryEvent.objects.filter(tenant=tenant, action="grant.refused").order_by("id"))


def assert_refused(office: Office, act: Callable[[Actor], Any], user: User, code: str) -> None:
    with tenant_scope(office.tenant.id):
        before = state()
        with pytest.raises(Forbidden) as caught:
            act(acting(user))
        assert state() == before
        assert caught.value.reasons[0].code == code
        history.record_refusal(caught.value)  # as every door does
        history.record_refusal(caught.value)  # and once is enough
        (row,) = refused(office.tenant)
        assert (row.actor_kind, row.actor_id) == ("user", str(user.id))
        assert code in row.after["reasons"]
        assert bool(row.after["missing"]) == (code == "permission_not_held")


@pytest.mark.parametrize("way", WAYS)
def test_a_way_to_more_rights_is_closed(office: Office, way: str) -> None:
    assert_refused(office, WAYS[way](office), office.clerk, "permission_not_held")


@pytest.mark.parametrize("way", FOREIGN)
def test_roles_of_applications_are_the_access_managers(office: Office, way: str) -> None:
    assert_refused(office, FOREIGN[way](office), office.module_manager, "not_access_manager")
    FOREIGN[way](office)(acting(office.clerk))


@pytest.mark.parametrize("way", WAYS)
def test_who_holds_it_may(office: Office, way: str) -> None:
    """The same acts by one who holds the role: nothing but the missing permission was in the way."""
    give(office.tenant, STRONG[0], user_id=office.deputy.id)  # so that the chief is not the last one
    with tenant_scope(office.tenant.id):
        before = state()
        WAYS[way](office)(acting(office.chief))
        assert state() != before
        assert refused(office.tenant) == []


def test_nobody_gives_himself_back_what_he_held(office: Office) -> None:
    """By a request that was under way when he was sent away."""
    assert_refused(office, away(office, office.deputy), office.deputy, "permission_not_held")


def test_what_one_loses_one_cannot_hand_out(office: Office) -> None:
    """A role that ended yesterday, and one that begins tomorrow, are none."""
    act = office.give(STRONG[0], user_id=office.clerk.id)
    office.act(assignments.withdraw, assignment_id=office.held.id)(SYSTEM)
    assert_refused(office, act, office.chief, "permission_not_held")
    wanted = {"user_id": office.chief.id, "starts_at": office.at + timedelta(days=1)}
    office.give(STRONG[0], **wanted)(SYSTEM)
    with pytest.raises(Forbidden):
        act(acting(office.chief))


def test_an_invitation_lets_nobody_in_with_rights(office: Office) -> None:
    """Who is invited holds nothing; what is given to him afterwards is asked for."""
    invited = office.act(users.invite, username="new", email="new@example.org", display_name="New")(
        acting(office.clerk)
    )
    with tenant_scope(office.tenant.id):
        held = permissions(actor=acting(invited), tenant_id=office.tenant.id, at=office.at)
        assert {resource for _, resource, _ in held} <= {"OwnAccount"}
    office.act(users.reset, user_id=invited.id)(acting(office.clerk))
    give(office.tenant, STRONG[0], user_id=invited.id)
    with pytest.raises(Forbidden):
        office.act(users.reset, user_id=invited.id)(acting(office.clerk))


# --- the doors: the refusal stays recorded although the act is rolled back -----------------------------


MANAGEMENT, ACCESS = "/iam/application-management/v1", "/iam/access-management/v1"


def knock(office: Office, who: str, method: str, path: str, body: Any = None) -> HttpResponse:
    """Like a browser; what the request wrote stays."""
    client = Browser()
    client.cookies[cookie_name(office.tenant.id)] = office.sessions[who]
    sent = b"" if body is None else json.dumps(body).encode()
    return client.generic(method, path, sent, "application/json")


def rest_doors(office: Office) -> dict[str, tuple[str, str, Any]]:
    here = f"tenants/{office.tenant.id}"
    role = {"applicationId": PORTAL_ID, "key": STRONG[0]}
    robot = office.robot.id
    return {
        "to oneself": (
            "POST",
            f"{ACCESS}/{here}/assignments",
            {"principal": {"userId": str(office.clerk.id)}, "role": role},
        ),
        "to a group": (
            "POST",
            f"{ACCESS}/{here}/assignments",
            {"principal": {"groupId": str(office.weak.id)}, "role": role},
        ),
        "to a service": (
            "POST",
            f"{ACCESS}/{here}/assignments",
            {"principal": {"applicationId": office.tool.id}, "role": role},
        ),
        "away from the chief": ("DELETE", f"{ACCESS}/{here}/assignments/{office.held.id}", None),
        "a secret": ("POST", f"{MANAGEMENT}/{here}/applications/{robot}/clients/{robot}/secrets", {}),
    }


@pytest.mark.parametrize(
    "door", ["to oneself", "to a group", "to a service", "away from the chief", "a secret"]
)
def test_a_door_refuses_with_reasons_and_the_refusal_stays(office: Office, door: str) -> None:
    method, path, body = rest_doors(office)[door]
    who = "modules" if door == "a secret" else "clerk"  # whoever is let in at that door at all
    with tenant_scope(office.tenant.id):
        before = state()
    answer = knock(office, who, method, path, body)
    assert answer.status_code == 403, answer.content
    document = answer.json()
    assert document["code"] == "forbidden"
    assert {reason["code"] for reason in document["reasons"]} == {"permission_not_held"}
    assert "record" not in document
    with tenant_scope(office.tenant.id):
        assert state() == before
        (row,) = refused(office.tenant)
        assert row.actor_id == str(office.module_manager.id if door == "a secret" else office.clerk.id)
        assert row.request_id
        assert "Organizations:modify" in row.after["missing"]
    reply = knock(office, "chief", method, path, body)
    assert reply.status_code == (403 if door == "a secret" else 204 if method == "DELETE" else 201)
    with tenant_scope(office.tenant.id):
        assert len(refused(office.tenant)) == 1  # the chief lacks Modules: refused at the door, no attempt


@pytest.mark.parametrize("page", ["users/{chief}/send-link", "groups/{weak}/move"])
def test_a_page_refuses_and_the_refusal_stays(office: Office, page: str) -> None:
    client = Browser()
    client.cookies[cookie_name(office.tenant.id)] = office.sessions["clerk"]
    address = f"/t/acme/{page.format(chief=office.chief.id, weak=office.weak.id)}"
    client.post(address, {"parent": str(office.strong.id), "shown": "1", "revision": office.weak.revision})
    with tenant_scope(office.tenant.id):
        (row,) = refused(office.tenant)
        assert row.actor_id == str(office.clerk.id)
        assert not UserLink.objects.filter(user=office.chief).exists()
        assert not GroupPlacement.objects.filter(group=office.weak).exists()


def test_a_refusal_survives_the_rollback_of_its_request(committed_db: None, tmp_path: Any) -> None:
    """On a connection that really commits: the act is gone, the record is there."""
    at = datetime.now(UTC)
    tenant = make_tenant("acme", at=at)
    clerk, session = person(tenant, "clerk", "access-manager")
    path = f"{ACCESS}/tenants/{tenant.id}/assignments"
    body = {
        "principal": {"userId": str(clerk.id)},
        "role": {"applicationId": PORTAL_ID, "key": STRONG[0]},
    }
    client = Browser()
    client.cookies[cookie_name(tenant.id)] = session
    assert client.post(path, body, content_type="application/json").status_code == 403
    with tenant_scope(tenant.id):
        assert len(refused(tenant)) == 1
        assert not Assignment.objects.filter(user=clerk, application_role__key=STRONG[0]).exists()
