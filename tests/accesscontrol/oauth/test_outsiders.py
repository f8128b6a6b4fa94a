"""What an outsider can learn (nothing), and who is told why."""

from typing import Any
from uuid import uuid4

import pytest

from applications.actions import applications, contracts, pauses
from applications.models import Contract
from tests.accesscontrol.oauth.conftest import World, said
from tests.support.factories import SYSTEM, make_partners

READER, METER = "globex.reader", "acme.meter"
BARE = {"error": "invalid_scope", "error_description": "KC-5: No client match found. Invalid scopes: [aud:x]"}


class TestOutsider:
    """Without a part in the tenant, every question has one answer."""

    def answers(
        self, world: World, caller: str, scopes: tuple[str, ...], tenants: tuple[Any, ...]
    ) -> set[bytes]:
        return {
            world.token(caller, tenant, scope).content.replace(scope.encode(), b"S")
            for scope in scopes
            for tenant in tenants
        }

    def test_alike_to_the_byte(self, shared: World) -> None:
        """Unknown or malformed tenant; unknown, foreign or shared application."""
        world = shared
        world.application(world.acme, "secret-project")
        tenants = (world.globex, world.acme, str(uuid4()), "no-id", "nul%00")
        scopes = ("aud:x", "aud:acme.secret-project", f"aud:{METER}", f"aud:{READER}")
        found = self.answers(world, "neighbour.reader", scopes, tenants)
        assert found == {
            BARE["error_description"]
            .join(['{"error": "invalid_scope", "error_description": "', '"}'])
            .replace("aud:x", "S")
            .encode()
        }

    def test_without_target(self, shared: World) -> None:
        found = {shared.token("neighbour.reader", one, "").content for one in (shared.globex, str(uuid4()))}
        assert len(found) == 1
        assert b"reason" not in found.pop()

    def test_assignment_of_another_caller_tells_nothing(self, shared: World) -> None:
        """That the tenant's own reader may call the meter is no business of the neighbour's reader."""
        body = said(shared.token("neighbour.reader", shared.globex, f"aud:{METER}"))
        assert set(body) == {"error", "error_description"}

    def test_neighbours_part_elsewhere_does_not_count(self, shared: World) -> None:
        """An access contract of Acme with Globex opens Acme to Globex, not Globex to anybody."""
        world = shared
        make_partners(world.acme, world.neighbour, at=world.clock.at)
        world.share(world.acme, world.neighbour, (METER, "viewer"), type="access", at=world.clock.at)
        at_acme = said(world.token("neighbour.reader", world.acme, f"aud:{METER}"))
        at_globex = said(world.token("neighbour.reader", world.globex, f"aud:{METER}"))
        assert at_acme == at_globex  # a part, but no assignment: told nothing either


class TestDisclosure:
    """A part in the tenant alone does not open the reasons."""

    @pytest.fixture
    def caller(self, shared: World) -> str:
        """The neighbour's tool runs in Globex by provision."""
        world = shared
        make_partners(world.neighbour, world.globex, at=world.clock.start)
        world.application(world.neighbour, "tool")
        world.share(world.neighbour, world.globex, ("neighbour.tool", "viewer"))
        return "neighbour.tool"

    def test_part_without_assignment_is_bare(self, shared: World, caller: str) -> None:
        for scope in ("aud:x", f"aud:{METER}"):
            body = said(shared.token(caller, shared.globex, scope))
            assert set(body) == {"error", "error_description"}
            assert body["error_description"].startswith("KC-5:")

    def test_assignment_opens_them(self, shared: World, caller: str) -> None:
        world = shared
        row = world.assign(world.globex, caller, METER)
        assert world.token(caller, world.globex, f"aud:{METER}").status_code == 200
        pauses.pause(tenant=world.acme, contract_id=self.meter(world).id, by=SYSTEM, at=world.clock.at)
        assert (
            said(world.token(caller, world.globex, f"aud:{METER}"))["reasons"][0]["code"] == "contract_paused"
        )
        world.clock.forward(seconds=5)
        world.withdraw(row)
        told = said(world.token(caller, world.globex, f"aud:{METER}"))
        assert told["reason"] == "application_not_available"  # it *had* an assignment

    def test_one_that_may_not_be_told_closes_all(self, shared: World, caller: str) -> None:
        world = shared
        world.assign(world.globex, caller, METER)
        pauses.pause(tenant=world.acme, contract_id=self.meter(world).id, by=SYSTEM, at=world.clock.at)
        body = said(world.token(caller, world.globex, f"aud:{METER} aud:x"))
        assert set(body) == {"error", "error_description"}

    def test_owner_of_both_is_told(self, shared: World, caller: str) -> None:
        """The neighbour owns caller and target: it knows its own applications."""
        body = said(shared.token(caller, shared.globex, "aud:neighbour.meter"))
        assert body["reason"] == "application_not_available"
        assert body["reasons"][0]["code"] == "no_contract"

    def test_caller_that_lost_its_part(self, shared: World, caller: str) -> None:
        world = shared
        world.assign(world.globex, caller, METER)
        own = world.neighbour.contracts_provided.get()
        contracts.end(tenant=world.globex, contract_id=own.id, by=SYSTEM, at=world.clock.forward(seconds=1))
        body = said(world.token(caller, world.globex, f"aud:{METER}"))
        assert body["reason"] == "caller_not_available"

    def meter(self, world: World) -> Contract:
        return world.globex.contracts_received.get(provider=world.acme)

    def test_made_up_scope_tells_nothing_of_strangers(self, shared: World) -> None:
        """In one's own tenant, a stranger's application is like an unknown one, suspended or not."""
        world = shared
        texts = set()
        for act in (lambda: None, self.suspend(world)):
            act()
            for name in ("neighbour.meter", "neighbour.nothing"):
                raw = world.token(READER, world.globex, f"aud:{name}").content.decode()
                texts.add(raw.replace(name, "NAME"))
        assert len(texts) == 1

    def suspend(self, world: World) -> Any:
        return lambda: applications.suspend(
            tenant=world.neighbour, application_id="neighbour.meter", reason="", by=SYSTEM, at=world.clock.at
        )
