"""A tenant's configuration as a document: what is exported can be applied, and what is applied is so."""

from typing import Any

import pytest
from django.utils import timezone

from accesscontrol.configuration import yaml_text
from accesscontrol.configuration.shape import SECTIONS
from iam_portal.decision import rfc3339
from tests.support import factories
from tests.support.configuring import PORTAL, YAML, World, accept_all, codes, steps


def test_the_export_of_a_rich_tenant_makes_an_empty_one_the_same(world: World) -> None:
    document = world.document(world.acme)
    assert document.keys() == {"version", *SECTIONS}

    done = world.carry(world.twin, document)

    assert done["summary"]["remove"] == 0
    assert world.document(world.twin) == document
    assert world.plan(world.twin, document).json()["steps"] == []


def test_also_by_yaml_to_the_letter(world: World) -> None:
    exported = world.export(world.acme, Accept=YAML)
    assert exported["Content-Type"] == f"{YAML}; charset=utf-8"
    text = exported.content.decode()

    world.carry(world.twin, text)

    assert world.export(world.twin, Accept=YAML).content.decode() == text
    assert yaml_text.read(text) == {**world.document(world.acme), "version": "1"}


def test_the_document_reads_as_people_write(world: World) -> None:
    document = world.document(world.acme)
    assert document["groups"] == [
        {"name": "Night shift", "parent": "Plant", "members": ["kim", "lee"]},
        {"name": "Plant", "members": ["kim"]},
    ]
    assert {"principal": {"group": "Night shift"}, "role": {"key": "dispatch"}} in document["assignments"]
    reading = {"applicationId": "~.fleet-planner", "key": "reader"}
    assert {"principal": {"application": "~.robot"}, "role": reading} in document["assignments"]
    name, night = document["mappings"]
    assert name["template"] == "{given_name} {family_name}"
    assert night == {
        "provider": "corp",
        "kind": "group",
        "claim": "groups",
        "value": "g-17",
        "group": "Night shift",
    }
    [access, provision] = document["contracts"]
    assert (access["type"], access["consumer"], provision["endsAt"]) == (
        "access",
        "beta",
        rfc3339(world.spring),
    )
    text = world.export(world.acme).content.decode()
    assert str(world.acme.tenant.id) not in text
    assert "secret" not in text.lower()


def test_what_the_other_side_accepts_changes_nothing_in_it(world: World) -> None:
    before = world.document(world.acme)
    accept_all(world, world.acme)
    assert world.document(world.acme) == before


def test_the_neighbour_is_neither_seen_nor_moved(world: World) -> None:
    before = world.document(world.neighbour)
    world.carry(world.acme, {"version": 1, "groups": [], "roles": []})
    assert world.document(world.neighbour) == before
    assert world.export(world.neighbour, world.acme.client).status_code == 401
    assert "neighbour" not in world.export(world.acme).content.decode()


# --- plan -----------------------------------------------------------------------------------------------


def test_a_plan_changes_nothing_and_says_what_would_be(world: World) -> None:
    document = world.document(world.acme)
    rows = len(world.history(world.acme, "group.created"))
    document["groups"] = [
        {"name": "Plant", "members": ["KIM", "lee"]},
        {"name": "Day shift", "parent": "plant"},
    ]
    document["assignments"] = [
        one for one in document["assignments"] if one["principal"] != {"group": "Night shift"}
    ]
    document["mappings"] = document["mappings"][:1]
    plan = world.plan(world.acme, document).json()
    assert steps(plan) == [
        "add groups Day shift",
        "add groups Plant: lee",
        "remove mappings corp: groups = g-17 → Night shift",
        "remove assignments group Night shift: dispatch",
        "remove groups Night shift",
    ]
    assert plan["steps"][0]["diff"] == ["+ name: Day shift", "+ parent: Plant"]
    assert plan["steps"][0]["permissions"] == ["Groups:add"]
    lost = {one["name"]: one["roles"] for one in plan["impact"]["users"]["items"]}
    assert lost == {name: [f"urn:iam:tenant-role:{world.acme.tenant.id}:dispatch"] for name in ("Kim", "Lee")}
    assert world.document(world.acme) == world.document(world.acme)
    assert len(world.history(world.acme, "group.created")) == rows


