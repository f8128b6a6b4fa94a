"""A directory at the SCIM doors of acme, and a neighbour who has the same names."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from accesscontrol.actions import scim_tokens
from iam_portal.gate import Actor
from iam_portal.walls import tenant_scope
from tenants.models import Group, HistoryEvent, Tenant, User
from tests.applications.story import Party, party
from tests.support import factories
from tests.support.once import made_once, savepoint

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


def token_of(tenant: Tenant, maker: Actor, *, welcome: str = "none", at: datetime | None = None) -> str:
    """A SCIM token's value."""
    at = at or timezone.now()
    with tenant_scope(tenant.id):
        _row, value = scim_tokens.make(
            tenant=tenant,
            note="Directory",
            welcome=welcome,
            by=maker,
            at=at,
            expires_at=at + timedelta(days=90),
        )
    return value


@dataclass
class Directory:
    """What an organization's directory sends with its token."""

    party: Party
    token: str
    browser: Client = field(default_factory=Client)

    @property
    def tenant(self) -> Tenant:
        return self.party.tenant

    def address(self, path: str, tenant_id: Any = None) -> str:
        return f"/iam/scim/v2/tenants/{tenant_id or self.tenant.id}/{path}"

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        tenant_id: Any = None,
        token: str = "",
        **headers: str,
    ) -> Any:
        address, _, query = self.address(path, tenant_id).partition("?")
        sent = "" if body is None else body if isinstance(body, str) else json.dumps(body)
        given = {"Authorization": f"Bearer {token or self.token}", **headers}
        return self.browser.generic(
            method, address, sent, "application/scim+json", headers=given, QUERY_STRING=query
        )

    def get(self, path: str, **headers: str) -> Any:
        return self.send("GET", path, **headers)

    def found(self, path: str, filter: str, **query: str) -> list[str]:
        """The names of what a filter finds."""
        reply = self.browser.get(
            self.address(path), {"filter": filter, **query}, headers={"Authorization": f"Bearer {self.token}"}
        )
        assert reply.status_code == 200, reply.content
        return [each.get("userName") or each["displayName"] for each in reply.json()["Resources"]]

    def make(self, name: str, **more: Any) -> dict[str, Any]:
        """A person, as most directories make one."""
        body = {"schemas": [USER], "userName": f"{name}@example.org", "active": True, **more}
        reply = self.send("POST", "Users", body)
        assert reply.status_code == 201, reply.content
        return dict(reply.json())

    def make_group(self, name: str, *members: str, **more: Any) -> dict[str, Any]:
        body = {"schemas": [GROUP], "displayName": name, **more}
        if members:
            body["members"] = [{"value": each} for each in members]
        reply = self.send("POST", "Groups", body)
        assert reply.status_code == 201, reply.content
        return dict(reply.json())

    def patch(self, path: str, *operations: dict[str, Any], **headers: str) -> Any:
        return self.send("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)}, **headers)

    def user(self, user_id: str) -> User:
        with tenant_scope(self.tenant.id):
            return User.everyone.get(pk=user_id)

    def group(self, name: str) -> Group:
        with tenant_scope(self.tenant.id):
            return Group.objects.get(tenant=self.tenant, name=name)

    def history(self) -> list[tuple[str, str]]:
        with tenant_scope(self.tenant.id):
            rows = HistoryEvent.objects.filter(tenant=self.tenant).order_by("id")
            return list(rows.values_list("action", "actor_kind"))


@pytest.fixture(scope="module")
def both(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Directory]]:
    settings.STATIC_ROOT = str(tmp_path_factory.mktemp("static"))
    with made_once(django_db_blocker):
        made = {}
        for slug in ("acme", "neighbour"):
            each = party(slug)
            made[slug] = Directory(each, token_of(each.tenant, each.actor))
            at = each.tenant.created_at
            joe = factories.make_user(each.tenant, "joe", at=at)
            factories.make_group(each.tenant, "Depots", members=(joe,), at=at)
        yield made


@pytest.fixture
def acme(both: dict[str, Directory], django_db_blocker: DjangoDbBlocker) -> Iterator[Directory]:
    with savepoint(django_db_blocker):
        yield Directory(both["acme"].party.fork(), both["acme"].token)


@pytest.fixture
def neighbour(acme: Directory, both: dict[str, Directory]) -> Directory:
    return Directory(both["neighbour"].party.fork(), both["neighbour"].token)
