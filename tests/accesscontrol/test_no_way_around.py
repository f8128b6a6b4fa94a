"""Ways around the rules that somebody once found: each stays closed."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client as Browser

from accesscontrol.actions import assignments
from accesscontrol.actions.assignments import Wanted
from accesscontrol.models import Assignment
from applications.actions import applications, clients, manifests
from applications.actions.applications import Details
from applications.manifest import parse
from applications.models import Application, RequiredRole
from applications.models.applications import PORTAL_ID
from applications.policies import IsPortal
from iam_portal.gate import Actor
from iam_portal.launchers.doors import OWN_APPLICATION, doors
from iam_portal.walls import cross_tenant, tenant_scope
from tenants.actions import tenants as organizations
from tenants.models import HistoryEvent, Tenant
from tests.applications.sharing import register
from tests.support.factories import SYSTEM, make_tenant
from tests.support.knocking import NOBODY, Knocker, basic, service
from tests.support.proving import certified, pem

BASE = "/iam/application-management/v1/tenants"
EMPTY = {"resources": [], "roles": []}


def now() -> datetime:
    return datetime.now(UTC)


def narrowed(tenant: Tenant, name: str, scope: str, *roles: str) -> Knocker:
    """A service with these roles, and a token that asks for less."""
    made = register(tenant, name, now())
    _, secret = clients.add_secret(tenant=tenant, client_id=made.id, by=SYSTEM, at=now())
    for role in roles:
        wanted = Wanted(role=role, application_id=PORTAL_ID, principal_application_id=made.id)
        assignments.assign(tenant=tenant, wanted=wanted, by=SYSTEM, at=now())
    form = {"grant_type": "client_credentials", "scope": scope}
    kind = "application/x-www-form-urlencoded"
    reply = Browser().post("/oauth2/token", urlencode(form), kind, headers=basic(made.id, secret))
    token = reply.json()["access_token"]
    return Knocker(headers={"Authorization": f"Bearer {token}"})


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "rest", "body"),
    [
        ("PUT", "/manifest", EMPTY),
        ("PATCH", "", {"displayName": "Pwned"}),
        ("POST", "/clients", {"kind": "public", "redirectUris": ["https://evil.example/cb"]}),
        ("POST", f"/clients/{PORTAL_ID}/secrets", {}),
        ("POST", f"/clients/{PORTAL_ID}/keys", {"jwksUri": "https://evil.example/jwks"}),
        ("POST", f"/clients/{PORTAL_ID}/certificates", {"pem": pem(certified())}),
        (
            "POST",
            f"/clients/{PORTAL_ID}/trusted-issuers",
            {"issuer": "https://evil.example", "subject": "me"},
        ),
        ("PATCH", f"/clients/{PORTAL_ID}", {"redirectUris": ["https://evil.example/cb"]}),
    ],
)
def test_the_portal_itself_is_nobodys_to_change(method: str, rest: str, body: dict[str, Any]):
    platform = Tenant.objects.get(is_platform=True)
    manager = service(platform, "robot", "module-manager")
    before = Application.objects.filter(id=PORTAL_ID).values().get()
    reply = manager.knock(method, f"{BASE}/{platform.id}/applications/{PORTAL_ID}{rest}", json.dumps(body))
    assert (reply.status_code, reply.json()["code"]) == (409, "application_is_portal")
    assert Application.objects.filter(id=PORTAL_ID).values().get() == before
    person = Actor("user", "somebody", "Somebody", platform.id)
    with pytest.raises(IsPortal):
        portal = Application.objects.get(id=PORTAL_ID)
        manifests.declare(application=portal, manifest=parse(EMPTY), by=person, at=now())


@pytest.mark.django_db
def test_a_narrowed_token_carries_no_more_than_it_names():
    acme = make_tenant("acme", at=now())
    roles = ("module-manager", "user-reader")
    reader = narrowed(acme, "robot", f"aud:{PORTAL_ID} {PORTAL_ID}/user-reader", *roles)
    address = f"{BASE}/{acme.id}/applications"
    body = json.dumps({"name": "new", "displayName": "New"})
    assert reader.knock("GET", address).status_code == 200
    assert reader.knock("POST", address, body).status_code == 403
    whole = narrowed(acme, "other", f"aud:{PORTAL_ID}", *roles)
    assert whole.knock("POST", address, body).status_code == 201


@pytest.mark.django_db
def test_a_narrowed_token_does_not_write_as_the_whole_application():
    """A leaked one of a log reader declares no roles, keeps no resources, and learns of no tenant."""
    acme, stranger = make_tenant("acme", at=now()), make_tenant("secret-holding", at=now())
    reader = narrowed(
        acme, "robot", f"aud:{PORTAL_ID} {PORTAL_ID}/activity-log-reader", "activity-log-reader"
    )
    whole = narrowed(acme, "other", f"aud:{PORTAL_ID}", "activity-log-reader")
    own = [door for door in doors() if door.permission == OWN_APPLICATION]
    assert {door.method for door in own} >= {"GET", "PUT", "POST", "DELETE"}
    for door in own:
        for tenant_id in (acme.id, stranger.id, NOBODY):
            address = door.address.format(tenant_id=tenant_id, resource_type="urn:x", resource_id="x")
            reply = reader.knock(door.method, address)
            assert (reply.status_code == 403) is (door.method != "GET"), address
            if reply.status_code == 403:
                assert reply.json()["code"] == "forbidden"
                assert [reason["code"] for reason in reply.json()["reasons"]] == ["token_narrowed"]
            assert whole.knock(door.method, address).status_code != 403
    with cross_tenant():
        assert not HistoryEvent.objects.filter(action="door.refused").exists()


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["running", "suspended", "owner suspended", "retired", "unknown"])
def test_assigning_tells_nothing_of_a_strangers_application(state: str):
    acme, stranger = make_tenant("acme", at=now()), make_tenant("secret-holding", at=now())
    theirs = register(stranger, "skunk", now())
    if state == "suspended":
        applications.suspend(tenant=stranger, application_id=theirs.id, reason="", by=SYSTEM, at=now())
    elif state == "owner suspended":
        organizations.suspend(tenant=stranger, reason="", by=SYSTEM, at=now())
    elif state == "retired":
        applications.retire(tenant=stranger, application_id=theirs.id, by=SYSTEM, at=now())
    own = register(acme, "own", now())
    manager = service(acme, "robot", "access-manager")
    wanted = "nobody.nothing" if state == "unknown" else theirs.id
    body = {"principal": {"applicationId": own.id}, "role": {"applicationId": wanted, "key": "viewer"}}
    reply = manager.knock(
        "POST", f"/iam/access-management/v1/tenants/{acme.id}/assignments", json.dumps(body)
    )
    assert reply.status_code == 404
    assert reply.json()["detail"] == "There is no such role here."


@pytest.mark.django_db
def test_required_roles_tell_nothing_of_strangers():
    acme, stranger = make_tenant("acme", at=now()), make_tenant("secret-holding", at=now())
    theirs = register(stranger, "skunk", now())
    own = register(acme, "own", now())
    wanted = [{"applicationId": theirs.id, "role": "viewer"}, {"applicationId": "no.such", "role": "viewer"}]
    diff = manifests.declare(
        application=own, manifest=parse({**EMPTY, "requiredRoles": wanted}), by=SYSTEM, at=now(), dry_run=True
    )
    told = [line for line in diff.added if line.startswith("requiredRoles/")]
    assert told == ["requiredRoles/no.such/viewer", f"requiredRoles/{theirs.id}/viewer"]
    assert not RequiredRole.objects.exists()


@pytest.mark.django_db
def test_an_error_after_the_act_undoes_the_act():
    acme = make_tenant("acme", at=now())
    own = register(acme, "own", now())
    manager = service(acme, "robot", "module-manager")
    body = json.dumps({"displayName": "Changed"})
    with patch("applications.api.applications.readlist.read", return_value=[]):  # so the answer is a 404
        reply = manager.knock("PATCH", f"{BASE}/{acme.id}/applications/{own.id}", body)
    assert reply.status_code == 404
    assert Application.objects.get(id=own.id).display_name == "Own"


@pytest.mark.django_db
def test_a_suspended_application_is_not_let_in_by_its_secret():
    acme = make_tenant("acme", at=now())
    own = register(acme, "own", now())
    _, secret = clients.add_secret(tenant=acme, client_id=own.id, by=SYSTEM, at=now())
    header = "Basic " + base64.b64encode(f"{own.id}:{secret}".encode()).decode()
    caller = Knocker(headers={"Authorization": header})
    assert caller.knock("GET", "/iam/access-management/v1/application/acl").status_code == 200
    applications.suspend(tenant=acme, application_id=own.id, reason="", by=SYSTEM, at=now())
    for door in ("access-management/v1/application/acl", "application-management/v1/application/events"):
        assert caller.knock("GET", f"/iam/{door}").status_code == 401


@pytest.mark.usefixtures("committed_db")
def test_the_same_at_once_is_refused_and_not_broken():
    acme = make_tenant("acme", at=now())
    own = register(acme, "own", now())
    robot = register(acme, "robot", now())

    def once(act: Any) -> str:
        try:
            act()
        except Exception as refusal:
            return getattr(refusal, "code", "") or type(refusal).__name__
        finally:
            connection.close()
        return "done"

    def assign() -> None:
        wanted = Wanted(role="viewer", application_id=own.id, principal_application_id=robot.id)
        assignments.assign(tenant=acme, wanted=wanted, by=SYSTEM, at=now())

    def make() -> None:
        details = Details(name="twin", display_name="Twin")
        applications.register(owner=acme, details=details, by=SYSTEM, at=now(), application_id="acme.twin")

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(once, [assign] * 4)) == ["already_assigned"] * 3 + ["done"]
        assert sorted(pool.map(once, [make] * 4)) == ["application_id_taken"] * 3 + ["done"]
    with tenant_scope(acme.id):
        assert Assignment.objects.filter(application=robot).count() == 1
