"""The user ACL: what the person of a token may do now, and to whom it is told."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from accesscontrol.actions import assignments, tenant_roles
from accesscontrol.actions.assignments import Wanted
from accesscontrol.actions.tenant_roles import Definition
from accesscontrol.oauth import tokens
from applications.actions import contracts, pauses
from applications.models import Resource
from iam_portal.walls import tenant_scope
from tenants.models import Tenant, User, since
from tests.accesscontrol.oauth.asking import BASE, METER, READER
from tests.accesscontrol.oauth.conftest import World, basic
from tests.accesscontrol.oauth.signed_in import SignedIn, claims_for, give, person, signed_in
from tests.support.factories import SYSTEM, make_partners, make_resource


@pytest.fixture
def jane(shared: World, settings: Any) -> User:
    settings.ROOT_URLCONF = "iam_portal.urls"
    return person(shared)


@pytest.fixture
def hers(shared: World, jane: User) -> SignedIn:
    return signed_in(shared, jane)


def ask(world: World, token: str, tenant: Tenant | UUID | None = None) -> Any:
    tenant_id = getattr(tenant, "id", tenant) or world.globex.id
    return world.browser.get(f"{BASE}/{tenant_id}/acl", headers={"Authorization": f"Bearer {token}"})


def can(world: World, token: str) -> dict[tuple[str, str], list[str]]:
    """By owning tenant and resource: the privileges."""
    reply = ask(world, token)
    assert reply.status_code == 200, reply.content
    return {
        (entry["owningTenantId"], entry["resourceId"]): entry["privileges"]
        for entry in reply.json()["resources"]
    }


def own(world: World, owner: Tenant, key: str, parent: Resource | None = None) -> None:
    with tenant_scope(owner.id):
        given = {"owner": owner, "parent": parent, "during": since(world.clock.start)}
        make_resource(METER, key, name="Press", privileges=("read", "modify"), **given)


def test_complete(shared: World, jane: User, hers: SignedIn) -> None:
    reply = ask(shared, hers.access_token)
    assert reply.json()["resources"] == []
    give(shared, jane)
    give(shared, jane, "editor")
    reply = ask(shared, hers.access_token)
    urn = f"urn:iam:application-role:{shared.globex.id}:{METER}:"
    assert reply.json() == {
        "applicationId": METER,
        "tenantId": str(shared.globex.id),
        "userId": str(jane.id),
        "generatedAt": shared.clock.at.isoformat().replace("+00:00", "Z"),
        "resources": [
            {
                "owningTenantId": str(shared.globex.id),
                "resourceType": "urn:test",
                "resourceId": "machines",
                "name": "machines",
                "kind": "static",
                "privileges": ["read", "modify"],
                "roles": [f"{urn}editor", f"{urn}viewer"],
            }
        ],
    }
    assert reply["Cache-Control"] == "no-store"


def test_a_narrowed_token_opens_less(shared: World, jane: User) -> None:
    give(shared, jane)
    give(shared, jane, "editor")
    token = signed_in(shared, jane, scope=f"aud:{METER} {METER}/viewer openid").access_token
    assert list(can(shared, token).values()) == [["read"]]


def test_parents_and_what_belongs_to_the_tenant(shared: World, jane: User, hers: SignedIn) -> None:
    machines = Resource.objects.get(application_id=METER, key="machines")
    own(shared, shared.globex, "press-4", machines)
    own(shared, shared.globex, "press-5")
    own(shared, shared.acme, "press-6", machines)
    give(shared, jane)
    globex = str(shared.globex.id)
    assert can(shared, hers.access_token) == {(globex, "machines"): ["read"], (globex, "press-4"): ["read"]}
    asked = [(METER, "urn:test", "machines", "read"), (METER, "urn:test", "press-5", "modify")]
    definition = Definition(key="night", name="Night", description="", permissions=asked)
    tenant_roles.define(tenant=shared.globex, definition=definition, by=SYSTEM, at=shared.clock.at)
    wanted = Wanted(role="night", user_id=jane.id)
    assignments.assign(tenant=shared.globex, wanted=wanted, by=SYSTEM, at=shared.clock.at)
    assert can(shared, hers.access_token)[globex, "press-5"] == ["modify"]


def test_other_peoples_data(shared: World, settings: Any) -> None:
    """By access contract, with what lies below on the provider's side; of nobody else."""
    settings.ROOT_URLCONF = "iam_portal.urls"
    machines = Resource.objects.get(application_id=METER, key="machines")
    for owner in (shared.globex, shared.acme, shared.neighbour):
        own(shared, owner, "press-4", machines)
    make_partners(shared.globex, shared.neighbour, at=shared.clock.start)
    first = shared.globex.contracts_received.get()
    contracts.end(tenant=shared.acme, contract_id=first.id, by=SYSTEM, at=shared.clock.forward(seconds=1))
    at = shared.clock.forward(seconds=1)
    shared.share(shared.acme, shared.globex, (METER, "viewer"), at=at, onward_access=True)
    access = shared.share(shared.globex, shared.neighbour, (METER, "viewer"), type="access", at=at)
    kim = person(shared, "kim", tenant=shared.neighbour)
    wanted = Wanted(role="viewer", application_id=METER, user_id=kim.pk, contract_id=access.id)
    assignments.assign(tenant=shared.neighbour, wanted=wanted, by=SYSTEM, at=at)
    token = signed_in(shared, kim).access_token
    told = ask(shared, token, shared.neighbour).json()["resources"]
    globex = str(shared.globex.id)
    assert [(entry["owningTenantId"], entry["resourceId"]) for entry in told] == [
        (globex, "machines"),
        (globex, "press-4"),
    ]
    pauses.pause(tenant=shared.globex, contract_id=access.id, by=SYSTEM, at=shared.clock.at)
    assert ask(shared, token, shared.neighbour).status_code == 401


