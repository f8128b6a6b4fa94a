"""Amendments over REST: what each side sends and reads, and what everybody else does not find."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from applications.actions.changes import Change
from applications.models import Amendment, Contract
from iam_portal.decision import rfc3339
from tests.applications.amending import foreseen
from tests.applications.story import Party, person, register, share

READER = {"applicationId": "acme.fleet-planner", "role": "reader"}
PLANNER = {"applicationId": "acme.fleet-planner", "role": "planner"}


@pytest.fixture
def contract(acme: Party, beta: Party) -> Contract:
    return share(acme, beta, acme.applications["planner"])


def call(who: Any, tenant: Party, method: str, path: str, body: Any = None, **headers: str):
    address = f"/iam/application-management/v1/tenants/{tenant.tenant.id}/contracts/{path}"
    return who.generic(method, address, json.dumps(body or {}), "application/json", headers=headers)


def propose(acme: Party, beta: Party, contract: Contract, **more: Any) -> dict[str, Any]:
    """Acme offers one application more."""
    register(acme, "Depot")
    role = {"applicationId": "acme.depot", "role": "reader"}
    body = {"addRoles": [role], "note": "The depots too", **more}
    answer = call(acme.client, acme, "POST", f"{contract.id}/amendments", body)
    assert answer.status_code == 201, answer.content
    return dict(answer.json())


def test_narrowing_by_the_consumer(acme: Party, beta: Party, contract: Contract) -> None:
    path = f"{contract.id}/amendments"
    body = {"removeRoles": [PLANNER], "note": "Nobody plans"}
    answer = call(beta.client, beta, "POST", path, body)
    assert answer.status_code == 201
    made = answer.json()
    assert answer["ETag"] == '"r-1"'
    assert (made["kind"], made["state"]) == ("narrowing", "accepted")
    assert made["proposedBy"] == {"tenantId": str(beta.tenant.id), "name": "Beta"}
    assert made["takesEffectAt"] == made["answeredAt"]
    assert made["diff"] == {"added": [], "removed": [{**PLANNER, "name": "Planner"}], "endsAt": None}
    shown = call(acme.client, acme, "GET", f"{contract.id}").json()
    spans = {role["role"]: role["endsAt"] for role in shown["roles"]}
    assert spans == {"reader": None, "planner": made["takesEffectAt"]}
    assert call(acme.client, acme, "GET", path).json() == {"items": [made], "next": None}
    assert "“Nobody plans”" in acme.get(f"contracts/{contract.id}").content.decode()


def test_widening_is_proposed_answered_and_read_by_both(acme: Party, beta: Party, contract: Contract) -> None:
    end = timezone.now() + timedelta(days=30)
    made = propose(acme, beta, contract, endsAt=rfc3339(end))
    assert (made["kind"], made["state"], made["takesEffectAt"]) == ("widening", "proposed", None)
    assert made["diff"]["endsAt"] == {"before": None, "after": rfc3339(end)}
    for side in (acme, beta):
        assert call(side.client, side, "GET", f"{contract.id}").json()["amendments"] == {"open": 1}
        assert call(side.client, side, "GET", f"{contract.id}/amendments").json()["items"] == [made]
    more = {"addRoles": [PLANNER]}
    second = call(beta.client, beta, "POST", f"{contract.id}/amendments", more)
    assert (second.status_code, second.json()["code"]) == (409, "amendment_not_possible")
    act = f"{contract.id}/amendments/{made['amendmentId']}"
    assert call(acme.client, acme, "POST", f"{act}/accept").json()["code"] == "contract_other_side"
    stale = call(beta.client, beta, "POST", f"{act}/accept", {"note": "Good"}, **{"If-Match": '"r-7"'})
    assert stale.status_code == 412
    accepted = call(beta.client, beta, "POST", f"{act}/accept", {"note": "Good"}, **{"If-Match": '"r-1"'})
    assert (accepted.status_code, accepted["ETag"]) == (200, '"r-2"')
    assert accepted.json()["state"] == "accepted"
    again = call(beta.client, beta, "POST", f"{act}/decline")
    assert (again.status_code, again.json()["state"]) == (409, "accepted")
    after = call(beta.client, beta, "GET", f"{contract.id}").json()
    assert (after["endsAt"], after["amendments"]) == (rfc3339(end), {"open": 0})
    assert "acme.depot" in {role["applicationId"] for role in after["roles"]}
    history = acme.get(f"contracts/{contract.id}").content.decode()
    assert "“Good”" in history
    assert "“The depots too”" in history


def test_the_contracts_revision_and_the_impacts(acme: Party, beta: Party, contract: Contract) -> None:
    path, body = f"{contract.id}/amendments", {"removeRoles": [PLANNER]}
    for sent in ('"r-1"', f'"i-{"0" * 32}"'):
        answer = call(beta.client, beta, "POST", path, body, **{"If-Match": sent})
        assert answer.status_code == 412, answer.content
    assert not Amendment.objects.exists()
    change = Change(remove=[("acme.fleet-planner", "planner")])
    seen = foreseen(
        tenant=beta.tenant, contract_id=contract.id, change=change, by=beta.actor, at=timezone.now()
    )
    answer = call(beta.client, beta, "POST", path, body, **{"If-Match": f'"{seen.revision}"'})
    assert answer.status_code == 201


def test_pages_of_the_list(acme: Party, contract: Contract) -> None:
    for days in (30, 20, 10):
        body = {"endsAt": rfc3339(timezone.now() + timedelta(days=days))}
        refused = call(acme.client, acme, "POST", f"{contract.id}/amendments", body)
        assert (refused.status_code, refused.json()["code"]) == (428, "impact_required")
        seen = {"If-Match": f'"{refused.json()["impact"]["revision"]}"'}
        made = call(acme.client, acme, "POST", f"{contract.id}/amendments", body, **seen)
        assert made.status_code == 201, made.content
    whole = call(acme.client, acme, "GET", f"{contract.id}/amendments").json()["items"]
    found, path = [], f"{contract.id}/amendments?limit=2"
    while path:
        page = call(acme.client, acme, "GET", path).json()
        found += page["items"]
        path = page["next"].partition("/contracts/")[2] if page["next"] else ""
    assert found == whole
    assert len(whole) == 3


def test_nobody_else_finds_it(acme: Party, beta: Party, gamma: Party, contract: Contract) -> None:
    """Neither a partner of a side, nor a side itself below another contract or under another's address."""
    made = propose(acme, beta, contract)
    elsewhere = share(beta, gamma, beta.applications["planner"])
    act = f"amendments/{made['amendmentId']}/accept"
    for who, tenant, path in (
        (gamma.client, gamma, f"{contract.id}/amendments"),
        (gamma.client, gamma, f"{contract.id}/{act}"),
        (beta.client, beta, f"{elsewhere.id}/{act}"),
        (beta.client, beta, f"{contract.id}/amendments/{uuid4()}/accept"),
        (beta.client, gamma, f"{contract.id}/{act}"),
    ):
        body = {"removeRoles": [PLANNER]} if path.endswith("amendments") else {}
        answer = call(who, tenant, "POST", path, body)
        assert answer.status_code == (401 if tenant is gamma and who is beta.client else 404), path
    assert call(gamma.client, gamma, "GET", f"{contract.id}/amendments").status_code == 404
    assert Amendment.objects.get().state == "proposed"


def test_a_reader_cannot_act_and_the_other_types_manager_sees_nothing(
    acme: Party, beta: Party, contract: Contract
) -> None:
    made = propose(acme, beta, contract)
    manager = person(beta, "kim", "access-contract-manager")
    path = f"{contract.id}/amendments"
    assert call(manager, beta, "GET", path).status_code == 404
    assert call(manager, beta, "POST", path, {"removeRoles": [READER]}).status_code == 404
    act = f"{path}/{made['amendmentId']}/accept"
    assert call(manager, beta, "POST", act).status_code == 404
    nobody = person(beta, "lee", "user-reader")
    assert call(nobody, beta, "POST", act).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {"removeRoles": "planner"},
        {"removeRoles": [{"applicationId": "x"}]},
        {"addRoles": [READER] * 201},
        {"endsAt": "soon"},
        {"end": None},
        {"note": "x" * 501, "removeRoles": [PLANNER]},
    ],
)
def test_malformed(beta: Party, contract: Contract, body: dict[str, Any]) -> None:
    assert call(beta.client, beta, "POST", f"{contract.id}/amendments", body).status_code == 400
    assert not Amendment.objects.exists()
