"""KC-5 to the letter, who is told why, and what an outsider can learn (nothing)."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from applications.actions import applications, contracts, pauses
from applications.models import Contract
from tenants.models import TenantSuspension, since
from tests.accesscontrol.oauth.conftest import World
from tests.support.factories import SYSTEM, make_partners

READER, METER = "globex.reader", "acme.meter"
BARE = {"error": "invalid_scope", "error_description": "KC-5: No client match found. Invalid scopes: [aud:x]"}


def contract_of(world: World) -> Contract:
    return world.globex.contracts_received.get()


def said(response: Any) -> dict[str, Any]:
    assert response.status_code == 400, response.content
    assert response["Content-Type"] == "application/json;charset=UTF-8"
    assert response["Cache-Control"] == "no-store"
    body: dict[str, Any] = response.json()
    return body


def test_kc5_to_the_letter(shared: World) -> None:
    """In one's own tenant: the code, and the chain of reasons."""
    assert said(shared.token(READER, shared.globex, "aud:x")) == {
        **BARE,
        "reason": "application_not_available",
        "reasons": [
            {
                "code": "no_contract",
                "text": "No contract shares x with this organization.",
                "applicationId": "x",
                "tenantId": str(shared.globex.id),
            }
        ],
        "available_from": None,
    }


def test_pause_names_the_contract_and_when_it_is_back(shared: World) -> None:
    world, contract = shared, contract_of(shared)
    back = world.clock.at + timedelta(hours=2)
    pauses.pause(tenant=world.acme, contract_id=contract.id, by=SYSTEM, at=world.clock.at, until=back)
    body = said(world.token(READER, world.globex, f"aud:{METER} openid"))
    assert body["error_description"] == f"KC-5: No client match found. Invalid scopes: [aud:{METER}]"
    assert body["reason"] == "application_not_available"
    assert body["reasons"][0]["code"] == "contract_paused"
    assert body["reasons"][0]["contractId"] == str(contract.id)
    assert body["available_from"] == back.isoformat().replace("+00:00", "Z")
    pauses.resume(tenant=world.acme, contract_id=contract.id, by=SYSTEM, at=world.clock.at)
    assert world.token(READER, world.globex, f"aud:{METER}").status_code == 200


def test_planned_start(shared: World) -> None:
    world = shared
    world.application(world.acme, "billing")
    start = world.clock.at + timedelta(days=3)
    world.share(world.acme, world.globex, ("acme.billing", "viewer"), starts_at=start)
    body = said(world.token(READER, world.globex, "aud:acme.billing"))
    assert body["reasons"][0]["code"] == "contract_not_started"
    assert body["available_from"] == start.isoformat().replace("+00:00", "Z")


def test_only_failing_scopes_are_listed(shared: World) -> None:
    body = said(shared.token(READER, shared.globex, f"aud:{METER} aud:x openid aud:y"))
    assert body["error_description"] == "KC-5: No client match found. Invalid scopes: [aud:x, aud:y]"


def test_invalid_target(shared: World) -> None:
    """RFC 8707 §2."""
    uri = "urn:iam:application:x"
    body = said(shared.token(READER, shared.globex, resource=uri))
    assert body["error"] == "invalid_target"
    assert body["error_description"] == f"KC-5: No client match found. Invalid scopes: [{uri}]"
    foreign = said(shared.token(READER, shared.globex, resource="https://api.example.org/"))
    assert foreign["error"] == "invalid_target"
    mixed = said(shared.token(READER, shared.globex, "aud:x", resource=uri))
    assert mixed["error"] == "invalid_scope"


def test_no_role_held(shared: World) -> None:
    """Where it may be told, the code is another: the target is there, the role is missing."""
    world = shared
    world.withdraw(world.globex.assignments.get(application_id=READER))
    body = said(world.token(READER, world.globex, f"aud:{METER}"))
    assert body["error_description"].startswith("KC-7:")
    assert body["reason"] == "no_role_held"
    assert body["available_from"] is None


