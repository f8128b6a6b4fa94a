"""The meter keeps resources of Beta's own, over HTTP; and who may do what with them."""

import json
from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse

from accesscontrol.actions import assignments, tenant_roles
from accesscontrol.actions.assignments import Wanted
from accesscontrol.actions.tenant_roles import Definition
from applications.models import Event
from iam_portal.walls import cross_tenant
from tenants.models import HistoryEvent, Tenant, User
from tests.accesscontrol.mirroring import Story
from tests.support.factories import SYSTEM
from tests.support.universe import basic

KIND = "urn:test"


def call(
    story: Story,
    method: str,
    tenant: Tenant | str,
    path: str = "",
    body: Any = None,
    /,
    *,
    application: str = "acme.meter",
    headers: Mapping[str, str] = {},
    query: str = "",
) -> HttpResponse:
    """By the application's own credentials. ``path``: what follows ``resources``."""
    tenant_id = tenant if isinstance(tenant, str) else str(tenant.id)
    address = f"/iam/access-management/v1/application/tenants/{tenant_id}/resources{path}"
    sent = {**basic(application, story.secrets[application]), **headers}
    data = "" if body is None else json.dumps(body)
    reply: HttpResponse = story.browser.generic(
        method, address, data, "application/json", headers=sent, QUERY_STRING=query
    )
    return reply


def put(
    story: Story, tenant: Tenant, key: str, *privileges: str, parent: str | None = None, **more: Any
) -> HttpResponse:
    """One resource; ``read`` where nothing else is said."""
    body = body_of(*privileges, parent=parent, name=more.pop("name", key))
    return call(story, "PUT", tenant, f"/{KIND}/{key}", {**body, **more.pop("body", {})}, **more)


def body_of(*privileges: str, parent: str | None = None, name: str = "Press") -> dict[str, Any]:
    body: dict[str, Any] = {"name": name, "privileges": list(privileges or ("read",))}
    return {**body, **({"parent": {"type": KIND, "id": parent}} if parent is not None else {})}


def item(key: str, *privileges: str, parent: str | None = None) -> dict[str, Any]:
    return {"resourceType": KIND, "resourceId": key, **body_of(*privileges, parent=parent, name=key)}


def role_over(story: Story, tenant: Tenant, key: str, *named: tuple[str, str]) -> None:
    """A role of the tenant's own making: (resource id, privilege)."""
    permissions = [("acme.meter", KIND, resource, privilege) for resource, privilege in named]
    made = Definition(key=key, name=key, description="", permissions=permissions)
    tenant_roles.define(tenant=tenant, definition=made, by=SYSTEM, at=story.at)


def give(story: Story, tenant: Tenant, user: User, role: str, application_id: str | None = None) -> None:
    wanted = Wanted(role=role, application_id=application_id, user_id=user.id)
    assignments.assign(tenant=tenant, wanted=wanted, by=SYSTEM, at=story.at)


def granted(story: Story, tenant: Tenant) -> dict[str, dict[str, list[str]]]:
    """Resource id → role key → privileges, as the application's ACL has it for one tenant."""
    return {
        entry["resourceId"]: {
            grant["role"].rpartition(":")[2]: grant["privileges"] for grant in entry["grants"]
        }
        for entry in story.snapshot(tenantId=str(tenant.id))["resources"]
    }


def recorded(tenant: Tenant) -> list[tuple[str, Any, Any]]:
    """What history says of resources there: action, before, after."""
    with cross_tenant():
        rows = HistoryEvent.objects.filter(tenant=tenant, action__startswith="resource.")
        return list(rows.order_by("id").values_list("action", "before", "after"))


def told(tenant: Tenant) -> list[dict[str, Any]]:
    """The events about resources in a tenant's stream."""
    with cross_tenant():
        rows = Event.objects.filter(type="iam.resource.changed.v1", tenant=tenant)
        return list(rows.order_by("id").values_list("data", flat=True))


def batch(story: Story, *items: Any, **more: Any) -> Any:
    """Many of Beta's."""
    return call(story, "POST", story.beta, ":batch", {"items": list(items)}, **more)