def test_what_is_only_moved_is_lost_by_nobody(world: World) -> None:
    """The group's role goes to its two members themselves: taken and given, so nobody loses it."""
    document = world.document(world.acme)
    kept = [one for one in document["assignments"] if one["principal"] != {"group": "Night shift"}]
    own = [{"principal": {"user": name}, "role": {"key": "dispatch"}} for name in ("kim", "lee")]
    plan = world.plan(world.acme, {"version": 1, "assignments": kept + own}).json()
    assert plan["summary"] == {"add": 2, "change": 0, "remove": 1}
    assert plan["impact"]["users"]["count"] == 0


def test_a_section_that_is_left_out_is_not_touched(world: World) -> None:
    before = world.document(world.acme)
    assert world.plan(world.acme, {"version": 1}).json()["steps"] == []
    world.carry(world.acme, {"version": 1, "roles": before["roles"]})
    assert world.document(world.acme) == before


PERMISSION = {"resourceType": "urn:fleet:tour", "resourceId": "tours", "privileges": ["read"]}
FOREIGN = {
    "key": "x",
    "name": "X",
    "permissions": [{"applicationId": "neighbour.fleet-planner", **PERMISSION}],
}
SHARE = {"type": "provision", "roles": [{"applicationId": "~.a", "role": "b"}]}
OBJECTIONABLE = {
    "version": 1,
    "applications": [],
    "groups": [{"name": "Plant", "members": ["nobody"]}, {"name": "New"}],
    "roles": [FOREIGN],
    "contracts": [{"consumer": "neighbour", **SHARE}, {"consumer": "nowhere", **SHARE}],
    "assignments": [
        {"principal": {"user": "nobody"}, "role": {"key": "x"}},
        {"principal": {"group": "Night shift"}, "role": {"key": "x"}},
        {"principal": {"group": "New"}, "role": {"key": "unknown"}},
        {"principal": {"group": "New"}, "role": {"applicationId": "~.nothing", "key": "reader"}},
        {"principal": {"user": "kim"}, "role": {"applicationId": PORTAL, "key": "user"}, "provider": "beta"},
        {"principal": {"user": "kim"}, "role": {"key": "x"}},
    ],
}


def test_every_objection_is_collected(world: World) -> None:
    kept = world.document(world.twin)["assignments"]
    document = {**OBJECTIONABLE, "assignments": [*OBJECTIONABLE["assignments"], *kept]}  # type: ignore[misc]
    plan = world.plan(world.twin, document)
    # The last of them rests on the role that is refused: one objection is enough.
    assert codes(plan) == {
        ("/groups/0/members", "unknown_user"),
        ("/roles/0/permissions/0", "not_available"),
        ("/contracts/0/consumer", "not_a_partner"),
        ("/contracts/1/consumer", "not_a_partner"),
        ("/assignments/0/principal", "unknown_user"),
        ("/assignments/1/principal", "unknown_group"),
        ("/assignments/2/role", "unknown_role"),
        ("/assignments/3", "not_found"),
        ("/assignments/4/provider", "unknown_contract"),
    }
    told = {one["pointer"]: one["detail"] for one in plan.json()["objections"]}
    stranger, nobody = (told[f"/contracts/{number}/consumer"] for number in (0, 1))
    assert stranger.replace("neighbour", "") == nobody.replace("nowhere", "")
    done = world.apply(world.twin, document, plan.json()["revision"])
    assert (done.status_code, done.json()["code"]) == (409, "configuration_not_possible")
    assert codes(done) == codes(plan)
    assert world.document(world.twin)["groups"] == []


