"""A tenant's configuration as a document: what is exported can be applied, and what is applied is so."""

from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accesscontrol.configuration import yaml_text
from accesscontrol.models import Assignment
from applications.models import Application, Contract
from iam_portal.decision import rfc3339
from iam_portal.walls import tenant_scope
from tests.support import factories
from tests.support.configuring import PORTAL, YAML, World, accept_all, address, codes, send, steps


def test_the_export_of_a_rich_tenant_makes_an_empty_one_the_same(world: World) -> None:
    document = world.document(world.acme)
    assert document.keys() == {"version", "applications", "contracts", "groups", "roles", "assignments"}

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
    plan = world.plan(world.acme, document).json()
    assert steps(plan) == [
        "add groups Day shift",
        "add groups Plant: lee",
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


def test_every_objection_is_collected(world: World) -> None:
    permission = {"resourceType": "urn:fleet:tour", "resourceId": "tours", "privileges": ["read"]}
    document = {
        "version": 1,
        "applications": [],
        "groups": [{"name": "Plant", "members": ["nobody"]}, {"name": "New"}],
        "roles": [
            {
                "key": "x",
                "name": "X",
                "permissions": [{"applicationId": "neighbour.fleet-planner", **permission}],
            }
        ],
        "contracts": [
            {"consumer": "neighbour", "type": "provision", "roles": [{"applicationId": "~.a", "role": "b"}]},
            {"consumer": "nowhere", "type": "provision", "roles": [{"applicationId": "~.a", "role": "b"}]},
        ],
        "assignments": [
            {"principal": {"user": "nobody"}, "role": {"key": "x"}},
            {"principal": {"group": "Night shift"}, "role": {"key": "x"}},
            {"principal": {"group": "New"}, "role": {"key": "unknown"}},
            {"principal": {"group": "New"}, "role": {"applicationId": "~.nothing", "key": "reader"}},
            {
                "principal": {"user": "kim"},
                "role": {"applicationId": PORTAL, "key": "user"},
                "provider": "beta",
            },
            {"principal": {"user": "kim"}, "role": {"key": "x"}},
            *world.document(world.twin)["assignments"],
        ],
    }
    plan = world.plan(world.twin, document)
    assert codes(plan) >= {
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
    # It rests on the role that was refused: one objection is enough.
    assert not [pointer for pointer, _ in codes(plan) if pointer == "/assignments/5"]
    told = {one["pointer"]: one["detail"] for one in plan.json()["objections"]}
    assert told["/contracts/0/consumer"].replace("neighbour", "") == told["/contracts/1/consumer"].replace(
        "nowhere", ""
    )
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


# --- trees, spans, manifests ----------------------------------------------------------------------------


def test_a_tree_is_turned_around(world: World) -> None:
    chain = [
        {"name": "Plant", "parent": "Night shift", "members": ["kim"]},
        {"name": "NIGHT SHIFT", "parent": "Top", "members": ["kim", "lee"]},
        {"name": "Top"},
    ]
    done = world.carry(world.acme, {"version": 1, "groups": chain})
    assert steps(done) == [
        "add groups Top",
        "change groups NIGHT SHIFT",
        "change groups NIGHT SHIFT",
        "change groups Plant",
    ]
    assert world.document(world.acme)["groups"] == [
        {"name": "NIGHT SHIFT", "parent": "Top", "members": ["kim", "lee"]},
        {"name": "Plant", "parent": "NIGHT SHIFT", "members": ["kim"]},
        {"name": "Top"},
    ]


def test_spans_become_others(world: World) -> None:
    document = world.document(world.acme)
    reader = {"applicationId": "~.fleet-planner", "key": "reader"}
    [one] = [
        one
        for one in document["assignments"]
        if one["role"] == reader and one["principal"] == {"user": "kim"}
    ]
    one["until"] = rfc3339(world.spring - timedelta(days=1))
    document["assignments"].append({**deepcopy(one), "from": rfc3339(world.spring)} | {"until": None})
    done = world.carry(world.acme, document)
    assert [step["verb"] for step in done["steps"]] == ["change", "add"]
    assert done["steps"][0]["diff"] == [
        f"~ until: {rfc3339(world.spring)} → {rfc3339(world.spring - timedelta(days=1))}"
    ]
    # What has begun has begun, and what is over is wanted no more: the document can be applied for years.
    one["from"] = "2020-01-01T00:00:00Z"
    document["assignments"].append({**deepcopy(one), "from": None, "until": "2020-01-01T00:00:00Z"})
    assert world.plan(world.acme, document).json()["steps"] == []


def test_the_last_administrator_may_become_another_one(world: World) -> None:
    document = world.document(world.twin)
    moved = ("access-manager", "access-configuration-manager")
    for one in document["assignments"]:
        if one["principal"] == {"user": "jane"} and one["role"]["key"] in moved:
            one["principal"] = {"user": "kim"}
    world.carry(world.twin, document)
    nobody = [
        one
        for one in document["assignments"]
        if (one["principal"], one["role"]["key"]) != ({"user": "kim"}, "access-manager")
    ]
    refused = world.plan(world.twin, {"version": 1, "assignments": nobody}, world.people["twin"]["kim"])
    assert codes(refused) == {("/assignments", "last_administrator")}


def test_a_manifest_is_declared_and_one_that_is_left_out_stays(world: World) -> None:
    document = world.document(world.acme)
    [planner, robot] = document["applications"]
    assert planner["manifest"]["roles"][0]["key"] == "planner"
    robot["displayName"], robot["homeUrl"] = "Robot 2", "https://robot.example/"
    planner["manifest"]["roles"].append({"key": "third", "name": "Third"})
    planner["manifest"]["requiredRoles"] = [{"applicationId": "~.robot", "role": "any"}]
    done = world.carry(world.acme, {"version": 1, "applications": document["applications"]})
    assert steps(done) == [
        "change applications ~.fleet-planner manifest",
        "change applications ~.robot",
    ]
    assert done["steps"][1]["diff"] == ["~ displayName: Robot → Robot 2", "+ homeUrl: https://robot.example/"]
    assert world.document(world.acme)["applications"] == document["applications"]
    del planner["manifest"]
    assert world.plan(world.acme, {"version": 1, "applications": [planner, robot]}).json()["steps"] == []


# --- contracts, and what cannot be taken back --------------------------------------------------------------


def test_an_agreed_contract_is_amended_and_an_open_one_offered_anew(world: World) -> None:
    document = world.document(world.acme)
    [provision] = Contract.objects.filter(provider=world.acme.tenant, type="provision")
    for one in document["contracts"]:
        one["roles"] = one["roles"][:1]
    document["contracts"][0]["note"] = "Another"
    done = world.carry(world.acme, {"version": 1, "contracts": document["contracts"]})
    assert [step["verb"] for step in done["steps"]] == ["change", "change"]
    assert world.document(world.acme)["contracts"] == document["contracts"]
    states = dict(
        Contract.objects.filter(provider=world.acme.tenant, type="access").values_list("note", "state")
    )
    assert states == {"For the depots": "withdrawn", "Another": "proposed"}
    # A wider one waits for the other side. Asked for is asked for: applied again, nothing is to be done.
    for one in document["contracts"]:
        one["roles"] = [{"applicationId": "~.fleet-planner", "role": key} for key in ("planner", "reader")]
    document["contracts"][1]["endsAt"] = None
    world.carry(world.acme, {"version": 1, "contracts": document["contracts"]})
    assert provision.amendments.filter(state="proposed").count() == 1
    assert world.plan(world.acme, document).json()["steps"] == []
    document["contracts"][1]["onwardAccess"] = True
    assert codes(world.plan(world.acme, document)) == {("/contracts/1/onwardAccess", "contract_agreed")}


def test_what_cannot_be_taken_back_is_to_be_allowed(world: World) -> None:
    document = {"version": 1, "contracts": [], "applications": []}
    plan = world.plan(world.acme, document)
    assert codes(plan) == {("/contracts", "prune_required"), ("/applications", "prune_required")}
    assert [step["final"] for step in plan.json()["steps"]] == [True] * 4
    assert plan.json()["impact"]["users"]["count"] > 0
    assert world.apply(world.acme, document, plan.json()["revision"]).status_code == 409
    assert Application.objects.at(timezone.now()).filter(owner=world.acme.tenant).count() == 2
    refused = world.plan(world.acme, document, query="?prune=everything")
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid")

    world.carry(world.acme, document, query="?prune=contracts,applications")

    assert world.document(world.acme)["applications"] == []
    assert not Application.objects.at(timezone.now()).filter(owner=world.acme.tenant).exists()
    states = Contract.objects.filter(provider=world.acme.tenant).values_list("type", "state")
    assert set(states) == {("provision", "accepted"), ("access", "withdrawn")}


def test_roles_through_an_access_contract_go_by_their_provider(world: World) -> None:
    accept_all(world, world.acme)
    role = {"applicationId": "acme.fleet-planner", "key": "reader"}
    jane = [one for one in world.document(world.beta)["assignments"] if one["principal"] == {"user": "jane"}]
    wanted = {"principal": {"application": "~.fleet-planner"}, "role": role, "provider": "acme"}
    document = {"version": 1, "assignments": [*jane, wanted]}
    world.carry(world.beta, document)
    with tenant_scope(world.beta.tenant.id):
        [row] = Assignment.objects.exclude(contract=None).filter(tenant=world.beta.tenant)
    assert (row.contract.type, row.contract.provider) == ("access", world.acme.tenant)
    assert wanted in world.document(world.beta)["assignments"]
    by_id = {**wanted, "provider": str(world.acme.tenant.id), "contractId": str(row.contract_id)}
    assert world.plan(world.beta, {"version": 1, "assignments": [*jane, by_id]}).json()["steps"] == []


# --- size, and what is sent -------------------------------------------------------------------------------


def test_statements_do_not_grow_with_the_tenant(world: World) -> None:
    def counted(document: Any) -> list[int]:
        found = []
        for path in (address(world.acme.tenant), f"{address(world.acme.tenant)}:plan"):
            with CaptureQueriesContext(
                connection,
            ) as asked:
                reply = (
                    send(world.acme.client, path, document)
                    if path.endswith("plan")
                    else world.export(world.acme)
                )
            assert reply.status_code == 200
            found.append(len(asked))
        return found

    before = counted(world.document(world.acme))
    groups = [{"name": f"Group {n}", "parent": f"Group {n // 2}" if n else None} for n in range(12)]
    roles = [{"key": f"role-{n}", "name": f"Role {n}"} for n in range(12)]
    document = world.document(world.acme)
    world.carry(
        world.acme,
        {"version": 1, "groups": [*document["groups"], *groups], "roles": [*document["roles"], *roles]},
    )
    assert counted(world.document(world.acme)) == before


def test_too_many_steps_at_once_are_refused(world: World) -> None:
    roles = [{"key": f"role-{n}", "name": f"Role {n}"} for n in range(501)]
    refused = world.plan(world.twin, {"version": 1, "roles": roles})
    assert (refused.status_code, refused.json()["code"]) == (400, "too_many_steps")


@pytest.mark.parametrize(
    ("document", "pointer", "code"),
    [
        ({}, "/version", "required"),
        ({"version": 2}, "/version", "invalid_choice"),
        ({"version": 1, "group": []}, "/group", "unknown"),
        ({"version": 1, "groups": None}, "/groups", "null"),
        ({"version": 1, "groups": [{"name": "A", "member": []}]}, "/groups/0/member", "unknown"),
        ({"version": 1, "groups": [{"name": "A"}, {"name": "a"}]}, "/groups/1", "named_twice"),
        ({"version": 1, "groups": [{"name": "A", "parent": "B"}]}, "/groups/0/parent", "unknown_group"),
        ({"version": 1, "groups": [{"name": "A", "parent": "a"}]}, "/groups/0/parent", "group_loop"),
        (
            {"version": 1, "groups": [{"name": "A", "members": ["b", "B"]}]},
            "/groups/0/members",
            "named_twice",
        ),
        (
            {"version": 1, "assignments": [{"principal": {}, "role": {"key": "x"}}]},
            "/assignments/0/principal",
            "invalid",
        ),
        (
            {
                "version": 1,
                "assignments": [{"principal": {"user": "x"}, "role": {"key": "x"}, "provider": "b"}],
            },
            "/assignments/0/provider",
            "no_contract",
        ),
        ("version: 1\nversion: 1", "", "yaml_invalid"),
        ("a: &a [b]\nc: *a", "", "yaml_invalid"),
        ("groups:\n", "/version", "required"),
        ("[]", "", "invalid"),
        ("", "/version", "required"),
        ("null", "", "null"),
    ],
)
def test_a_document_that_is_none_is_refused_with_its_place(
    world: World, document: Any, pointer: str, code: str
) -> None:
    for act in ("plan", "apply"):
        reply = send(world.acme.client, f"{address(world.acme.tenant)}:{act}", document)
        body = reply.json()
        assert reply.status_code == 400, body
        found = {(one["pointer"], one["code"]) for one in body.get("errors", [])} | {("", body["code"])}
        assert (pointer, code) in found, body


def test_json_with_a_name_given_twice_is_refused(world: World) -> None:
    path = f"{address(world.acme.tenant)}:plan"
    twice = '{"version": 1, "groups": [], "groups": [{"name": "A"}]}'
    reply = send(world.acme.client, path, twice, "application/json")
    assert (reply.status_code, reply.json()["code"]) == (400, "json_invalid")
    assert send(world.acme.client, path, "x", "text/plain").status_code == 415
