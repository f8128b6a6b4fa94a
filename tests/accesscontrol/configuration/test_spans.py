"""Documents with memberships for a time, with former ids, and with resources that applications keep."""

import ast
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from applications.actions import resources
from iam_portal.decision import rfc3339
from iam_portal.walls import tenant_scope
from tenants.actions import memberships
from tenants.models import Group, Membership, User
from tests.applications.story import Party
from tests.support.configuring import World, codes, steps
from tests.support.factories import SYSTEM

pytestmark = pytest.mark.exhaustive(3)


def enter(one: Party, group: str, name: str, start: datetime, end: datetime | None) -> None:
    """Somebody will come into a group."""
    with tenant_scope(one.tenant.id):
        memberships.add(
            tenant=one.tenant,
            group_id=Group.objects.get(tenant=one.tenant, name=group).id,
            user_id=User.objects.get(tenant=one.tenant, username=name).id,
            starts_at=start,
            ends_at=end,
            by=SYSTEM,
            at=timezone.now(),
        )


def spans(one: Party, group: str, name: str) -> list[Any]:
    now = timezone.now()
    with tenant_scope(one.tenant.id):
        rows = Membership.objects.not_over(now).filter(group__name=group, user__username=name)
        return [
            (during.lower if during.lower > now else None, during.upper)
            for during in rows.order_by("during").values_list("during", flat=True)
        ]


def plant(document: Any) -> Any:
    return next(one for one in document["groups"] if one["name"] == "Plant")


def test_memberships_for_a_time_are_exported_and_made(world: World) -> None:
    summer = world.spring + timedelta(days=90)
    enter(world.acme, "Plant", "lee", world.spring, summer)
    enter(world.acme, "Plant", "looker", world.spring, None)
    document = world.document(world.acme)
    assert plant(document) == {
        "name": "Plant",
        "members": ["kim"],
        "memberships": [
            {"user": "lee", "from": rfc3339(world.spring), "until": rfc3339(summer)},
            {"user": "looker", "from": rfc3339(world.spring)},
        ],
    }
    assert world.plan(world.acme, document).json()["steps"] == []

    world.carry(world.twin, document)

    assert world.document(world.twin) == document
    assert spans(world.twin, "Plant", "lee") == [(world.spring, summer)]
    assert world.plan(world.twin, document).json()["steps"] == []


def test_their_spans_become_others(world: World) -> None:
    summer = world.spring + timedelta(days=90)
    enter(world.acme, "Plant", "lee", world.spring, None)
    document = world.document(world.acme)
    group = plant(document)
    group["members"] = []
    group["memberships"] = [
        {"user": "KIM", "until": rfc3339(world.spring)},
        {"user": "kim", "from": rfc3339(summer)},
        {"user": "lee", "from": rfc3339(summer)},
        {"user": "looker", "until": "2020-01-01T00:00:00Z"},
    ]

    done = world.carry(world.acme, document)

    assert steps(done) == ["change groups Plant: kim", "add groups Plant: kim", "change groups Plant: lee"]
    assert done["steps"][0]["diff"] == [
        f'+ memberships: {{"user": "kim", "until": "{rfc3339(world.spring)}"}}',
        "- members: kim",
    ]
    assert spans(world.acme, "Plant", "kim") == [(None, world.spring), (summer, None)]
    assert spans(world.acme, "Plant", "lee") == [(summer, None)]
    [changed] = world.history(world.acme, "group.member_changed")
    assert (changed.before, changed.after["until"]) == ({"until": None}, rfc3339(world.spring))
    assert world.plan(world.acme, document).json()["steps"] == []

    # Only the running one goes; what is planned stays.
    group["memberships"] = group["memberships"][1:3]
    assert steps(world.carry(world.acme, document)) == ["remove groups Plant: kim"]
    assert spans(world.acme, "Plant", "kim") == [(summer, None)]


def test_spans_that_cannot_be_are_objected_to(world: World) -> None:
    document = {"version": 1, "groups": world.document(world.acme)["groups"]}
    group, ahead = plant(document), rfc3339(world.spring)
    for wanted in ({"user": "kim", "from": ahead}, {"user": "lee", "from": ahead, "until": ahead}):
        group["memberships"] = [wanted]
        assert {place for place, _ in codes(world.plan(world.acme, document))} == {"/groups/1/members"}
    group["memberships"] = [{"user": "lee", "from": ahead}, {"user": "LEE", "from": ahead}]
    refused = world.plan(world.acme, document)
    assert codes(refused) == {("/groups/1/memberships", "named_twice")}


def test_former_ids_are_followed_once_and_not_exported(world: World) -> None:
    document = world.document(world.acme)
    [planner] = [one for one in document["applications"] if one["applicationId"] == "~.fleet-planner"]
    text = str(planner["manifest"]).replace("'tours'", "'trips'").replace("'reader'", "'visitor'")
    plain = {**planner, "manifest": _read(text)}
    heir = {**planner, "manifest": _read(text)}
    for one in heir["manifest"]["resources"]:
        if one["id"] == "trips":
            one["supersedes"] = {"type": one["type"], "id": "tours"}
    for one in heir["manifest"]["roles"]:
        if one["key"] == "visitor":
            one["supersedes"] = "reader"
    others = [one for one in document["applications"] if one is not planner]
    taking = world.plan(world.acme, {"version": 1, "applications": [plain, *others]}).json()
    wanted = {"version": 1, "applications": [heir, *others]}
    keeping = world.plan(world.acme, wanted).json()
    assert taking["revision"] != keeping["revision"]
    assert (taking["impact"]["users"]["count"] > 0, keeping["impact"]["users"]["count"]) == (True, 0)

    world.carry(world.acme, wanted)

    after = world.document(world.acme)
    assert "supersedes" not in str(after)
    held = str(document["assignments"]).replace("'key': 'reader'", "'key': 'visitor'")
    assert _sorted(after["assignments"]) == _sorted(_read(held))
    assert after["roles"] == _read(str(document["roles"]).replace("'tours'", "'trips'"))
    assert world.plan(world.acme, wanted).json()["steps"] == []
    assert world.plan(world.acme, after).json()["steps"] == []


def test_a_role_over_a_resource_that_an_application_keeps(world: World) -> None:
    """It is the organization's data, not its configuration: where it is not kept, the role is objected to."""
    planner = world.acme.applications["planner"]
    with tenant_scope(world.acme.tenant.id):
        place = resources.Place(application=planner, tenant=world.acme.tenant, by=SYSTEM, at=timezone.now())
        lane = resources.Wanted(address=("urn:fleet:tour", "lane-4"), name="Lane 4", privileges=("read",))
        resources.put(place, lane)
    held = {"applicationId": "~.fleet-planner", "resourceType": "urn:fleet:tour", "resourceId": "lane-4"}
    document = world.document(world.acme)
    document["roles"][0]["permissions"] = [{**held, "privileges": ["read"]}]
    world.carry(world.acme, document)
    exported = world.document(world.acme)
    assert exported == document
    assert "lane-4" not in str(exported["applications"])
    assert world.plan(world.acme, exported).json()["steps"] == []

    plan = world.plan(world.twin, exported)

    assert ("/roles/0/permissions/0", "not_available") in codes(plan)
    refused = world.apply(world.twin, exported, plan.json()["revision"])
    assert (refused.status_code, codes(refused)) == (409, codes(plan))


def _sorted(items: Any) -> list[str]:
    return sorted(map(str, items))


def _read(text: str) -> Any:
    """What ``str`` wrote."""
    return ast.literal_eval(text)