def test_agrees_with_the_acl_of_the_application(shared: World, jane: User, hers: SignedIn) -> None:
    give(shared, jane)
    path = "/iam/access-management/v1/application/acl"
    headers = {"Authorization": basic(METER, shared.secrets[METER])}
    told = ask(shared, hers.access_token).json()["resources"]
    entries = shared.browser.get(path, headers=headers).json()["resources"]
    urns = {role for entry in told for role in entry["roles"]}
    looked_up = {
        (entry["owningTenantId"], entry["resourceId"]): sorted(
            privilege
            for grant in entry["grants"]
            if grant["role"] in urns
            for privilege in grant["privileges"]
        )
        for entry in entries
    }
    found = {(entry["owningTenantId"], entry["resourceId"]): entry["privileges"] for entry in told}
    assert found == {key: value for key, value in looked_up.items() if value}


def test_the_next_request_sees_the_change(shared: World, jane: User, hers: SignedIn) -> None:
    row = give(shared, jane)
    assert list(can(shared, hers.access_token).values()) == [["read"]]
    shared.clock.forward(seconds=1)
    shared.withdraw(row)
    assert can(shared, hers.access_token) == {}
    contract = shared.globex.contracts_received.get()
    pauses.pause(tenant=shared.acme, contract_id=contract.id, by=SYSTEM, at=shared.clock.at)
    assert ask(shared, hers.access_token).status_code == 401


def test_what_is_not_accepted(shared: World, jane: User, hers: SignedIn) -> None:
    """A service's, an ID token, a refresh token, one bound to a certificate, another tenant: one answer."""
    give(shared, jane)
    service = shared.token(READER, shared.globex, f"aud:{METER} openid").json()["access_token"]
    id_token = tokens.sign({**hers.claims, "aud": METER}, at=shared.clock.at, type=tokens.ID)
    bound = tokens.sign(claims_for(shared, hers.authorization, cnf={"x5t#S256": "x"}), at=shared.clock.at)
    bad = [service, id_token, hers.refresh_token, bound, "a.b.c", "ü"]
    replies = [ask(shared, token) for token in bad]
    replies += [ask(shared, hers.access_token, tenant) for tenant in (shared.acme, shared.neighbour, uuid4())]
    told = {(reply.status_code, reply["WWW-Authenticate"], reply.json()["code"]) for reply in replies}
    assert told == {(401, 'Bearer realm="iam-portal", error="invalid_token"', "authentication_failed")}
    for headers in ({}, {"Authorization": "Basic eDp5"}):
        reply = shared.browser.get(f"{BASE}/{shared.globex.id}/acl", headers=headers)
        assert (reply.status_code, reply["WWW-Authenticate"]) == (401, 'Bearer realm="iam-portal"')


def test_a_users_token_opens_no_other_door(shared: World, hers: SignedIn) -> None:
    headers = {"Authorization": f"Bearer {hers.access_token}"}
    for door in ("roles", "assignments"):
        assert shared.browser.get(f"{BASE}/{shared.globex.id}/{door}", headers=headers).status_code == 401


def test_any_page_may_ask_and_no_cookie_counts(shared: World, hers: SignedIn) -> None:
    path = f"{BASE}/{shared.globex.id}/acl"
    preflight = shared.browser.options(path, headers={"Origin": "https://app.example"})
    assert (preflight.status_code, preflight["Access-Control-Allow-Origin"]) == (204, "*")
    shared.browser.cookies[f"iam_session_{shared.globex.id.hex}"] = hers.cookie
    assert shared.browser.get(path).status_code == 401
    for reply in (ask(shared, hers.access_token), ask(shared, "a.b.c")):
        assert reply["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in reply
