"""KC-5 to the letter, and the other refusals of targets."""

from datetime import timedelta

import pytest

from applications.actions import applications, pauses
from applications.models import Contract
from iam_portal.walls import tenant_scope
from tenants.models import TenantSuspension, since
from tests.accesscontrol.oauth.conftest import World, said
from tests.support.factories import SYSTEM

READER, METER = "globex.reader", "acme.meter"
BARE = {"error": "invalid_scope", "error_description": "KC-5: No client match found. Invalid scopes: [aud:x]"}


def contract_of(world: World) -> Contract:
    return world.globex.contracts_received.get()


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
    with tenant_scope(world.globex.id):
        row = world.globex.assignments.get(application_id=READER)
    world.withdraw(row)
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
