"""Nobody does by a document what he may not do at the doors; whoever tries stands in the history."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accesscontrol.actions import assignments
from accesscontrol.actions.assignments import Wanted
from iam_portal.walls import tenant_scope
from tenants.actions import groups, memberships, users
from tenants.models import Group, User
from tests.applications.story import person
from tests.support import factories
from tests.support.configuring import PORTAL, World, codes

PLANNER = {"applicationId": "~.fleet-planner", "key": "reader"}
NAMING = {"provider": "corp", "kind": "username"}
OWN = {"applicationId": PORTAL, "key": "access-manager"}


def entry(document: Any, section: str, item: Any) -> Any:
    return {"version": 1, section: [*document[section], item]}


def attempt(world: World, document: Any, client: Client) -> Any:
    """Planned and then applied by the plan's own revision: whatever the plan says, it is refused."""
    before = world.document(world.acme)
    plan = world.plan(world.acme, document, client)
    assert plan.status_code == 200, plan.content
    assert "forbidden" in {code for _, code in codes(plan)}
    refused = world.apply(world.acme, document, plan.json()["revision"], client)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert codes(refused) == codes(plan)
    assert world.document(world.acme) == before
    return refused


DOCUMENTS = {
    "an assignment": lambda d: entry(
        d, "assignments", {"principal": {"user": "configurer"}, "role": PLANNER}
    ),
    "a role of the portal": lambda d: entry(d, "assignments", {"principal": {"user": "looker"}, "role": OWN}),
    "a withdrawal": lambda d: {"version": 1, "assignments": []},
    "a membership": lambda d: {
        "version": 1,
        "groups": [d["groups"][0], {**d["groups"][1], "members": ["kim", "looker"]}],
    },
    "a group": lambda d: entry(d, "groups", {"name": "Mine"}),
    "a role": lambda d: entry(
        d,
        "roles",
        {
            "key": "mine",
            "name": "Mine",
            "permissions": [
                {
                    "applicationId": PORTAL,
                    "resourceType": "urn:iam:portal",
                    "resourceId": "Roles",
                    "privileges": ["modify"],
                }
            ],
        },
    ),
    "the end of a role": lambda d: {"version": 1, "roles": []},
    "an application": lambda d: entry(
        d, "applications", {"applicationId": "~.mine", "name": "mine", "displayName": "Mine"}
    ),
    "a mapping": lambda d: {"version": 1, "mappings": [{**NAMING, "template": "{sub}"}]},
    "the end of mappings": lambda d: {"version": 1, "mappings": []},
    "a contract": lambda d: {"version": 1, "contracts": []},
}


@pytest.mark.parametrize("what", DOCUMENTS)
@pytest.mark.parametrize("who", ["configurer", "looker"])
def test_the_manager_of_configuration_alone_imports_nothing(world: World, who: str, what: str) -> None:
    """Without the doors' permissions the sections are not shown (configurer), or not changed (looker)."""
    document = DOCUMENTS[what](world.document(world.acme))
    tried = len(world.history(world.acme, "configuration.refused"))

    attempt(world, document, world.people["acme"][who])

    rows = world.history(world.acme, "configuration.refused")[tried:]
    assert [row.actor_id for row in rows] == [_id(world, who)] * 2
    assert rows[0].after["sections"] or rows[0].after["permissions"]


def test_a_section_that_is_not_shown_tells_nothing(world: World) -> None:
    client = world.people["acme"]["configurer"]
    assert world.document(world.acme, client).keys() == {"version", "applications"}
    guesses = [
        {"version": 1, "groups": [], "roles": [], "assignments": [], "contracts": [], "mappings": []},
        {
            "version": 1,
            "groups": [{"name": "Plant", "members": ["kim", "nobody"]}],
            "roles": [{"key": "dispatch", "name": "Dispatch"}],
            "assignments": [{"principal": {"user": "nobody"}, "role": {"key": "dispatch"}}],
            "contracts": [
                {"consumer": "beta", "type": "access", "roles": [{"applicationId": "~.x", "role": "y"}]}
            ],
            "mappings": [{**NAMING, "provider": "none", "template": "{sub}"}],
        },
    ]
    seen = [world.plan(world.acme, guess, client).json() for guess in guesses]
    for plan in seen:
        assert (plan["steps"], plan["impact"]) == ([], None)
    assert seen[0]["objections"] == seen[1]["objections"]


def test_contracts_of_a_type_that_is_not_shown_stay_as_they_are(world: World) -> None:
    client = person(world.acme, "half", "access-configuration-manager", "access-contract-manager")
    whole = world.document(world.acme)["contracts"]
    shown = world.document(world.acme, client)["contracts"]
    assert [one["type"] for one in shown] == ["access"]
    assert world.plan(world.acme, {"version": 1, "contracts": shown}, client).json()["steps"] == []
    refused = attempt(world, {"version": 1, "contracts": whole}, client)
    assert [one["type"] for one in whole] == ["access", "provision"]
    assert codes(refused) == {("/contracts/1", "forbidden")}
    assert world.history(world.acme, "configuration.refused")[-1].after["sections"] == ["contracts"]


