"""A role over nothing but an organization's own resources: every answer says the same of it, over HTTP."""

import base64
import json
from typing import Any

import pytest

from accesscontrol.actions import tenant_roles
from accesscontrol.actions.tenant_roles import Definition
from applications.actions import pauses
from iam_portal.walls import tenant_scope
from tenants.models import User
from tests.accesscontrol.oauth.asking import METER, READER, Asker, asker, assign, codes
from tests.accesscontrol.oauth.conftest import World, basic
from tests.accesscontrol.oauth.signed_in import person, signed_in
from tests.support.factories import SYSTEM

KEPT = "/iam/access-management/v1/application/tenants/{}/resources/urn:test/{}"
ACL = "/iam/access-management/v1/application/acl"


@pytest.fixture
def desk(shared: World, settings: Any) -> Asker:
    settings.ROOT_URLCONF = "iam_portal.urls"
    found = asker(shared, shared.globex)
    for role in ("reviewer", "access-manager"):
        shared.assign(shared.globex, "globex.desk", "iam-portal", role)
    return found


def keep(world: World, method: str, key: str, *privileges: str, parent: str = "", **headers: str) -> int:
    body: dict[str, Any] = {"name": key, "privileges": privileges}
    if parent:
        body["parent"] = {"type": "urn:test", "id": parent}
    sent = {"Authorization": basic(METER, world.secrets[METER]), **headers}
    path = KEPT.format(world.globex.id, key)
    reply = world.browser.generic(
        method, path, json.dumps(body) if method == "PUT" else "", "application/json", headers=sent
    )
    return int(reply.status_code)


def define(world: World, *named: tuple[str, str]) -> str:
    permissions = [(METER, "urn:test", key, privilege) for key, privilege in named]
    made = Definition(key="night", name="Night", description="", permissions=permissions)
    tenant_roles.define(tenant=world.globex, definition=made, by=SYSTEM, at=world.clock.at)
    return f"urn:iam:tenant-role:{world.globex.id}:night"


def roles_in(token: str) -> list[str]:
    payload = token.split(".")[1]
    found: list[str] = json.loads(base64.urlsafe_b64decode(payload + "=="))["roles"]
    return found


WISH = {"clientId": READER, "target": METER, "grant": "client_credentials", "scope": "openid"}


@pytest.fixture
def urn(shared: World, desk: Asker) -> str:
    """The press stands in the hall; Jane and the reader hold nothing but a role over the hall."""
    jane = person(shared)
    assert keep(shared, "PUT", "hall", "read", "execute") == 201
    assert keep(shared, "PUT", "press-4", "execute", parent="hall") == 201
    made = define(shared, ("hall", "execute"))
    shared.clock.forward(seconds=1)
    with tenant_scope(shared.globex.id):
        for row in shared.globex.assignments.filter(application=READER):
            shared.withdraw(row)
    assign(shared, shared.globex, "night", None, user_id=jane.id)
    assign(shared, shared.globex, "night", None, principal_application_id=READER)
    return made


def test_services_and_questions_about_them(shared: World, desk: Asker, urn: str) -> None:
    """Token, introspection, preview and decision; all of it ends with the resource, in the same moment."""
    token = shared.token(READER, shared.globex, f"aud:{METER} openid").json()["access_token"]
    assert roles_in(token) == [urn]
    assert shared.introspect(METER, shared.globex, token).json()["roles"] == [urn]
    assert desk.post("token-preview", WISH).json()["claims"]["roles"] == [urn]
    with tenant_scope(shared.globex.id):
        jane = User.objects.get(tenant=shared.globex, username="jane")
    for who in ({"applicationId": READER}, {"userId": jane.id}):
        told = desk.decide(who, resourceId="press-4", privilege="execute")
        assert (told["allowed"], codes(told["reasons"])[-1]) == (True, "permission_contained"), told
        assert (
            told["reasons"][-1]["text"] == "The role night contains execute on hall, which contains press-4."
        )
        told = desk.decide(who, resourceId="press-4", privilege="read")
        assert (told["allowed"], codes(told["wouldNeed"])) == (False, ["permission_declared"])  # not offered
    told = desk.decide({"userId": jane.id}, resourceId="hall")
    assert codes(told["wouldNeed"]) == ["role_defined"]

    assert keep(shared, "DELETE", "hall") == 204
    assert shared.introspect(METER, shared.globex, token).json() == {"active": False}
    assert desk.post("token-preview", WISH).json()["granted"] is False
    told = desk.decide({"userId": jane.id}, resourceId="press-4", privilege="execute")
    assert told["allowed"] is False
    assert desk.get(f"access-review?applicationId={METER}").json()["items"] == []


