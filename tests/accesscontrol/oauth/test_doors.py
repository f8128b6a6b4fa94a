"""Who is let in at the REST APIs."""

from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client as Browser

from accesscontrol.actions import portal
from tenants.http import cookie_name
from tests.accesscontrol.oauth.conftest import World, basic
from tests.support.factories import PASSWORD, make_user, sign_in

READER, METER = "globex.reader", "acme.meter"


@pytest.fixture
def bearer(shared: World) -> dict[str, str]:
    """The reader may read Modules in Globex."""
    shared.assign(shared.globex, READER, "iam-portal", "user-reader")
    return bearer_of(shared, "aud:iam-portal")


def bearer_of(world: World, scope: str, caller: str = READER) -> dict[str, str]:
    token = world.token(caller, world.globex, scope).json()["access_token"]
    return {"Authorization": f"Bearer {token}"}


def modules(world: World, tenant: Any = None, method: str = "get", **more: Any) -> Any:
    tenant_id = getattr(tenant or world.globex, "id", tenant)
    return getattr(world.browser, method)(f"/api/{tenant_id}/modules", **more)


def test_service_token(shared: World, bearer: dict[str, str]) -> None:
    response = modules(shared, headers=bearer)
    assert response.json() == {
        "kind": "service",
        "id": READER,
        "name": "Reader",
        "tenantId": str(shared.globex.id),
    }
    assert (
        modules(
            shared, headers={"Authorization": bearer["Authorization"].replace("Bearer", "bearer")}
        ).status_code
        == 200
    )


def test_lacks_the_permission(shared: World, bearer: dict[str, str]) -> None:
    """403 inside one's own tenant only, with the reason."""
    response = modules(shared, method="post", headers=bearer)
    assert response.status_code == 403
    assert response.json()["reasons"][0]["code"] == "permission_not_held"


def test_foreign_tenant_is_not_there(shared: World, bearer: dict[str, str]) -> None:
    found = {
        modules(shared, one, headers=bearer).content.replace(
            str(one if isinstance(one, str) else one.id).encode(), b"T"
        )
        for one in (shared.acme, shared.neighbour, str(uuid4()))
    }
    assert len(found) == 1
    assert b'"not_found"' in found.pop()


def test_anonymous(shared: World) -> None:
    for tenant in (shared.globex, str(uuid4())):
        response = modules(shared, tenant)
        assert (response.status_code, response["WWW-Authenticate"]) == (401, 'Bearer realm="iam-portal"')


def test_token_for_others_is_refused(shared: World, bearer: dict[str, str]) -> None:
    """Also a token that a list of audiences would carry here."""
    for header in (
        bearer_of(shared, f"aud:{METER}"),
        {"Authorization": "Bearer x"},
        {"Authorization": "Bearer "},
    ):
        response = modules(shared, headers=header)
        assert response.status_code == 401
        assert "invalid_token" in response["WWW-Authenticate"]


def test_decided_now(shared: World) -> None:
    row = shared.assign(shared.globex, READER, "iam-portal", "user-reader")
    header = bearer_of(shared, "aud:iam-portal")
    assert modules(shared, headers=header).status_code == 200
    shared.clock.forward(seconds=1)
    shared.withdraw(row)
    assert modules(shared, headers=header).status_code == 401


def test_expired(shared: World, bearer: dict[str, str]) -> None:
    shared.clock.forward(seconds=300)
    assert modules(shared, headers=bearer).status_code == 401


class TestSession:
    """The web UI's cookie."""

    @pytest.fixture
    def signed_in(self, shared: World) -> Browser:
        world = shared
        user = make_user(world.globex, at=world.clock.start)
        portal.make_first_administrator(tenant=world.globex, user=user, at=world.clock.start)
        browser = Browser(enforce_csrf_checks=True)
        browser.cookies[cookie_name(world.globex.id)] = sign_in(user, password=PASSWORD, at=world.clock.at)
        world.browser = browser
        return browser

    def test_reads(self, shared: World, signed_in: Browser) -> None:
        body = modules(shared).json()
        assert (body["kind"], body["name"]) == ("user", "Jane")

    def test_writes_with_csrf_token_only(self, shared: World, signed_in: Browser) -> None:
        assert modules(shared, method="post").status_code == 403
        signed_in.cookies["csrftoken"] = "a" * 32
        headers = {"X-CSRFToken": "a" * 32}
        assert modules(shared, method="post", headers=headers).status_code == 201
        assert modules(shared, method="post", headers={"X-CSRFToken": "b" * 32}).status_code == 403

    def test_cookie_of_another_tenant(self, shared: World, signed_in: Browser) -> None:
        """Under its own name it is nobody's; under the other's it is unknown there."""
        value = signed_in.cookies[cookie_name(shared.globex.id)].value
        assert modules(shared, shared.acme).status_code == 401
        signed_in.cookies[cookie_name(shared.acme.id)] = value
        assert modules(shared, shared.acme).status_code == 401
        signed_in.cookies[cookie_name(shared.globex.id)] = "made-up"
        assert modules(shared).status_code == 401

    def test_idle(self, shared: World, signed_in: Browser) -> None:
        shared.clock.forward(hours=2)
        assert modules(shared).status_code == 401


class TestOwnApplication:
    def get(self, world: World, header: dict[str, str]) -> Any:
        return world.browser.get("/api/application/self", headers=header)

    def test_own_credentials(self, shared: World) -> None:
        response = self.get(shared, {"Authorization": basic(READER, shared.secrets[READER])})
        assert response.json() == {"applicationId": READER, "tenantId": str(shared.globex.id)}

    def test_service_token(self, shared: World, bearer: dict[str, str]) -> None:
        assert self.get(shared, bearer).json()["applicationId"] == READER

    def test_refused(self, shared: World) -> None:
        for header in (
            {},
            {"Authorization": basic(READER, "wrong")},
            {"Authorization": "Basic x"},
            bearer_of(shared, f"aud:{METER}"),
        ):
            response = self.get(shared, header)
            assert response.status_code == 401
            assert response["WWW-Authenticate"].startswith("Basic ")


class TestDeclared:
    def test_single(self, shared: World, bearer: dict[str, str]) -> None:
        assert shared.browser.get(f"/api/{shared.globex.id}/single", headers=bearer).status_code == 200

    def test_undeclared_is_a_mistake_of_ours(self, shared: World) -> None:
        with pytest.raises(ImproperlyConfigured):
            shared.browser.get(f"/api/{shared.globex.id}/undeclared")
        with pytest.raises(ImproperlyConfigured):
            modules(shared, method="delete")

    def test_method_that_is_not_served(self, shared: World, bearer: dict[str, str]) -> None:
        assert modules(shared, method="put", headers=bearer).status_code == 405
        assert modules(shared, method="options", headers=bearer).status_code == 405
        assert modules(shared, method="head", headers=bearer).status_code == 200
