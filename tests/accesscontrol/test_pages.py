"""Roles on pages: who may see and give them, what they count for, and what a neighbour sees of it."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accesscontrol.actions import tenant_roles
from accesscontrol.actions.tenant_roles import Definition
from accesscontrol.models import Assignment
from accesscontrol.urls import pages
from applications.actions import pauses
from iam_portal.walls import tenant_scope
from tenants.models import User
from tests.applications.story import Party, party, person, share
from tests.support import factories

READABLE = {
    "access-review": "user-reader",
    "access-download": "reviewer",
    "access-decide": "user-reader",
    "access-preview": "user-reader",
    "report-list": "reviewer",
    "report-read": "reviewer",
    "report-download": "reviewer",
    "assignment-list": "user-reader",
    "assignment-add": "access-manager",
    "assignment-withdraw": "access-manager",
    "role-list": "user-reader",
    "role-create": "access-manager",
    "role-detail": "user-reader",
    "role-holders": "user-reader",
    "role-edit": "access-manager",
    "role-delete": "access-manager",
    "application-role": "user-reader",
    "application-role-holders": "user-reader",
    "application-calls": "user-reader",
    "application-callers": "user-reader",
    "application-manifest": "user-reader",
    "application-manifest-download": "user-reader",
    "application-manifest-edit": "module-manager",
    "second-factors": "access-configuration-manager",
    "sheet-download": "access-configuration-reader",
    "sheet-upload": "access-configuration-manager",
    "scim-token-list": "user-reader",
}
OWN = {"sign-in-end", "sign-out"}  # of one's own account, without a role
ELSEWHERE = {
    "provider-go",
    "provider-back",
    "provider-try",
    "scim-token-new",
    "scim-token-revoke",
    "own-identity-add",
}  # own tests
PLANNER = "acme.fleet-planner"


@pytest.fixture
def acme(db: None) -> Party:
    return party("acme")


@pytest.fixture
def beta(acme: Party) -> Party:
    made = party("beta")
    factories.make_partners(acme.tenant, made.tenant, at=timezone.now())
    return made


@pytest.fixture
def sam(acme: Party) -> User:
    return factories.make_user(acme.tenant, "sam", at=timezone.now())


def address(name: str, party: Party) -> str:
    known = {}
    if name == "assignment-withdraw":
        with tenant_scope(party.tenant.id):
            known = {"assignment_id": Assignment.objects.filter(tenant=party.tenant).first().id}
    if name in ("report-read", "report-download"):
        known = {"key": "administrators"}
    elif name.startswith("application-role"):
        known = {"application_id": PLANNER, "key": "reader"}
    elif name.startswith("application-"):
        known = {"application_id": PLANNER}
    elif name in ("role-detail", "role-holders", "role-edit", "role-delete"):
        known = {"key": "night"}
        night = Definition(key="night", name="Night", description="", permissions=[])
        tenant_roles.define(tenant=party.tenant, definition=night, by=factories.SYSTEM, at=timezone.now())
    query = f"?application={PLANNER}" if name == "access-download" else ""
    return reverse(f"accesscontrol:{name}", kwargs={"slug": party.tenant.slug, **known}) + query


def give(party: Party, query: str, role: str, **more: str) -> Any:
    return party.post(f"assignments/add?{query}", role=role, **more)


def held_by(party: Party, **who: Any) -> list[Assignment]:
    with tenant_scope(party.tenant.id):
        return list(Assignment.objects.filter(tenant=party.tenant, **who).select_related("application_role"))


def test_every_page_is_named_here():
    named = {pattern.name for pattern in pages.urlpatterns if "platform/" not in str(pattern.pattern)}
    assert named == {*READABLE, *OWN, *ELSEWHERE}


def test_the_page_of_a_new_one_stands_among_them(acme: Party) -> None:
    """Also where its address is beside the list's."""
    manager = person(acme, "kim", "access-manager", "module-manager")
    for page, entry in (("create-role", "roles"), ("register-application", "applications")):
        text = manager.get(f"/t/acme/{page}").content.decode()
        marked = set(re.findall(r'<a[^>]*href="([^"]+)"[^>]*aria-current="page"', text))
        assert (page, marked) == (page, {f"/t/acme/{entry}"})


def test_allowed_refused_anonymous_outsider(acme: Party, beta: Party):
    nobody = person(acme, "lee")
    for name, role in READABLE.items():
        wanted = address(name, acme)
        assert (name, person(acme, f"kim-{name}", role).get(wanted).status_code) == (name, 200)
        assert (name, nobody.get(wanted).status_code) == (name, 403)
        for client in (Client(), beta.client):
            assert client.get(wanted).headers["Location"].startswith("/t/acme/sign-in")


def test_what_belongs_to_a_neighbour_is_not_there(acme: Party, beta: Party, sam: User):
    group = factories.make_group(acme.tenant, at=timezone.now())
    theirs = held_by(acme)[0]
    assert beta.get(f"assignments/{theirs.id}/withdraw").status_code == 404
    assert beta.post(f"assignments/{theirs.id}/withdraw").status_code == 404
    for query in (f"user={sam.id}", f"group={group.id}", f"application={PLANNER}", "user=nonsense"):
        assert beta.client.get(beta.url(f"assignments/add?{query}")).status_code == 404
        assert give(beta, query, "iam-portal|user|").status_code == 404
    shown = beta.get("assignments").content.decode()
    assert str(theirs.id) not in shown
    form = beta.get("assignments/add").content.decode()
    assert not re.search(r"\bSam\b", form)  # a random token may have the letters


