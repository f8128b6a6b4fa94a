"""More than one holds by way of another organization: contracts, amendments, required roles, manifests."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from accesscontrol.gate import permissions
from accesscontrol.models import Assignment
from applications.actions import contracts
from applications.actions.drafts import Offer
from applications.models import Amendment, Contract
from applications.models.applications import PORTAL_ID
from iam_portal.walls import tenant_scope
from tenants.models import HistoryEvent, User
from tests.accesscontrol.required_story import PLANNER, require
from tests.applications.story import Party, party, person, register, share
from tests.support.factories import acting, make_partners
from tests.support.once import made_once, savepoint

STRONG = "organization-manager"
MANAGER = ("provision-contract-manager", "access-contract-manager")
World = dict[str, Party]


@pytest.fixture(scope="module")
def made(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """acme provides its planner to beta, without onward access; beta and gamma are partners, too."""
    settings.STATIC_ROOT = str(tmp_path_factory.mktemp("static"))
    with made_once(django_db_blocker):
        found = {slug: party(slug) for slug in ("acme", "beta", "gamma")}
        for one, other in (("acme", "beta"), ("beta", "gamma")):
            make_partners(found[one].tenant, found[other].tenant, at=timezone.now())
        share(found["acme"], found["beta"], found["acme"].applications["planner"])
        yield found


@pytest.fixture
def world(made: World, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with savepoint(django_db_blocker):
        yield {slug: each.fork() for slug, each in made.items()}


def call(by: Any, party: Party, method: str, path: str, body: Any, **headers: str) -> Any:
    address = f"/iam/application-management/v1/tenants/{party.tenant.id}/{path}"
    return by.generic(method, address, json.dumps(body), "application/json", headers=headers)


def attempts(party: Party) -> list[dict[str, Any]]:
    """What the organization's history says of refused attempts: who, and what he lacked."""
    with tenant_scope(party.tenant.id):
        rows = HistoryEvent.objects.filter(tenant=party.tenant, action="grant.refused").order_by("id")
        return [{"by": row.actor_id, **row.after} for row in rows]


def held(party: Party, name: str) -> set[str]:
    with tenant_scope(party.tenant.id):
        user = User.objects.get(tenant=party.tenant, username=name)
        found = permissions(actor=acting(user), tenant_id=party.tenant.id, at=timezone.now())
    return {resource for _, resource, _ in found}


# --- a contract, and its amendment --------------------------------------------------------------------

TOO_MUCH = {
    "the portal's own role": ("access", PORTAL_ID, STRONG),
    "the portal's own role, provided": ("provision", PORTAL_ID, STRONG),
    "what is not one's own": ("provision", PLANNER, "reader"),
    "what one may not pass on": ("access", PLANNER, "reader"),
    "a stranger's": ("access", "gamma.fleet-planner", "reader"),
}


@pytest.mark.parametrize("what", TOO_MUCH)
def test_nobody_shares_more_than_the_organization_may(world: World, what: str) -> None:
    kind, application, role = TOO_MUCH[what]
    beta, gamma = world["beta"], world["gamma"]
    manager = person(beta, "manager", *MANAGER)
    body = {
        "consumerTenantId": str(gamma.tenant.id),
        "type": kind,
        "roles": [{"applicationId": application, "role": role}],
    }
    refused = call(manager, beta, "POST", "contracts", body)
    assert (refused.status_code, refused.json()["code"]) == (409, "contract_not_possible")
    assert refused.json()["errors"][0]["code"] == "role_not_shareable"
    assert not Contract.objects.filter(provider=beta.tenant).exists()
    (told,) = attempts(beta)
    assert (told["missing"], told["reasons"]) == ([f"{application}/{role}"], ["role_not_shareable"])
    assert attempts(gamma) == []


@pytest.mark.parametrize("door", ["draft", "amendment"])
def test_nor_by_changing_what_was_shared(world: World, door: str) -> None:
    beta, gamma = world["beta"], world["gamma"]
    manager = person(beta, "manager", *MANAGER)
    until = "draft" if door == "draft" else "accepted"
    row = share(beta, gamma, beta.applications["planner"], type="access", until=until)
    wanted = [{"applicationId": PORTAL_ID, "role": STRONG}, {"applicationId": PLANNER, "role": "reader"}]
    if door == "draft":
        reply = call(manager, beta, "PATCH", f"contracts/{row.id}", {"roles": wanted})
    else:
        reply = call(manager, beta, "POST", f"contracts/{row.id}/amendments", {"addRoles": wanted})
    assert reply.status_code == 409, reply.content
    assert {error["code"] for error in reply.json()["errors"]} == {"role_not_shareable"}
    assert not Amendment.objects.exists()
    (told,) = attempts(beta)
    assert told["missing"] == [f"{PORTAL_ID}/{STRONG}", f"{PLANNER}/reader"]


def test_nor_by_asking_for_it(world: World) -> None:
    """The consumer proposes to get more: of what is not in the contract he learns and gains nothing."""
    beta, gamma = world["beta"], world["gamma"]
    row = share(beta, gamma, beta.applications["planner"], type="access")
    manager = person(gamma, "manager", *MANAGER)
    body = {"addRoles": [{"applicationId": PORTAL_ID, "role": STRONG}]}
    reply = call(manager, gamma, "POST", f"contracts/{row.id}/amendments", body)
    assert (reply.status_code, reply.json()["code"]) == (409, "amendment_not_possible")
    assert (len(attempts(gamma)), attempts(beta)) == (1, [])