def test_role_not_held(shared: World) -> None:
    body = said(shared.token(READER, shared.globex, f"aud:{METER} {METER}/editor"))
    assert body["error_description"].endswith(f"Invalid scopes: [{METER}/editor]")
    assert body["reason"] == "no_role_held"


def test_caller_suspended(shared: World) -> None:
    world = shared
    applications.suspend(tenant=world.globex, application_id=READER, reason="", by=SYSTEM, at=world.clock.at)
    body = said(world.token(READER, world.globex, f"aud:{METER}"))
    assert body["reason"] == "caller_not_available"
    assert body["error_description"].startswith("KC-6:")
    assert [reason["code"] for reason in body["reasons"]][:2] == [
        "caller_not_available",
        "application_suspended",
    ]


def test_tenant_and_owner_suspended(shared: World) -> None:
    world = shared
    TenantSuspension.objects.create(tenant=world.acme, during=since(world.clock.at), by_name="x")
    assert said(world.token(READER, world.globex, f"aud:{METER}"))["reasons"][0]["code"] == "owner_suspended"
    TenantSuspension.objects.create(tenant=world.globex, during=since(world.clock.at), by_name="x")
    codes = {one["code"] for one in said(world.token(READER, world.globex, f"aud:{METER}"))["reasons"]}
    assert codes & {"owner_suspended", "tenant_suspended"}


def test_self_audience(shared: World) -> None:
    body = said(shared.token(READER, shared.globex, f"aud:{READER}"))
    assert body["reason"] == "self_audience"


def test_nothing_to_call(shared: World) -> None:
    """No target, and none callable: KC-5 of nothing."""
    world = shared
    nothing = "KC-5: No client match found. Invalid scopes: []"
    world.application(world.globex, "idle")
    body = said(world.token("globex.idle", world.globex))
    assert (body["error_description"], body["reason"], body["reasons"]) == (nothing, "no_role_held", [])
    pauses.pause(tenant=world.acme, contract_id=contract_of(world).id, by=SYSTEM, at=world.clock.at)
    paused = said(world.token(READER, world.globex))
    assert paused["error_description"] == nothing
    assert paused["reasons"][0]["code"] == "contract_paused"


def test_switch_without_target(shared: World) -> None:
    shared.set_client(READER, token_without_target=False)
    body = said(shared.token(READER, shared.globex, "openid"))
    assert body["error"] == "invalid_scope"
    assert "name a target" in body["error_description"]
    assert shared.token(READER, shared.globex, f"aud:{METER}").status_code == 200


def test_portal_stands_alone(shared: World) -> None:
    body = said(shared.token(READER, shared.globex, f"aud:{METER} aud:iam-portal"))
    assert body == {"error": "invalid_scope", "error_description": "The audience iam-portal stands alone."}


@pytest.mark.parametrize(
    ("scope", "echoed"),
    [
        ("aud:Upper", "[]"),
        ('aud:x"y', "[]"),
        ("aud:x\\y", "[]"),
        ("aud:ümlaut", "[]"),
        ("aud:nul\0", "[]"),
        ("aud:", "[]"),
        ("aud:" + "a" * 65, "[]"),
        ("aud:ok aud:<b>", "[aud:ok]"),
    ],
)
def test_echoes_nothing_outside_the_grammar(shared: World, scope: str, echoed: str) -> None:
    """RFC 6749 §5.2 forbids quotes, backslashes and non-ASCII in a description."""
    body = said(shared.token(READER, shared.globex, scope))
    assert body["error_description"] == f"KC-5: No client match found. Invalid scopes: {echoed}"


def test_unknown_scopes(shared: World) -> None:
    body = said(shared.token(READER, shared.globex, f'aud:{METER} vehicle.read "evil" https://x/y'))
    assert body == {"error": "invalid_scope", "error_description": "Unknown scopes: [vehicle.read]"}
    many = " ".join(f"aud:a{number}" for number in range(101))
    assert said(shared.token(READER, shared.globex, many))["error"] == "invalid_scope"


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
        """Unknown tenant, malformed tenant, unknown application, foreign application, the one of the tenant."""
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