def test_giving_and_withdrawing(acme: Party, sam: User):
    offered = acme.client.get(acme.url(f"assignments/add?user={sam.id}"))
    titles = [group.title for group in offered.context["groups"]]
    assert titles == ["Fleet Planner", "IAM portal"]
    given = give(acme, f"user={sam.id}", f"{PLANNER}|planner|")
    assert given.headers["Location"] == f"/t/acme/users/{sam.id}"
    assert "It counts" in acme.get(f"users/{sam.id}").content.decode()
    twice = give(acme, f"user={sam.id}", f"{PLANNER}|planner|")
    assert "assigned for that time already" in twice.content.decode()
    assert f'value="{PLANNER}|planner|" required checked' in twice.content.decode()
    (row,) = held_by(acme, user=sam)
    for _twice in (302, 404):
        assert acme.post(f"assignments/{row.id}/withdraw").status_code == _twice
    assert "No role yet" in acme.get(f"users/{sam.id}").content.decode()
    assert "Ended" in acme.get("assignments", state="ended").content.decode()


def test_giving_for_a_time(acme: Party, sam: User):
    group = factories.make_group(acme.tenant, members=(sam,), at=timezone.now())
    start = (timezone.now() + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    past = (timezone.now() - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    bad = give(acme, f"group={group.id}", f"{PLANNER}|reader|", starts_at=past, ends_at=past)
    assert set(bad.context["form"].errors) == {"starts_at", "ends_at"}
    assert f'value="{past}"' in bad.content.decode()
    give(acme, f"group={group.id}", f"{PLANNER}|reader|", starts_at=start)
    assert "Scheduled" in acme.get("assignments", state="scheduled").content.decode()
    assert "through the group Dispatch" in acme.get(f"users/{sam.id}").content.decode()
    assert "Scheduled" in acme.get(f"groups/{group.id}").content.decode()


def test_only_what_is_offered(acme: Party, beta: Party, sam: User):
    for role in ("", "nonsense", f"{PLANNER}|ghost|", "beta.fleet-planner|planner|"):
        response = give(acme, f"user={sam.id}", role)
        assert "role" in response.context["form"].errors
    assert held_by(acme, user=sam) == []


def test_what_one_does_not_hold_is_off_and_refused(acme: Party, sam: User):
    manager = person(acme, "kim", "access-manager")
    url = acme.url(f"assignments/add?user={sam.id}")
    choices = {
        choice.value: choice for group in manager.get(url).context["groups"] for choice in group.choices
    }
    assert choices["iam-portal|user-reader|"].decision
    assert not choices["iam-portal|organization-manager|"].decision
    refused = manager.post(url, {"role": "iam-portal|organization-manager|"})
    shown = refused.content.decode()
    assert "cannot hand out what you do not hold" in shown
    assert "Organizations:add" in shown
    assert held_by(acme, user=sam) == []


def test_a_role_by_access_contract_names_its_contract(acme: Party, beta: Party):
    contract = share(acme, beta, acme.applications["planner"], type="access")
    value = f"{PLANNER}|planner|{contract.id}"
    groups = beta.client.get(beta.url(f"assignments/add?user={beta.user.id}")).context["groups"]
    (found,) = [group for group in groups if any(choice.value == value for choice in group.choices)]
    assert "On the data of Acme" in found.note
    assert give(beta, f"user={beta.user.id}", value).status_code == 302
    (row,) = held_by(beta, contract=contract)
    assert row.application_role.key == "planner"
    assert "on the data of Acme" in beta.get("assignments").content.decode()


def test_a_paused_contract_shows_why_a_role_does_not_count(acme: Party, beta: Party):
    contract = share(acme, beta, acme.applications["planner"])
    give(beta, f"application={beta.applications['planner'].id}", f"{PLANNER}|reader|")
    pauses.pause(tenant=acme.tenant, contract_id=contract.id, by=acme.actor, at=timezone.now())
    shown = beta.get("assignments", kind="application").content.decode()
    assert "Does not count" in shown
    assert "was paused by" in shown
    offered = beta.client.get(beta.url(f"assignments/add?user={beta.user.id}")).content.decode()
    assert "Does not count now. The contract with Acme was paused" in offered


def test_own_roles_are_shown_without_permission_to_read_others(acme: Party):
    client = person(acme, "kim", "user")
    assert "Where you have access" in client.get("/t/acme/account").content.decode()
    assert "Withdraw" not in client.get("/t/acme/account").content.decode()


def test_the_list_takes_a_fixed_number_of_queries(
    acme: Party, beta: Party, django_assert_max_num_queries: Any
):
    share(acme, beta, acme.applications["planner"])
    for number in range(12):
        group = factories.make_group(beta.tenant, f"Group {number}", at=timezone.now())
        give(beta, f"group={group.id}", f"{PLANNER}|reader|")
    for path in ("assignments", "assignments/add", f"assignments/add?user={beta.user.id}", "account"):
        with django_assert_max_num_queries(60):
            assert beta.client.get(beta.url(path)).status_code == 200
