"""What a document changes: trees, spans, manifests, contracts. Its size, and what is no document."""

from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accesscontrol.models import Assignment
from applications.models import Application, Contract
from iam_portal import bodies
from iam_portal.decision import rfc3339
from iam_portal.walls import tenant_scope
from tests.support.configuring import YAML, World, accept_all, address, codes, send, steps


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


@pytest.mark.parametrize("kind", ["application/json", YAML])
def test_a_body_without_end_is_not_read_to_it(
    world: World, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "LARGEST", 60)
    for act in ("plan", "apply"):
        path = f"{address(world.acme.tenant)}:{act}"
        text = '{"version": 1, "groups": []}'
        assert send(world.acme.client, path, text, kind).status_code in (200, 428)
        reply = send(world.acme.client, path, text + " " * 60, kind)
        assert (reply.status_code, reply.json()["code"]) == (413, "too_large")
