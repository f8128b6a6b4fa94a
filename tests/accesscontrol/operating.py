"""The platform with its operator, and an organization of which he must not know who is in it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from applications.models import Contract
from iam_portal.walls import tenant_scope
from tenants.models import HistoryEvent, Tenant
from tests.applications.story import Party, party, share, signed_in
from tests.support import factories
from tests.support.knocking import person
from tests.support.once import made_once, savepoint

LIST = "platform/organizations"
SHARING, ACCESS = "application-management", "access-management"


@dataclass
class Installation:
    """``olga`` operates it; acme provides an application to beta."""

    platform: Tenant
    olga: Party
    acme: Party
    beta: Party
    contract: Contract

    def rest(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        api: str = SHARING,
        by: Party | None = None,
        **headers: str,
    ) -> Any:
        """What a session of the console is answered: Olga's, or that of somebody else."""
        who = by or self.olga
        address = f"/iam/{api}/v1/tenants/{who.tenant.id}/{path}"
        sent = "" if body is None else json.dumps(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return who.client.generic(method, address, sent, "application/json", headers=named)


def operator(name: str, *roles: str) -> Party:
    """Somebody in the platform tenant with these roles of the portal."""
    platform = Tenant.objects.get(is_platform=True)
    user, _ = person(platform, name, *roles)
    return Party(platform, user, signed_in(user, timezone.now()))


def set_up() -> Installation:
    """Within a transaction of the caller's."""
    acme, beta = party("acme"), party("beta")
    factories.make_partners(acme.tenant, beta.tenant, at=timezone.now())
    contract = share(acme, beta, acme.applications["planner"])
    olga = operator("olga", "organization-manager")
    return Installation(olga.tenant, olga, acme, beta, contract)


def text(reply: Any) -> str:
    """What is on the page."""
    return str(reply.content.decode())


def of(organization: Tenant, act: str = "") -> str:
    """The address of a page about it."""
    return f"{LIST}/{organization.pk}" + (f"/{act}" if act else "")


def history(tenant: Tenant) -> list[str]:
    """Its own record."""
    with tenant_scope(tenant.id):
        rows = HistoryEvent.objects.filter(tenant=tenant).order_by("id")
        return list(rows.values_list("action", flat=True))


@pytest.fixture(scope="module")
def shared(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Installation]:
    with made_once(django_db_blocker):
        yield set_up()


@pytest.fixture
def town(shared: Installation, django_db_blocker: DjangoDbBlocker) -> Iterator[Installation]:
    with savepoint(django_db_blocker):
        yield shared
