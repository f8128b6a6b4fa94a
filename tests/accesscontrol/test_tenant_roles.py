"""Roles that a tenant makes: only of what is available there, counting only while it is."""

import gc
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accesscontrol import acl, decide
from accesscontrol import facts as load
from accesscontrol.actions import assignments, tenant_roles
from accesscontrol.actions.assignments import Wanted
from accesscontrol.actions.tenant_roles import Definition, NotAvailableHere
from accesscontrol.models import Assignment
from applications import facts
from applications.actions import applications, contracts
from iam_portal.errors import NotFound
from iam_portal.walls import tenant_scope
from tests.applications.sharing import T0, accepted, make_pair, register
from tests.support.factories import SYSTEM, make_user
from tests.support.knocking import browser, person, service

pytestmark = pytest.mark.django_db
LATER = T0 + timedelta(minutes=1)
PORTAL = "iam-portal"
URN = "urn:iam:tenant-role:{}:night-shift"


def definition(application_id: str, *privileges: str, key: str = "night-shift") -> Definition:
    permissions = [(application_id, "urn:test", "machines", privilege) for privilege in privileges]
    return Definition(key=key, name="Night shift", description="", permissions=permissions)


def held(tenant: Any, user: Any, application_id: str, at: Any) -> list[str]:
    """The role URNs that the person holds of the application."""
    sharing = facts.of_application(application_id, tenant_id=tenant.id)
    who = load.Principal(tenant.id, user_id=user.id)
    principal = load.principal(who, application_ids=[application_id])[application_id]
    book = load.books([application_id], tenant_id=tenant.id)[application_id]
    assert sharing is not None
    return decide.effective_roles(principal, sharing, book, at=at).urns()


@pytest.fixture
def shared() -> Any:
    acme, beta = make_pair()
    application = register(acme, "press", T0)
    contract = accepted(acme, beta, application.id, at=T0)
    return acme, beta, application, contract


def test_counts_while_its_permissions_are_granted(shared: Any):
    acme, beta, application, contract = shared
    user = make_user(beta, "kim", at=T0)
    role = tenant_roles.define(tenant=beta, definition=definition(application.id, "read"), by=SYSTEM, at=T0)
    assignments.assign(tenant=beta, wanted=Wanted(role=role.key, user_id=user.id), by=SYSTEM, at=T0)
    urn = f"urn:iam:tenant-role:{beta.id}:night-shift"
    with tenant_scope(beta.id):
        assert held(beta, user, application.id, T0) == [urn]
    entries = acl.build(application, at=T0, owners=[beta.id])
    assert {"role": urn, "privileges": ["read"]} in entries[0]["grants"]
    contracts.end(tenant=acme, contract_id=contract.id, by=SYSTEM, at=LATER)
    with tenant_scope(beta.id):
        assert held(beta, user, application.id, LATER) == []
    assert acl.build(application, at=LATER, owners=[beta.id]) == []


def test_only_of_what_is_granted_here(shared: Any):
    _, beta, application, _ = shared
    for wanted in (
        definition(application.id, "modify"),  # declared, but in no role that is granted to beta
        definition("acme.unknown", "read"),
        definition(application.id, "execute"),
    ):
        with pytest.raises(NotAvailableHere) as refused:
            tenant_roles.define(tenant=beta, definition=wanted, by=SYSTEM, at=T0)
        assert refused.value.errors[0]["pointer"] == "/permissions/0"


def test_access_contracts_add_nothing():
    acme, beta = make_pair()
    application = register(acme, "press", T0)
    accepted(acme, beta, application.id, at=T0, type="access")
    with pytest.raises(NotAvailableHere):
        tenant_roles.define(tenant=beta, definition=definition(application.id, "read"), by=SYSTEM, at=T0)


def test_who_holds_it_loses_what_is_taken_out(shared: Any):
    acme, _, application, _ = shared
    both = definition(application.id, "read", "modify")
    role = tenant_roles.define(tenant=acme, definition=both, by=SYSTEM, at=T0)
    user = make_user(acme, "kim", at=T0)
    assignments.assign(tenant=acme, wanted=Wanted(role=role.key, user_id=user.id), by=SYSTEM, at=T0)
    narrower = definition(application.id, "read")
    tenant_roles.define(tenant=acme, definition=narrower, by=SYSTEM, at=LATER)
    grants = acl.build(application, at=LATER, owners=[acme.id])[0]["grants"]
    mine = [grant["privileges"] for grant in grants if "tenant-role" in grant["role"]]
    assert mine == [["read"]]
    tenant_roles.delete(tenant=acme, key=role.key, by=SYSTEM, at=LATER)
    with tenant_scope(acme.id):
        assert held(acme, user, application.id, LATER) == []
        assert not Assignment.objects.not_over(LATER).filter(user=user).exists()


def test_by_rest_with_neighbours_and_without_more_rights():
    acme, beta = make_pair()
    application = register(acme, "press", datetime.now(UTC))  # the doors have the real clock
    _, session = person(acme, "manager", "access-manager")
    manager = browser(acme, session)
    address = f"/iam/access-management/v1/tenants/{acme.id}/roles"
    body = {
        "key": "night-shift",
        "name": "Night shift",
        "permissions": [
            {
                "applicationId": application.id,
                "resourceType": "urn:test",
                "resourceId": "machines",
                "privileges": ["modify", "read"],
            }
        ],
    }
    made = manager.knock("POST", address, json.dumps(body))  # taken back afterwards
    assert made.status_code == 201
    assert made.json()["permissions"] == [{**body["permissions"][0], "privileges": ["read", "modify"]}]
    stronger = {"applicationId": PORTAL, "resourceType": "urn:iam:portal", "resourceId": "Keys"}
    body["permissions"] = [{**stronger, "privileges": ["execute"]}]
    refused = manager.knock("POST", address, json.dumps(body))
    assert refused.status_code == 403
    assert "permission_not_held" in refused.content.decode()
    assert service(beta, "robot", "access-manager").knock("GET", address).status_code == 404
    with pytest.raises(NotFound):
        tenant_roles.delete(tenant=beta, key="night-shift", by=SYSTEM, at=LATER)