# --- apply ----------------------------------------------------------------------------------------------


def test_nobody_applies_what_he_has_not_seen(world: World) -> None:
    document = {"version": 1, "groups": []}
    refused = world.apply(world.acme, document, None)
    assert (refused.status_code, refused.json()["code"]) == (428, "plan_required")
    revision = refused.json()["plan"]["revision"]
    assert world.apply(world.acme, document, revision).status_code == 200
    # The same once more: the world is another, and the plan of now is empty.
    again = world.apply(world.acme, document, revision)
    assert (again.status_code, again.json()["code"]) == (412, "plan_changed")
    assert again.json()["plan"]["steps"] == []


def test_it_is_refused_when_the_world_moved(world: World) -> None:
    document = {"version": 1, "groups": []}
    revision = world.plan(world.acme, document).json()["revision"]
    factories.make_group(world.acme.tenant, "Made meanwhile", at=timezone.now())
    moved = world.apply(world.acme, document, revision)
    assert (moved.status_code, moved.json()["code"]) == (412, "plan_changed")
    assert "remove groups Made meanwhile" in steps(moved.json()["plan"])
    assert {one["name"] for one in world.document(world.acme)["groups"]} >= {"Plant", "Made meanwhile"}


@pytest.mark.parametrize(
    "other", [{"version": 1, "groups": [{"name": "Other"}]}, {"version": 1, "roles": []}]
)
def test_a_revision_is_of_one_document(world: World, other: Any) -> None:
    revision = world.plan(world.acme, {"version": 1, "groups": []}).json()["revision"]
    assert world.apply(world.acme, other, revision).status_code == 412


def test_a_revision_is_of_one_prune(world: World) -> None:
    document = {"version": 1, "contracts": []}
    revision = world.plan(world.acme, document, query="?prune=contracts").json()["revision"]
    assert world.apply(world.acme, document, revision).status_code == 412


def test_sent_twice_with_a_key_it_is_answered_twice_and_done_once(world: World) -> None:
    document = {"version": 1, "groups": []}
    revision = world.plan(world.acme, document).json()["revision"]
    replies = [
        world.apply(world.acme, document, revision, **{"Idempotency-Key": "pipeline-7"}) for _ in range(2)
    ]
    assert [reply.status_code for reply in replies] == [200, 200]
    assert replies[0].json() == replies[1].json()
    assert len(world.history(world.acme, "configuration.applied")) == 1


def test_all_or_nothing(world: World) -> None:
    document = world.document(world.acme)
    document["groups"] = [{"name": "New"}]
    document["assignments"].append(
        {"principal": {"group": "New"}, "role": {"applicationId": "~.x", "key": "y"}}
    )
    revision = world.plan(world.acme, document).json()["revision"]
    assert world.apply(world.acme, document, revision).status_code == 409
    assert len(world.document(world.acme)["groups"]) == 2
    assert world.history(world.acme, "configuration.applied") == []


def test_each_step_has_its_history_and_all_have_one_together(world: World) -> None:
    done = world.carry(world.acme, {"version": 1, "groups": [{"name": "New"}]})
    [row] = world.history(world.acme, "configuration.applied")
    assert row.after == {"revision": done["revision"], "add": 1, "change": 0, "remove": 2}
    assert (row.actor_kind, row.actor_id) == ("user", str(world.acme.user.id))
    assert [one.actor_id for one in world.history(world.acme, "group.deleted")] == [row.actor_id] * 2


def test_a_change_without_its_history_does_not_happen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    document = {"version": 1, "groups": []}
    revision = world.plan(world.acme, document).json()["revision"]

    def broken(**_: Any) -> None:
        raise RuntimeError("no history")

    monkeypatch.setattr("accesscontrol.configuration.plans.history.record", broken)
    with pytest.raises(RuntimeError):
        world.apply(world.acme, document, revision)
    monkeypatch.undo()
    assert len(world.document(world.acme)["groups"]) == 2
