"""Somebody at every door: people and services with one role each, and the addresses to try."""

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from django.test import Client as Browser
from django.urls.converters import IntConverter, UUIDConverter

from accesscontrol.actions import assignments
from accesscontrol.actions.assignments import Wanted
from accesscontrol.oauth.wire import FORM
from applications.actions import applications, clients
from applications.actions.applications import Details
from applications.models.applications import PORTAL_ID
from iam_portal.launchers.doors import Door
from tenants.http import cookie_name
from tenants.models import Tenant, User
from tests.support.factories import SYSTEM, make_user, sign_in

NOBODY = UUID("00000000-0000-4000-8000-000000000000")


@cache
def _browser(csrf: bool) -> Browser:
    """One for all: each builds the whole chain of middleware anew."""
    return Browser(enforce_csrf_checks=csrf, raise_request_exception=False)


@dataclass
class Knocker:
    """A browser or a service: what it sends along, and nothing else."""

    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    csrf: bool = False

    def knock(
        self,
        method: str,
        address: str,
        body: str | bytes = "{}",
        content_type: str = "application/json",
        query: str = "",
    ) -> HttpResponse:
        """The answer; what it changed is taken back, also when it broke the transaction."""
        browser = _browser(self.csrf)
        browser.cookies.clear()
        for name, value in self.cookies.items():
            browser.cookies[name] = value
        sent = b"" if method == "GET" else body
        with transaction.atomic():
            reply: HttpResponse = browser.generic(
                method, address, sent, content_type, headers=self.headers, QUERY_STRING=query
            )
            transaction.set_rollback(True)
        return reply


@dataclass
class House:
    """Acme, where everybody is somebody: a person and a service for each role of the portal.

    ``nobody`` holds no role. ``contracts``: what governs a contract → one of that type, proposed to acme.
    """

    acme: Tenant
    neighbour: Tenant
    people: dict[str, Knocker]
    services: dict[str, Knocker]
    administrator: Knocker
    outsider: Knocker
    outsiders_session: str
    nobody: Knocker
    contracts: dict[str, UUID]
    group: UUID


def address_of(door: Door, tenant: Tenant, **known: Any) -> str:
    """The door's address in a tenant; what is not known becomes the id of nothing."""
    values = {"slug": tenant.slug, "tenant_id": tenant.id, "realm": tenant.id}
    for name, converter in door.pattern.pattern.converters.items():
        if isinstance(converter, UUIDConverter):
            values.setdefault(name, NOBODY)
        elif isinstance(converter, IntConverter):
            values.setdefault(name, 4711)
        else:
            first = converter.regex.partition("|")[0]
            values.setdefault(name, first if first.isalpha() else "nobody.nothing")
    return door.address.format(**{**values, **known})


def basic(client_id: str, secret: str) -> dict[str, str]:
    """The header of a client with a secret."""
    return {"Authorization": f"Basic {base64.b64encode(f'{client_id}:{secret}'.encode()).decode()}"}


def give(tenant: Tenant, role: str, **principal: Any) -> None:
    """A role of the portal, by the installation."""
    wanted = Wanted(role=role, application_id=PORTAL_ID, **principal)
    assignments.assign(tenant=tenant, wanted=wanted, by=SYSTEM, at=datetime.now(UTC))


def person(tenant: Tenant, name: str, *roles: str) -> tuple[User, str]:
    """Somebody with these roles, and the session of his browser."""
    user = make_user(tenant, name, at=datetime.now(UTC))
    for role in roles:
        give(tenant, role, user_id=user.id)
    return user, sign_in(user, at=datetime.now(UTC))


def browser(tenant: Tenant, session: str, *, csrf: bool = False) -> Knocker:
    """A browser with a session cookie, which it shows as one of the tenant."""
    return Knocker(cookies={cookie_name(tenant.id): session}, csrf=csrf)


def service(tenant: Tenant, name: str, *roles: str) -> Knocker:
    """An application of the tenant with these roles there, and a token for the portal."""
    at = datetime.now(UTC)
    details = Details(name=name, display_name=name)
    made = applications.register(
        owner=tenant, details=details, by=SYSTEM, at=at, application_id=f"{tenant.slug}.{name}"
    )
    _, secret = clients.add_secret(tenant=tenant, client_id=made.id, by=SYSTEM, at=at)
    for role in roles:
        give(tenant, role, principal_application_id=made.id)
    form = {
        "grant_type": "client_credentials",
        "scope": f"aud:{PORTAL_ID}",
        "tenant_id": str(tenant.id),
    }
    headers = basic(made.id, secret)
    reply = _browser(False).post("/oauth2/token", urlencode(form), content_type=FORM, headers=headers)
    assert reply.status_code == 200, reply.content
    return Knocker(headers={"Authorization": f"Bearer {reply.json()['access_token']}"})
