"""A service's token and what its door asks are read together, and say what the single questions say."""

from collections.abc import Callable

import pytest

from accesscontrol import gate
from accesscontrol.oauth import decision, tokens
from applications.actions import applications
from applications.models.applications import PORTAL_ID
from iam_portal.gate import Actor, Permission
from tenants.actions import tenants
from tests.accesscontrol.oauth.conftest import World
from tests.benchmarks.measuring import counting
from tests.support.factories import SYSTEM

READER, METER = "globex.reader", "acme.meter"


def token_of(world: World, caller: str) -> str:
    """Of a service that may read modules in Globex, which knows its own reader and Acme's meter."""
    world.assign(world.globex, caller, PORTAL_ID, "user-reader")
    reply = world.token(caller, world.globex, f"aud:{PORTAL_ID}")
    return str(reply.json()["access_token"])


def compared(world: World, token: str) -> bool:
    """Whether the token is good, in one answer of both."""
    at = world.clock.at
    claims = tokens.read(token, at=at)
    single = decision.standing(claims, target_id=PORTAL_ID, at=at)
    found = decision.standing_here(claims, at=at)
    together = found[0] if found else None
    assert (single is None) == (together is None)
    if single is None or together is None:
        return False
    assert together.account == single.account
    assert together.call.urns() == single.call.urns()
    return True


def suspended(world: World) -> None:
    applications.suspend(
        tenant=world.globex, application_id=READER, reason="", by=SYSTEM, at=world.clock.forward(seconds=1)
    )


def organization_suspended(world: World) -> None:
    tenants.suspend(tenant=world.globex, reason="", by=SYSTEM, at=world.clock.forward(seconds=1))


@pytest.mark.parametrize("act", [suspended, organization_suspended])
def test_a_service_that_is_stopped_is_in_no_answer(shared: World, act: Callable[[World], None]) -> None:
    token = token_of(shared, READER)
    assert compared(shared, token)
    act(shared)
    assert not compared(shared, token)


@pytest.mark.parametrize("caller", [READER, METER])
def test_yesterday_s_role_is_in_no_answer(shared: World, caller: str) -> None:
    row = shared.assign(shared.globex, caller, PORTAL_ID, "module-manager")
    token = token_of(shared, caller)
    assert compared(shared, token)
    shared.clock.forward(seconds=1)
    shared.withdraw(row)
    assert compared(shared, token)  # the other role is left


def test_a_door_asks_once_who_a_service_is(shared: World) -> None:
    """No contract is looked at, and what is assigned to it is read once for the token and the permission."""
    headers = {"Authorization": f"Bearer {token_of(shared, READER)}"}
    with counting() as sent:
        reply = shared.browser.get(f"/api/{shared.globex.id}/modules", headers=headers)
    assert reply.status_code == 200
    assert [statement for statement in sent if "applications_contract" in statement] == []
    assert sum("accesscontrol_assignment" in statement for statement in sent) == 1
    assert sum("applications_applicationsuspension" in statement for statement in sent) == 1


def test_what_was_read_of_one_tenant_answers_no_for_another(shared: World) -> None:
    at, claims = shared.clock.at, tokens.read(token_of(shared, READER), at=shared.clock.at)
    found = decision.standing_here(claims, at=at)
    assert found is not None and found[1] is not None
    wanted, acme = Permission.parse("Users:read"), shared.acme.id
    here, there = (Actor("service", READER, READER, id) for id in (shared.globex.id, acme))
    for actor, tenant_id, said in ((here, shared.globex.id, True), (here, acme, False), (there, acme, False)):
        answer = gate.answers_at(found[1], actor=actor, tenant_id=tenant_id, at=at)
        assert bool(answer(wanted)) is said, tenant_id
