"""Decisions: why somebody may or may not do something, and what would have to change."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from accesscontrol.actions import tenant_roles
from accesscontrol.actions.tenant_roles import Definition
from accesscontrol.gate import PortalGate
from applications.actions import contracts, manifests, pauses
from applications.manifest import parse
from applications.models import Resource
from iam_portal.gate import Permission
from iam_portal.walls import tenant_scope
from tenants.actions import groups, users
from tenants.models import User, since
from tests.accesscontrol.oauth.asking import METER, READER, Asker, asker, assign, codes, question
from tests.accesscontrol.oauth.conftest import World
from tests.accesscontrol.oauth.signed_in import give, person
from tests.support.factories import SYSTEM, acting, make_group, make_partners, make_resource

CHAIN = ["provision_granted", "role_assigned", "permission_contained"]


@pytest.fixture
def desk(shared: World, settings: Any) -> Asker:
    settings.ROOT_URLCONF = "iam_portal.urls"
    return asker(shared, shared.globex)


@pytest.fixture
def jane(shared: World) -> User:
    return person(shared)


def test_a_yes_names_every_link(shared: World, desk: Asker, jane: User) -> None:
    give(shared, jane)
    told = desk.decide({"userId": jane.id})
    assert (told["allowed"], codes(told["reasons"]), told["wouldNeed"]) == (True, CHAIN, [])
    assert told["at"] == shared.clock.at.isoformat().replace("+00:00", "Z")
    contract, assigned, contained = told["reasons"]
    assert contract["contractId"] == str(shared.globex.contracts_received.get().id)
    assert assigned["text"] == "The role viewer was assigned by tests."
    assert contained["text"] == "The role viewer contains read on machines."
    told = desk.decide({"userId": jane.id}, privilege="modify")
    assert (told["allowed"], codes(told["reasons"])) == (False, ["permission_lacking"])
    [need] = told["wouldNeed"]
    assert (need["code"], need["roles"], need["applicationId"]) == ("role_assigned", ["editor"], METER)


def test_what_would_be_needed_is_enough(shared: World, desk: Asker, jane: User) -> None:
    """From nothing to a yes by what is listed, in its order, and by nothing else."""
    contract = shared.globex.contracts_received.get()
    pauses.pause(tenant=shared.acme, contract_id=contract.id, by=SYSTEM, at=shared.clock.at)
    with tenant_scope(shared.globex.id):
        users.deactivate(tenant=shared.globex, user_id=jane.id, by=SYSTEM, at=shared.clock.at)
    told = desk.decide({"userId": jane.id})
    assert codes(told["reasons"]) == ["principal_inactive", "contract_paused", "no_role_held"]
    wanted = ["principal_active", "contract_resumed", "role_assigned"]
    assert codes(told["wouldNeed"]) == wanted
    assert told["wouldNeed"][1]["contractId"] == str(contract.id)
    at = shared.clock.forward(seconds=1)
    with tenant_scope(shared.globex.id):
        users.reactivate(tenant=shared.globex, user_id=jane.id, by=SYSTEM, at=at)
    assert codes(desk.decide({"userId": jane.id})["wouldNeed"]) == wanted[1:]
    pauses.resume(tenant=shared.acme, contract_id=contract.id, by=SYSTEM, at=at)
    told = desk.decide({"userId": jane.id})
    assert codes(told["wouldNeed"]) == wanted[2:]
    give(shared, jane, told["wouldNeed"][0]["roles"][0])
    assert desk.decide({"userId": jane.id})["allowed"] is True


def test_at_another_moment(shared: World, desk: Asker, jane: User) -> None:
    given = shared.clock.at
    give(shared, jane)
    at = shared.clock.forward(minutes=2)
    contract = shared.globex.contracts_received.get()
    contracts.end(tenant=shared.acme, contract_id=contract.id, by=SYSTEM, at=at)
    told = desk.decide({"userId": jane.id})
    assert (told["allowed"], codes(told["wouldNeed"])) == (False, ["contract_accepted"])
    assert codes(told["reasons"])[0] == "contract_ended"
    assert desk.decide({"userId": jane.id}, at=given.isoformat())["allowed"] is True


def test_at_the_portal_as_its_gate_decides(shared: World, desk: Asker, jane: User) -> None:
    portal = {"applicationId": "iam-portal", "resourceType": "urn:iam:portal"}
    for resource, privilege, allowed in (("OwnAccount", "modify", True), ("Users", "read", False)):
        actor = acting(jane)
        permission = Permission.parse(f"{resource}:{privilege}")
        gate = PortalGate().decide(
            actor=actor, tenant_id=shared.globex.id, permission=permission, at=shared.clock.at
        )
        told = desk.decide({"userId": jane.id}, **portal, resourceId=resource, privilege=privilege)
        assert told["allowed"] is bool(gate) is allowed
    assert told["wouldNeed"][0]["roles"] == ["access-manager", "user-reader"]
    told = desk.decide({"applicationId": "globex.desk"}, **portal, resourceId="Users")
    assert codes(told["reasons"]) == ["builtin", "role_assigned", "permission_contained"]


class TestGroups:
    """Roles flow down, and are asked for a group as for a person in it."""

    def test_through_the_group_above(self, shared: World, desk: Asker, jane: User) -> None:
        at = shared.clock.at
        top = make_group(shared.globex, "Works", at=at)
        team = make_group(shared.globex, "Night", parent=top, members=(jane,), at=at)
        assign(shared, shared.globex, "viewer", group_id=top.id)
        assert desk.decide({"groupId": top.id})["reasons"][1]["text"].endswith("assigned by tests.")
        for who in ({"groupId": team.id}, {"userId": jane.id}):
            told = desk.decide(who)
            assert told["allowed"] is True
            assert told["reasons"][1]["text"].endswith("by tests through the group Works.")
        at = shared.clock.forward(seconds=1)
        with tenant_scope(shared.globex.id):
            groups.move(tenant=shared.globex, group_id=team.id, parent_id=None, by=SYSTEM, at=at)
        for who in ({"groupId": team.id}, {"userId": jane.id}):
            assert desk.decide(who)["allowed"] is False
        assert desk.decide({"groupId": top.id})["allowed"] is True


class TestServices:
    """As the token endpoint decides."""

    def test_here(self, shared: World, desk: Asker) -> None:
        who = {"applicationId": READER}
        told = desk.decide(who)
        assert (told["allowed"], codes(told["reasons"])) == (True, CHAIN)
        assert codes(desk.decide(who, privilege="modify")["wouldNeed"]) == ["role_assigned"]
        assert codes(desk.decide({"applicationId": METER})["reasons"]) == ["self_audience"]
        assert desk.decide({"applicationId": METER})["wouldNeed"] == []

    def test_of_another_tenant(self, shared: World, desk: Asker) -> None:
        """The neighbour's tool is nobody here, until Globex has it by contract."""
        make_partners(shared.neighbour, shared.globex, at=shared.clock.start)
        shared.application(shared.neighbour, "tool")
        who = {"applicationId": "neighbour.tool"}
        assert desk.post("decisions", question(who)).status_code == 404
        shared.share(shared.neighbour, shared.globex, ("neighbour.tool", "viewer"))
        told = desk.decide(who)
        assert (codes(told["reasons"])[0], codes(told["wouldNeed"])) == ("no_role_held", ["role_assigned"])
        shared.assign(shared.globex, "neighbour.tool", METER)
        assert desk.decide(who)["allowed"] is True


