"""Decisions across organizations: on the data of others, and what outsiders learn."""

from typing import Any
from uuid import uuid4

import pytest

from applications.actions import contracts, pauses
from iam_portal.walls import tenant_scope
from tenants.models import User, since
from tests.accesscontrol.oauth.asking import METER, Asker, asker, assign, codes, question
from tests.accesscontrol.oauth.conftest import World
from tests.accesscontrol.oauth.signed_in import person
from tests.support.factories import SYSTEM, make_group, make_partners, make_resource


@pytest.fixture
def desk(shared: World, settings: Any) -> Asker:
    settings.ROOT_URLCONF = "iam_portal.urls"
    return asker(shared, shared.globex)


@pytest.fixture
def jane(shared: World) -> User:
    return person(shared)


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
        with tenant_scope(shared.acme.id):
            make_resource(METER, "secret-press", owner=shared.acme, during=since(shared.clock.start))
        answers = [
            desk.decide({"userId": jane.id}, owningTenantId=str(tenant_id), resourceId=key)
            for tenant_id in (shared.acme.id, shared.neighbour.id, uuid4())
            for key in ("secret-press", "none")
        ]
        assert all(answer == answers[0] for answer in answers)
        assert codes(answers[0]["reasons"]) == ["resource_unknown"]


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
