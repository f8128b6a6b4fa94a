"""Decisions: why somebody may or may not do something, and what would have to change."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from accesscontrol.actions import assignments, tenant_roles
from accesscontrol.actions.assignments import Wanted
from accesscontrol.actions.tenant_roles import Definition
from applications.actions import contracts, manifests, pauses
from applications.manifest import parse
from applications.models import Resource
from iam_portal.walls import tenant_scope
from tenants.actions import groups, users
from tenants.models import Tenant, User, since
from tests.accesscontrol.oauth.asking import METER, READER, Asker, asker, codes, question
from tests.accesscontrol.oauth.conftest import World
from tests.accesscontrol.oauth.signed_in import give, person
from tests.support.factories import SYSTEM, make_group, make_partners

CHAIN = ["provision_granted", "role_assigned", "permission_contained"]


def assign(world: World, tenant: Tenant, role: str, application_id: str | None = METER, **more: Any) -> None:
    wanted = Wanted(role=role, application_id=application_id, **more)
    assignments.assign(tenant=tenant, wanted=wanted, by=SYSTEM, at=world.clock.at)


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


class TestAccess:
    """Globex lets the neighbour's people and services work on its data in the meter."""

    @pytest.fixture
    def there(self, shared: World, desk: Asker) -> Asker:
        make_partners(shared.acme, shared.neighbour, at=shared.clock.start)
        make_partners(shared.globex, shared.neighbour, at=shared.clock.start)
        return asker(shared, shared.neighbour)

    def let_in(self, shared: World) -> Any:
        first = shared.globex.contracts_received.get()
        contracts.end(tenant=shared.acme, contract_id=first.id, by=SYSTEM, at=shared.clock.forward(seconds=1))
        at = shared.clock.forward(seconds=1)
        roles = [(METER, "viewer"), (METER, "editor")]
        shared.share(shared.acme, shared.globex, *roles, at=at, onward_access=True)
        return shared.share(shared.globex, shared.neighbour, (METER, "viewer"), type="access", at=at)

    @pytest.mark.parametrize("kind", ["user", "service"])
    def test_on_its_data(self, shared: World, desk: Asker, there: Asker, kind: str) -> None:
        jane = person(shared, tenant=shared.neighbour)
        who = {"userId": jane.id} if kind == "user" else {"applicationId": "neighbour.reader"}
        data = {"owningTenantId": str(shared.globex.id)}
        told = there.decide(who, **data)
        assert (codes(told["reasons"]), codes(told["wouldNeed"])) == (["no_contract"], ["contract_accepted"])
        contract = self.let_in(shared)
        told = there.decide(who, **data)
        [need] = told["wouldNeed"]
        assert (need["code"], need["contractId"]) == ("role_assigned", str(contract.id))
        principal = (
            {"user_id": jane.id} if kind == "user" else {"principal_application_id": "neighbour.reader"}
        )
        assign(shared, shared.neighbour, "viewer", contract_id=contract.id, **principal)
        told = there.decide(who, **data)
        assert told["allowed"] is True
        assert codes(told["reasons"])[0] == "access_granted"
        assert codes(told["reasons"])[-2:] == ["role_assigned", "permission_contained"]
        assert there.decide(who)["allowed"] is False  # on its own data that role is none
        pauses.pause(tenant=shared.globex, contract_id=contract.id, by=SYSTEM, at=shared.clock.at)
        told = there.decide(who, **data)
        assert (told["allowed"], codes(told["wouldNeed"])) == (False, ["contract_resumed"])
        assert told["wouldNeed"][0]["contractId"] == str(contract.id)

    def test_who_gave_it_at_home_is_not_told(self, shared: World, desk: Asker, there: Asker) -> None:
        contract = self.let_in(shared)
        assign(
            shared,
            shared.neighbour,
            "viewer",
            contract_id=contract.id,
            principal_application_id="neighbour.reader",
        )
        # Globex has the reader, too, and so may ask about it.
        shared.share(shared.neighbour, shared.globex, ("neighbour.reader", "viewer"), at=shared.clock.at)
        told = desk.decide({"applicationId": "neighbour.reader"})
        assert told["allowed"] is True
        assert "by tests" not in str(told["reasons"])

    def test_of_anothers_data_nothing_is_told_to_strangers(
        self, shared: World, desk: Asker, there: Asker
    ) -> None:
        """Neither whether the tenant exists, nor whether it has such a resource."""
        jane = person(shared)
        application = Resource.objects.get(application_id=METER).application
        with tenant_scope(shared.acme.id):
            Resource.objects.create(
                application=application,
                type="urn:test",
                key="secret-press",
                name="Press",
                privileges=["read"],
                owner_tenant=shared.acme,
                during=since(shared.clock.start),
            )
        answers = [
            desk.decide({"userId": jane.id}, owningTenantId=str(tenant_id), resourceId=key)
            for tenant_id in (shared.acme.id, shared.neighbour.id, uuid4())
            for key in ("secret-press", "none")
        ]
        assert all(answer == answers[0] for answer in answers)
        assert codes(answers[0]["reasons"]) == ["resource_unknown"]


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
        Resource.objects.create(
            application=Resource.objects.filter(application_id=METER).first().application,
            type="urn:test",
            key=key,
            name="Press",
            privileges=["read", "modify", "delete"],
            owner_tenant=shared.globex,
            parent=parent,
            during=since(shared.clock.start),
        )


class TestOutsiders:
    """Whoever is not this tenant's is like one that does not exist."""

    def test_principals(self, shared: World, desk: Asker) -> None:
        at = shared.clock.at
        other = person(shared, tenant=shared.neighbour)
        group = make_group(shared.neighbour, at=at)
        answers = {
            (reply.status_code, reply.content)
            for who in (
                {"userId": other.id},
                {"groupId": group.id},
                {"applicationId": "neighbour.reader"},
                {"userId": uuid4()},
                {"applicationId": "no.such"},
            )
            for reply in [desk.post("decisions", question(who))]
        }
        assert [status for status, _ in answers] == [404]

    def test_applications(self, shared: World, desk: Asker, jane: User) -> None:
        """The neighbour's meter and an unknown one: the same words but for the name that was asked."""
        told = {
            str(desk.decide({"userId": jane.id}, applicationId=name)).replace(name, "…")
            for name in ("neighbour.meter", "neighbour.nothing")
        }
        assert len(told) == 1
        assert "Meter" not in told.pop()

    def test_doors(self, shared: World, desk: Asker, jane: User) -> None:
        asked = question({"userId": jane.id})
        for tenant in (shared.acme, shared.neighbour, uuid4()):
            assert desk.post("decisions", asked, tenant).status_code == 404
        shared.application(shared.globex, "meek")
        shared.assign(shared.globex, "globex.meek", "iam-portal", "module-manager")
        token = shared.token("globex.meek", shared.globex, "aud:iam-portal").json()["access_token"]
        meek = Asker(shared, shared.globex, {"Authorization": f"Bearer {token}"})
        assert meek.post("decisions", asked).status_code == 403


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