def test_people_lists_and_the_review(shared: World, desk: Asker, urn: str) -> None:
    with tenant_scope(shared.globex.id):
        jane = User.objects.get(tenant=shared.globex, username="jane")
    hers = {"Authorization": f"Bearer {signed_in(shared, jane).access_token}"}
    path = f"/iam/access-management/v1/tenants/{shared.globex.id}/acl"
    mine = desk.world.browser.get(path, headers=hers).json()["resources"]
    assert (str(shared.globex.id), "press-4", ["execute"]) in [
        (e["owningTenantId"], e["resourceId"], e["privileges"]) for e in mine
    ]
    sent = {"Authorization": basic(METER, shared.secrets[METER])}
    whole = shared.browser.get(ACL, headers=sent).json()["resources"]
    [press] = [each for each in whole if each["resourceId"] == "press-4"]
    assert press["grants"] == [{"role": urn, "privileges": ["execute"]}]
    lines = desk.get(f"access-review?applicationId={METER}").json()["items"]
    assert {line["name"] for line in lines if line["urn"] == urn} == {"Jane", "Reader"}
    listed = desk.get(f"resources?applicationId={METER}&search=hall").json()["items"]
    assert [(each["resourceId"], each["kind"], each["privileges"]) for each in listed] == [
        ("hall", "dynamic", ["read", "execute"])
    ]
    assert desk.get("roles/night").json()["permissions"][0]["resourceId"] == "hall"


def test_it_counts_while_the_application_runs_there(shared: World, desk: Asker) -> None:
    jane = person(shared)
    keep(shared, "PUT", "hall", "execute")
    define(shared, ("hall", "execute"))
    assign(shared, shared.globex, "night", None, user_id=jane.id)
    asked = {"resourceId": "hall", "privilege": "execute"}
    assert desk.decide({"userId": jane.id}, **asked)["allowed"] is True
    contract = shared.globex.contracts_received.get()
    pauses.pause(tenant=shared.acme, contract_id=contract.id, by=SYSTEM, at=shared.clock.at)
    told = desk.decide({"userId": jane.id}, **asked)
    assert (told["allowed"], codes(told["wouldNeed"])) == (False, ["contract_resumed"])
    assert keep(shared, "PUT", "hall", "execute") == 404
    pauses.resume(tenant=shared.acme, contract_id=contract.id, by=SYSTEM, at=shared.clock.at)
    assert desk.decide({"userId": jane.id}, **asked)["allowed"] is True


def test_its_own_token_opens_the_door_and_nobody_elses(shared: World, desk: Asker) -> None:
    """A service token for the portal of the application itself, got in whichever tenant; no other's."""
    own = shared.token(METER, shared.acme, "aud:iam-portal")
    assert own.status_code == 400  # it holds nothing of the portal
    shared.assign(shared.acme, METER, "iam-portal", "user-reader")
    bearer = {
        name: f"Bearer {shared.token(name, tenant, 'aud:iam-portal').json()['access_token']}"
        for name, tenant in ((METER, shared.acme), ("globex.desk", shared.globex))
    }
    assert keep(shared, "PUT", "hall", "read", Authorization=bearer[METER]) == 201
    assert keep(shared, "DELETE", "hall", Authorization=bearer["globex.desk"]) == 204  # of its own: none
    assert keep(shared, "GET", "hall") == 200
    stranger = basic("neighbour.reader", shared.secrets["neighbour.reader"])
    for method in ("GET", "PUT", "DELETE"):
        assert keep(shared, method, "hall", "read", Authorization=stranger) == 404
    assert keep(shared, "PUT", "hall", "read", Authorization=basic(METER, "wrong")) == 401
