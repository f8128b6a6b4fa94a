"""Acme makes, Globex uses, a neighbour has the same names; and a clock that tests set."""

import base64
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client as Browser
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from accesscontrol.actions import assignments, keys, portal
from accesscontrol.actions.assignments import Wanted
from accesscontrol.models import Assignment
from accesscontrol.oauth.wire import FORM
from applications.actions import applications, clients, contracts, manifests
from applications.actions.applications import Details
from applications.actions.drafts import Offer
from applications.manifest import parse
from applications.models import Application, Client, Contract
from tenants.models import Tenant
from tests.support.factories import SYSTEM, make_partners, make_tenant

MANIFEST = {
    "resources": [{"type": "urn:test", "id": "machines", "privileges": ["read", "modify"]}],
    "roles": [
        {
            "key": key,
            "permissions": [
                {"resourceType": "urn:test", "resourceId": "machines", "privileges": [privilege]}
            ],
        }
        for key, privilege in (("viewer", "read"), ("editor", "modify"))
    ],
}


@dataclass
class Clock:
    """What the views take for now."""

    # Migrations set the portal up at the real moment: stories begin after it, on a full second.
    start: datetime = field(
        default_factory=lambda: datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    )
    at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.at = self.start + timedelta(minutes=10)

    def forward(self, **delta: float) -> datetime:
        self.at += timedelta(**delta)
        return self.at


class Caller(Browser):
    """Posts forms as OAuth clients do, where the framework's own would send multipart."""

    def post(self, path: str, data: Any = None, content_type: str = FORM, **more: Any) -> Any:  # type: ignore[override]
        body = urlencode(data, doseq=True) if content_type == FORM and isinstance(data, dict) else data
        return super().post(path, body, content_type=content_type, **more)


def basic(client_id: str, secret: str, scheme: str = "Basic") -> str:
    """An Authorization header with both parts urlencoded (RFC 6749 §2.3.1)."""
    return f"{scheme} {base64.b64encode(f'{quote(client_id)}:{quote(secret)}'.encode()).decode()}"


@dataclass
class World:
    """Makes what a story needs, through the real actions, and calls the endpoints."""

    clock: Clock
    acme: Tenant
    globex: Tenant
    neighbour: Tenant
    secrets: dict[str, str] = field(default_factory=dict)
    browser: Browser = field(default_factory=Caller)

    def application(self, owner: Tenant, name: str) -> Application:
        made = applications.register(
            owner=owner,
            details=Details(name=name, display_name=name.capitalize()),
            by=SYSTEM,
            at=self.clock.start,
            application_id=f"{owner.slug}.{name}",
        )
        manifests.declare(application=made, manifest=parse(MANIFEST), by=SYSTEM, at=self.clock.start)
        _, self.secrets[made.id] = clients.add_secret(
            tenant=owner, client_id=made.id, by=SYSTEM, at=self.clock.start
        )
        return made

    def share(
        self,
        provider: Tenant,
        consumer: Tenant,
        *roles: tuple[str, str],
        type: str = "provision",
        at: datetime | None = None,
        **dates: datetime,
    ) -> Contract:
        at = at or self.clock.start
        offer = Offer(type=type, roles=roles, **dates)
        row = contracts.draft(provider=provider, consumer_id=consumer.id, offer=offer, by=SYSTEM, at=at)
        contracts.propose(tenant=provider, contract_id=row.id, by=SYSTEM, at=at)
        return contracts.accept(tenant=consumer, contract_id=row.id, by=SYSTEM, at=at)

    def assign(
        self, tenant: Tenant, caller: str, target: str, role: str = "viewer", **more: Any
    ) -> Assignment:
        wanted = Wanted(role=role, application_id=target, principal_application_id=caller, **more)
        return assignments.assign(tenant=tenant, wanted=wanted, by=SYSTEM, at=self.clock.at)

    def withdraw(self, row: Assignment) -> None:
        assignments.withdraw(tenant=row.tenant, assignment_id=row.id, by=SYSTEM, at=self.clock.at)

    def set_client(self, client_id: str, **columns: Any) -> None:
        Client.objects.filter(client_id=client_id).update(**columns)

    def token(
        self, caller: str, tenant: Tenant | str, scope: str | None = None, /, **form: Any
    ) -> HttpResponse:
        """Client credentials by Basic at the tenant's token endpoint."""
        tenant_id = tenant.id if isinstance(tenant, Tenant) else tenant
        path = f"/iam/access-management/v1/tenants/{tenant_id}/openid-connect/token"
        body = {"grant_type": "client_credentials", **({"scope": scope} if scope is not None else {}), **form}
        return self.post(path, caller, body)

    def post(self, path: str, caller: str | None, form: dict[str, Any]) -> HttpResponse:
        headers = {"Authorization": basic(caller, self.secrets[caller])} if caller else {}
        return self.browser.post(path, form, headers=headers)

    def introspect(self, caller: str, tenant: Tenant, token: str) -> HttpResponse:
        path = f"/iam/access-management/v1/tenants/{tenant.id}/openid-connect/token/introspect"
        return self.post(path, caller, {"token": token})