class TestResources:
    """Parents, a tenant's own resources, roles of the tenant's own making."""

    def test_a_permission_on_what_contains_it_covers(self, shared: World, desk: Asker, jane: User) -> None:
        give(shared, jane)
        plant = Resource.objects.get(application_id=METER, key="machines")
        with tenant_scope(shared.globex.id):
            self.own(shared, plant, "press-4")
        told = desk.decide({"userId": jane.id}, resourceId="press-4")
        assert told["allowed"] is True
        assert (
            told["reasons"][-1]["text"] == "The role viewer contains read on machines, which contains Press."
        )
        told = desk.decide({"userId": jane.id}, resourceId="press-5")
        assert (codes(told["reasons"]), codes(told["wouldNeed"])) == (
            ["resource_unknown"],
            ["resource_declared"],
        )

    def test_a_role_of_the_tenants_making(self, shared: World, desk: Asker, jane: User) -> None:
        with tenant_scope(shared.globex.id):
            self.own(shared, None, "press-4")
        asked = [(METER, "urn:test", "machines", "modify"), (METER, "urn:test", "press-4", "delete")]
        definition = Definition(key="night", name="Night", description="", permissions=asked)
        at = shared.clock.at
        tenant_roles.define(tenant=shared.globex, definition=definition, by=SYSTEM, at=at)
        assign(shared, shared.globex, "night", application_id=None, user_id=jane.id)
        for resource, privilege, allowed in (
            ("machines", "modify", True),
            ("machines", "read", False),
            ("press-4", "delete", True),
            ("press-4", "modify", False),
        ):
            told = desk.decide({"userId": jane.id}, resourceId=resource, privilege=privilege)
            assert told["allowed"] is allowed, (resource, privilege)
        told = desk.decide({"userId": jane.id}, privilege="modify")
        assert codes(told["reasons"]) == CHAIN

    def test_nobody_declared_it(self, shared: World, desk: Asker, jane: User) -> None:
        told = desk.decide({"userId": jane.id}, privilege="execute")
        assert codes(told["wouldNeed"]) == ["permission_declared"]

    def test_no_contract_covers_the_role(self, shared: World, desk: Asker, jane: User) -> None:
        roles = [
            {
                "key": key,
                "permissions": [
                    {"resourceType": "urn:test", "resourceId": "machines", "privileges": [privilege]}
                ],
            }
            for key, privilege in (("viewer", "read"), ("editor", "modify"), ("cleaner", "delete"))
        ]
        resources = [{"type": "urn:test", "id": "machines", "privileges": ["read", "modify", "delete"]}]
        application = Resource.objects.get(application_id=METER).application
        manifest = parse({"resources": resources, "roles": roles})
        manifests.declare(application=application, manifest=manifest, by=SYSTEM, at=shared.clock.at)
        told = desk.decide({"userId": jane.id}, privilege="delete")
        assert codes(told["wouldNeed"]) == ["role_shared", "role_assigned"]
        assert [need["roles"] for need in told["wouldNeed"]] == [["cleaner"], ["cleaner"]]

    def own(self, shared: World, parent: Resource | None, key: str) -> None:
        privileges, during = ("read", "modify", "delete"), since(shared.clock.start)
        given = {"privileges": privileges, "owner": shared.globex, "parent": parent, "during": during}
        make_resource(METER, key, name="Press", **given)


@pytest.mark.parametrize(
    "wrong",
    [
        {"principal": {}},
        {"principal": {"userId": str(UUID(int=1)), "applicationId": "x"}},
        {"principal": {"userId": "x"}},
        {"principal": "x"},
        {"privilege": "own"},
        {"resourceId": "\x00"},
        {"resourceId": None},
        {"applicationId": "x" * 65},
        {"owningTenantId": "acme"},
        {"at": "yesterday"},
        {"at": "9999-12-31T23:59:59-14:00"},
        {"at": "0001-01-01T00:00:00+14:00"},
        {"more": 1},
    ],
)
def test_malformed(shared: World, desk: Asker, wrong: dict[str, Any]) -> None:
    reply = desk.post("decisions", {**question({"userId": uuid4()}), **wrong})
    assert reply.status_code == 400, reply.content
    assert reply["Content-Type"] == "application/problem+json"