def test_what_a_reply_was_made_of_goes_with_it() -> None:
    """Thousands of permissions that wait for the collector of garbage hold up every thread when it comes."""
    acme, _ = make_pair()
    at = datetime.now(UTC)  # the doors have the real clock
    permissions = definition(register(acme, "press", at).id, "read")
    tenant_roles.define(tenant=acme, definition=permissions, by=SYSTEM, at=at)
    _, session = person(acme, "manager", "access-manager")
    manager, address = browser(acme, session), f"/iam/access-management/v1/tenants/{acme.id}/roles"
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)  # keeps what it finds
    try:
        assert b'"resourceId":"machines"' in manager.knock("GET", address).content
        gc.collect()
        left = [each for each in gc.garbage if isinstance(each, dict) and "resourceId" in each]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert left == []


def test_a_role_that_somebody_holds_is_deleted_knowingly() -> None:
    """By its impact, which names who loses what; who may not give it may not take it."""
    acme, _ = make_pair()
    at = datetime.now(UTC)
    application = register(acme, "press", at)
    both = definition(application.id, "read", "modify")
    tenant_roles.define(tenant=acme, definition=both, by=SYSTEM, at=at)
    kim = make_user(acme, "kim", at=at)
    assignments.assign(tenant=acme, wanted=Wanted(role=both.key, user_id=kim.id), by=SYSTEM, at=at)
    manager = browser(acme, person(acme, "manager", "access-manager")[1])
    address = f"/iam/access-management/v1/tenants/{acme.id}/roles/{both.key}"
    body = {"name": "Night shift", "permissions": [one_permission(application.id, "read")]}

    narrower = manager.knock("PUT", address, json.dumps(body), query="dry_run=true").json()
    lost = [{"userId": str(kim.id), "name": "Kim", "roles": [URN.format(acme.id)], "lastUsedAt": None}]
    assert (narrower["action"], narrower["users"]) == ("define", {"count": 1, "items": lost})
    body["permissions"] = [one_permission(application.id, "read", "modify")]
    same = manager.knock("PUT", address, json.dumps(body), query="dry_run=true").json()
    assert same["users"]["count"] == 0
    manager.headers["If-Match"] = same["revision"]
    body["permissions"] = []
    assert manager.knock("PUT", address, json.dumps(body)).status_code == 412
    manager.headers.clear()

    refused = manager.knock("DELETE", address)
    assert (refused.status_code, refused.json()["code"]) == (428, "impact_required")
    shown = manager.knock("GET", f"{address}/impact", query="action=delete").json()
    assert shown == {**refused.json()["impact"], "at": shown["at"]}
    assert (shown["users"]["items"], shown["pairs"]) == (lost, [])
    manager.headers["If-Match"] = narrower["revision"]
    assert manager.knock("DELETE", address).status_code == 412
    manager.headers["If-Match"] = shown["revision"]
    assert manager.knock("DELETE", address).status_code == 204
    stranger = browser(acme, person(acme, "reader", "user-reader")[1])
    assert stranger.knock("GET", f"{address}/impact", query="action=delete").status_code == 403


def test_who_cannot_use_it_just_now_still_loses_it() -> None:
    """Nothing is lost at this moment, yet the assignment would be gone for good."""
    acme, _ = make_pair()
    at = datetime.now(UTC)
    application = register(acme, "press", at)
    tenant_roles.define(tenant=acme, definition=definition(application.id, "read"), by=SYSTEM, at=at)
    kim = make_user(acme, "kim", at=at)
    assignments.assign(tenant=acme, wanted=Wanted(role="night-shift", user_id=kim.id), by=SYSTEM, at=at)
    applications.suspend(tenant=acme, application_id=application.id, reason="", by=SYSTEM, at=at)
    manager = browser(acme, person(acme, "manager", "access-manager")[1])
    address = f"/iam/access-management/v1/tenants/{acme.id}/roles/night-shift"
    refused = manager.knock("DELETE", address)
    assert (refused.status_code, refused.json()["impact"]["users"]["count"]) == (428, 0)
    manager.headers["If-Match"] = refused.json()["impact"]["revision"]
    assert manager.knock("DELETE", address).status_code == 204


def test_who_may_not_give_a_permission_may_not_take_it_out() -> None:
    acme, _ = make_pair()
    at = datetime.now(UTC)
    keys = [(PORTAL, "urn:iam:portal", "Keys", "execute")]
    role = Definition(key="keeper", name="Keeper", description="", permissions=keys)
    tenant_roles.define(tenant=acme, definition=role, by=SYSTEM, at=at)
    manager = browser(acme, person(acme, "manager", "access-manager")[1])
    address = f"/iam/access-management/v1/tenants/{acme.id}/roles/keeper"
    body = json.dumps({"name": "Keeper", "permissions": []})
    refused = manager.knock("PUT", address, body)
    assert (refused.status_code, "permission_not_held" in refused.content.decode()) == (403, True)
    for word in ("True", "1", "yes", ""):
        assert manager.knock("PUT", address, body, query=f"dry_run={word}").status_code == 400


def one_permission(application_id: str, *privileges: str) -> dict[str, Any]:
    where = {"applicationId": application_id, "resourceType": "urn:test", "resourceId": "machines"}
    return {**where, "privileges": list(privileges)}