def test_an_access_contract_opens_nothing_of_the_portal(world: World) -> None:
    """Whoever works on another organization's data under a contract stands outside of its console."""
    beta, gamma = world["beta"], world["gamma"]
    row = share(beta, gamma, beta.applications["planner"], type="access")
    manager = person(gamma, "manager", "access-manager")
    body = {
        "principal": {"userId": str(gamma.user.id)},
        "role": {"applicationId": PORTAL_ID, "key": STRONG},
        "contractId": str(row.id),
    }
    address = f"/iam/access-management/v1/tenants/{gamma.tenant.id}/assignments"
    assert manager.post(address, body, content_type="application/json").status_code == 404
    theirs = address.replace(str(gamma.tenant.id), str(beta.tenant.id))
    assert manager.post(theirs, body, content_type="application/json").status_code in (401, 404)


def test_who_manages_no_contracts_confirms_nothing(world: World) -> None:
    """Confirming is handing out: the doors of accepting, amending and confirming are the managers'."""
    beta, gamma = world["beta"], world["gamma"]
    row = share(beta, gamma, beta.applications["planner"], type="access", until="proposed")
    for roles in (("access-manager", "module-manager"), ("provision-contract-manager",)):
        clerk = person(gamma, roles[0], *roles)
        for path in (f"contracts/{row.id}/accept", f"contracts/{row.id}/confirm"):
            assert call(clerk, gamma, "POST", path, {}).status_code in (403, 404)
    assert Contract.objects.get(id=row.id).state == "proposed"


# --- required roles -----------------------------------------------------------------------------------


@pytest.mark.parametrize("door", ["rest", "page"])
def test_a_tick_hands_out_no_more_than_an_assignment(world: World, door: str) -> None:
    """The application that one's partner sends asks for a role of the portal that one does not hold."""
    acme, beta = world["acme"], world["beta"]
    tool = register(acme, "Tool", with_roles=False)
    acme.applications["planner"] = tool
    require(acme, (PORTAL_ID, STRONG))
    offer = Offer(type="provision", roles=[(tool.id, "reader")])
    act = {"by": acme.actor, "at": timezone.now()}
    row = contracts.draft(provider=acme.tenant, consumer_id=beta.tenant.id, offer=offer, **act)
    contracts.propose(tenant=acme.tenant, contract_id=row.id, **act)
    clerk = person(beta, "clerk", "access-manager", *MANAGER)
    if door == "rest":
        ticks = [{"applicationId": tool.id, "requires": {"applicationId": PORTAL_ID, "role": STRONG}}]
        reply = call(clerk, beta, "POST", f"contracts/{row.id}/accept", {"requiredRoles": ticks})
        assert (reply.status_code, reply.json()["code"]) == (403, "forbidden")
        assert {reason["code"] for reason in reply.json()["reasons"]} == {"permission_not_held"}
    else:
        box = {"required": f"{tool.id}|{PORTAL_ID}|{STRONG}"}
        clerk.post(beta.url(f"contracts/{row.id}/accept"), {"shown": "", "note": "", **box})
    assert Contract.objects.get(id=row.id).state == "proposed"
    with tenant_scope(beta.tenant.id):
        assert not Assignment.objects.filter(application=tool).exists()
    (told,) = attempts(beta)
    assert "Organizations:modify" in told["missing"]
    assert attempts(acme) == []


# --- a manifest ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["manager", "everything"])
def test_a_manifest_gives_nobody_anything_of_the_portal(world: World, by: str) -> None:
    """Resources that are called like the portal's are the application's own, whoever declares them."""
    acme = world["acme"]
    tool = register(acme, "Tool")
    clerk = person(acme, "clerk", "module-manager", "access-manager")
    before = held(acme, "clerk")
    kinds = {"type": "urn:iam:portal", "name": "x", "privileges": ["read", "modify"]}
    names = ("Organizations", "Keys", "Webhooks")
    document = {
        "resources": [{**kinds, "id": name} for name in names],
        "roles": [
            {
                "key": STRONG,
                "name": "Strong",
                "permissions": [
                    {"resourceType": "urn:iam:portal", "resourceId": name, "privileges": ["read", "modify"]}
                    for name in names
                ],
            }
        ],
    }
    declaring = clerk if by == "manager" else acme.client
    reply = call(declaring, acme, "PUT", f"applications/{tool.id}/manifest", document)
    assert reply.status_code in (200, 400), reply.content
    if reply.status_code == 200:
        given = {
            "principal": {"userId": str(user_of(acme, "clerk").id)},
            "role": {"applicationId": tool.id, "key": STRONG},
        }
        address = f"/iam/access-management/v1/tenants/{acme.tenant.id}/assignments"
        assert clerk.post(address, given, content_type="application/json").status_code == 201
    assert held(acme, "clerk") == before
    assert clerk.get(acme.url("webhooks")).status_code == 403


def user_of(party: Party, name: str) -> User:
    with tenant_scope(party.tenant.id):
        return User.objects.get(tenant=party.tenant, username=name)


def test_a_planned_share_is_no_share_today(world: World) -> None:
    """What begins tomorrow can be assigned today, and gives nothing until then."""
    beta, gamma = world["beta"], world["gamma"]
    tomorrow = timezone.now() + timedelta(days=1)
    share(beta, gamma, beta.applications["planner"], type="provision", starts_at=tomorrow)
    manager = person(gamma, "manager", *MANAGER)
    body = {
        "consumerTenantId": str(beta.tenant.id),
        "type": "access",
        "roles": [{"applicationId": beta.applications["planner"].id, "role": "reader"}],
    }
    assert call(manager, gamma, "POST", "contracts", body).status_code == 409
    assert len(attempts(gamma)) == 1
