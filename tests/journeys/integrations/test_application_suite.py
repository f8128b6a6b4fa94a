"""A multi-tenant application suite: its applications call each other in the tenants that they serve."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from iam_portal.launchers.story_check import Credentials
from tests.support.browsing import Login
from tests.support.console import Console
from tests.support.portal import RunningPortal
from tests.support.sending import basic, issued, post, refused
from tests.support.signing_in import Pkce, Relying, Visitor
from tests.support.stage import Stage, made_of, registered

pytestmark = pytest.mark.journey
BACK = "http://127.0.0.1:9/app"  # nobody asks there


@dataclass
class Suite:
    """One application that is shared with the consumer, and another one that calls it there."""

    portal: RunningPortal
    stage: Stage
    caller: Credentials
    owner: Console  # of the caller

    @property
    def target(self) -> Credentials:
        return self.stage.target

    @property
    def connect(self) -> str:
        tenant_id = self.stage.consumer.tenant_id
        return f"/iam/access-management/v1/tenants/{tenant_id}/openid-connect"

    def token(self, scope: str, **headers: str) -> requests.Response:
        form = {"grant_type": "client_credentials", "scope": scope}
        headers = headers or {"Authorization": basic(self.caller)}
        return post(self.portal, f"{self.connect}/token", form, **headers)

    def introspect(self, token: str, by: Credentials) -> Any:
        form = {"token": token, "token_type_hint": "access_token"}
        reply = post(self.portal, f"{self.connect}/token/introspect", form, Authorization=basic(by))
        assert reply.status_code == 200
        return reply.json()

    def get(self, path: str, authorization: str, **headers: str) -> requests.Response:
        headers["Authorization"] = authorization
        return requests.get(self.portal.address + path, headers=headers, timeout=20)


@pytest.fixture(scope="module")
def suite(running_portal: RunningPortal) -> Iterator[Suite]:
    stage = made_of(running_portal.story)
    stage.caller = registered(stage.consumer)
    stage.share()
    return Suite(running_portal, stage, stage.caller, Console.of(running_portal, "consumer"))


def test_a_token_by_basic(suite: Suite) -> None:
    body = issued(suite.token(f"aud:{suite.target.client_id} openid"))

    assert body["scope"] == f"aud:{suite.target.client_id} openid"
    seen = suite.introspect(body["access_token"], suite.target)
    assert seen["active"] is True
    assert seen["aud"] == suite.target.client_id, "a text, not a list"
    assert seen["client_id"] == suite.caller.client_id
    tenant_id = suite.stage.consumer.tenant_id
    assert seen["roles"] == [f"urn:iam:application-role:{tenant_id}:{suite.target.client_id}:viewer"]
    assert suite.introspect(body["access_token"], suite.caller) == {"active": False}


def test_a_token_by_form_where_the_client_is_registered_so(suite: Suite) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": suite.caller.client_id,
        "client_secret": suite.caller.secret,
        "scope": f"aud:{suite.target.client_id} openid",
    }

    refused(post(suite.portal, f"{suite.connect}/token", form), "invalid_client")
    suite.owner.change_client(suite.caller.client_id, secretEitherWay=True)
    issued(post(suite.portal, f"{suite.connect}/token", form))
    issued(suite.token(f"aud:{suite.target.client_id} openid"))
    suite.owner.change_client(
        suite.caller.client_id, secretEitherWay=False, authenticationMethod="client_secret_post"
    )
    issued(post(suite.portal, f"{suite.connect}/token", form))
    refused(suite.token(f"aud:{suite.target.client_id} openid"), "invalid_client")
    suite.owner.change_client(suite.caller.client_id, authenticationMethod="client_secret_basic")


def test_what_is_not_shared_is_refused_with_the_known_words(suite: Suite) -> None:
    for name in ("nobody.nothing", suite.portal.story["provider"]["automation"]["clientId"]):
        body = refused(suite.token(f"aud:{name} openid"), "invalid_scope")
        said = f"KC-5: No client match found. Invalid scopes: [aud:{name}]"
        assert body["error_description"] == said
        assert body["reason"] == "application_not_available"


def test_the_applications_of_a_tenant_are_read(suite: Suite) -> None:
    tenant_id = suite.stage.consumer.tenant_id
    path = f"/iam/application-management/v1/tenants/{tenant_id}/applications"
    bearer = f"Bearer {suite.stage.consumer.new_token()}"

    reply = suite.get(path, bearer)

    assert reply.status_code == 200
    assert reply.json()["next"] is None, "complete, for callers that never page"
    (found,) = [item for item in reply.json()["items"] if item["applicationId"] == suite.target.client_id]
    assert found["owningTenantId"] == suite.stage.provider.tenant_id
    assert found["relation"] == "provision"
    assert found["available"] is True
    assert suite.get(f"{path}/{suite.target.client_id}", bearer).json()["name"] == found["name"]


def test_an_application_reads_its_own_acl(suite: Suite) -> None:
    path = "/iam/access-management/v1/application/acl"

    reply = suite.get(path, basic(suite.target))

    assert reply.status_code == 200
    assert reply.json()["applicationId"] == suite.target.client_id
    tenants = {entry["owningTenantId"] for entry in reply.json()["resources"]}
    assert tenants == {suite.stage.provider.tenant_id, suite.stage.consumer.tenant_id}
    (entry,) = [
        entry
        for entry in reply.json()["resources"]
        if entry["owningTenantId"] == suite.stage.consumer.tenant_id
    ]
    role = f"urn:iam:application-role:{suite.stage.consumer.tenant_id}:{suite.target.client_id}:viewer"
    assert entry["grants"] == [{"role": role, "privileges": ["read"]}]
    again = suite.get(path, basic(suite.target), **{"If-None-Match": reply.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_client_id_tells_who_is_calling(suite: Suite) -> None:
    """Its own id or that of its front end: a person. Any other: a service."""
    target = suite.target.client_id
    owner = Console.of(suite.portal, "provider")
    made = {"kind": "public", "redirectUris": [BACK]}
    owner.call("POST", f"applications/{target}/clients", made)
    owner.change_client(target, redirectUris=[BACK])
    visitor = Visitor(Login.of(suite.portal.story["consumer"]))
    realm = suite.portal.address + suite.connect

    confidential = Relying(realm, (target, suite.target.secret), BACK).signed_in(visitor)
    frontend = public(realm, f"{target}-frontend", visitor)
    service = issued(suite.token(f"aud:{target}"))

    seen = {
        answer["client_id"]: answer["caller"]["kind"]
        for answer in (
            suite.introspect(given["access_token"], suite.target)
            for given in (confidential, frontend, service)
        )
    }
    assert seen == {target: "user", f"{target}-frontend": "user", suite.caller.client_id: "service"}


def public(realm: str, client_id: str, visitor: Visitor) -> dict[str, Any]:
    """What a page's own code gets, without any secret."""
    relying = Relying(realm, (client_id, ""), BACK, Pkce())
    form = {
        "grant_type": "authorization_code",
        "client_id": client_id,
        "code": relying.code(visitor),
        "redirect_uri": BACK,
        "code_verifier": relying.pkce.verifier,
    }
    return issued(requests.post(f"{realm}/token", form, timeout=20), "refresh_token", "id_token")