def claims_of(response: HttpResponse) -> dict[str, Any]:
    """The claims of the token in a reply, unverified."""
    assert response.status_code == 200, response.content
    payload = response.json()["access_token"].split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return claims


def said(response: Any) -> dict[str, Any]:
    """The body of a refusal at the token endpoint."""
    assert response.status_code == 400, response.content
    assert response["Content-Type"] == "application/json;charset=UTF-8"
    assert response["Cache-Control"] == "no-store"
    body: dict[str, Any] = response.json()
    return body


def two_targets(world: World) -> None:
    """A second application that the reader may call."""
    world.application(world.acme, "billing")
    world.share(world.acme, world.globex, ("acme.billing", "viewer"))
    world.assign(world.globex, "globex.reader", "acme.billing")


def _browser(test: pytest.Item) -> Browser:
    """With ``IAM_TEST_BOTH_WAYS=1``, every request of these tests goes both ways, and both say the same.

    Tests that count what one request does say ``one_way``.
    """
    if not os.environ.get("IAM_TEST_BOTH_WAYS") or test.get_closest_marker("one_way"):
        return Caller()
    return import_module("tests.support.shortened").BothWays()


@pytest.fixture(scope="module")
def story(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """Globex has Acme's meter by provision; its own reader may view it. The neighbour has both names too.

    Told once for each module, in a transaction that stays open; every test works in a savepoint of it.
    """
    with django_db_blocker.unblock(), transaction.atomic():
        clock = Clock()
        portal.install(at=clock.start)
        acme, globex, neighbour = (
            make_tenant(slug, at=clock.start) for slug in ("acme", "globex", "neighbour")
        )
        make_partners(acme, globex, at=clock.start)
        world = World(clock, acme, globex, neighbour)
        for owner in (acme, neighbour):
            world.application(owner, "meter")
        for owner in (globex, neighbour):
            world.application(owner, "reader")
        world.share(acme, globex, ("acme.meter", "viewer"), ("acme.meter", "editor"))
        world.assign(globex, "globex.reader", "acme.meter")
        world.assign(neighbour, "neighbour.reader", "neighbour.meter")
        yield world
        transaction.set_rollback(True)
    connection.close()


@pytest.fixture
def shared(
    request: pytest.FixtureRequest,
    story: World,
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[World]:
    """The story, for one test: what it changes is taken back."""
    settings.ROOT_URLCONF = "tests.accesscontrol.oauth.doors"
    monkeypatch.setattr(timezone, "now", lambda: story.clock.at)
    with django_db_blocker.unblock(), transaction.atomic():
        story.clock.reset()
        keys.forget()
        keys.jwks(at=story.clock.at)  # as a process that has served before
        world = replace(story, secrets=dict(story.secrets), browser=_browser(request.node))
        yield world
        transaction.set_rollback(True)
    keys.forget()