@pytest.mark.parametrize("door", ["", ":plan", ":apply"])
def test_who_may_not_configure_does_not_come_in(world: World, door: str) -> None:
    """A reader exports; he neither plans nor applies."""
    people = world.people["acme"]
    path = f"/iam/access-management/v1/tenants/{world.acme.tenant.id}/configuration{door}"
    for name in ("kim", "reader"):
        reply = people[name].generic("POST" if door else "GET", path, "{}", "application/json")
        assert reply.status_code == (200 if name == "reader" and not door else 403)
    stranger = world.people["neighbour"]["looker"]
    assert stranger.generic("POST" if door else "GET", path, "{}", "application/json").status_code == 401


def _id(world: World, name: str) -> str:
    with tenant_scope(world.acme.tenant.id):
        return str(User.objects.get(tenant=world.acme.tenant, username=name).id)


def _manager(world: World) -> Client:
    """He may configure, and manage access; he holds nothing else of the portal."""
    return person(world.acme, "manager", "access-configuration-manager", "access-manager")


STRONGER = {"applicationId": PORTAL, "key": "organization-manager"}


@pytest.mark.parametrize("way", ["assignment", "membership", "place", "role", "withdrawal"])
def test_nobody_hands_out_what_he_does_not_hold(world: World, way: str) -> None:
    """The doors let him in; ``may grant`` does not."""
    client, at = _manager(world), timezone.now()
    acme = world.acme.tenant
    with tenant_scope(acme.id):
        strong = groups.create(tenant=acme, name="Strong", by=factories.SYSTEM, at=at)
        wanted = Wanted(role="organization-manager", application_id=PORTAL, group_id=strong.id)
        assignments.assign(tenant=acme, wanted=wanted, by=factories.SYSTEM, at=at)
    document = world.document(world.acme)
    by_name = {one["name"]: one for one in document["groups"]}
    if way == "assignment":
        document = entry(document, "assignments", {"principal": {"user": "manager"}, "role": STRONGER})
    elif way == "membership":
        by_name["Strong"]["members"] = ["manager"]
        document = {"version": 1, "groups": list(by_name.values())}
    elif way == "place":
        by_name["Plant"]["parent"] = "Strong"
        document = {"version": 1, "groups": list(by_name.values())}
    elif way == "role":
        permission = {
            "applicationId": PORTAL,
            "resourceType": "urn:iam:portal",
            "resourceId": "Organizations",
        }
        role = {"key": "mine", "name": "Mine", "permissions": [{**permission, "privileges": ["modify"]}]}
        document = entry(document, "roles", role)
    else:
        kept = [one for one in document["assignments"] if one["principal"] != {"group": "Strong"}]
        document = {"version": 1, "assignments": kept}
    tried = len(world.history(world.acme, "grant.refused"))

    attempt(world, document, client)

    rows = world.history(world.acme, "grant.refused")[tried:]
    assert [row.actor_id for row in rows] == [_id(world, "manager")] * 2
    assert any(text.startswith("Organizations:") for text in rows[0].after["missing"])


def test_no_step_opens_the_next(world: World) -> None:
    """He gives himself, by one step, the right that the next one needs: the doors are asked as of before."""
    client = _manager(world)
    document = world.document(world.acme)
    document = {
        "version": 1,
        "applications": [
            *document["applications"],
            {"applicationId": "~.mine", "name": "mine", "displayName": "Mine"},
        ],
        "assignments": [
            *document["assignments"],
            {"principal": {"user": "manager"}, "role": {"applicationId": PORTAL, "key": "module-manager"}},
        ],
    }
    refused = attempt(world, document, client)
    assert {pointer.split("/")[1] for pointer, _ in codes(refused)} == {"applications", "assignments"}


def test_yesterdays_administrator_applies_nothing(world: World) -> None:
    document = {"version": 1, "groups": []}
    client, at = _manager(world), timezone.now()
    revision = world.plan(world.acme, document, client).json()["revision"]
    acme = world.acme.tenant
    with tenant_scope(acme.id):
        user = User.objects.get(tenant=acme, username="manager")
        users.deactivate(tenant=acme, user_id=user.id, by=world.acme.actor, at=at)
    assert world.apply(world.acme, document, revision, client).status_code == 401
    assert len(world.document(world.acme)["groups"]) == 2


def test_a_right_that_ended_since_the_plan_ends_the_plan(world: World) -> None:
    document = {"version": 1, "groups": []}
    client, at = _manager(world), timezone.now()
    revision = world.plan(world.acme, document, client).json()["revision"]
    acme = world.acme.tenant
    with tenant_scope(acme.id):
        [held] = acme.assignments.filter(user__username="manager", application_role__key="access-manager")
        assignments.withdraw(tenant=acme, assignment_id=held.id, by=world.acme.actor, at=at)
    refused = world.apply(world.acme, document, revision, client)
    assert refused.status_code in (403, 412)
    assert len(world.document(world.acme)["groups"]) == 2


def test_an_inactive_member_is_an_objection(world: World) -> None:
    acme, at = world.acme.tenant, timezone.now()
    document = world.document(world.acme)
    with tenant_scope(acme.id):
        kim = User.objects.get(tenant=acme, username="kim")
        plant = Group.objects.get(tenant=acme, name="Plant")
        memberships.remove(tenant=acme, group_id=plant.id, user_id=kim.id, by=world.acme.actor, at=at)
        users.deactivate(tenant=acme, user_id=kim.id, by=world.acme.actor, at=at)
    refused = world.plan(world.acme, {"version": 1, "groups": document["groups"]})
    assert codes(refused) == {("/groups/1/members", "user_inactive")}
