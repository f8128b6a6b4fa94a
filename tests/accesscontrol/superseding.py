"""The meter under old and new ids: documents that supersede, and the story in which it declares them."""

import json
from datetime import datetime
from typing import Any

from accesscontrol.actions import assignments
from accesscontrol.actions.assignments import Wanted
from applications.actions import manifests
from applications.manifest import Diff, parse
from iam_portal.walls import tenant_scope
from tenants.models import HistoryEvent
from tests.accesscontrol.test_confirmed_roles import METER, Story
from tests.support.factories import SYSTEM
from tests.support.happening import BORN, Clock

OLD, NEW = {"type": "urn:test", "id": "machines"}, {"type": "urn:plant", "id": "robots"}
MACHINES = ("acme.meter", "urn:test", "machines", "read")


def document(
    resource: dict[str, str] = OLD, roles: dict[str, list[str]] | None = None, **supersedes: Any
) -> dict[str, Any]:
    """One resource and two roles; ``supersedes`` by the id of what it stands at."""
    held = roles or {"viewer": ["read"], "editor": ["read", "modify"]}
    address = {"resourceType": resource["type"], "resourceId": resource["id"]}
    known: dict[str, Any] = {
        "resources": [{**resource, "privileges": ["read", "modify"]}],
        "roles": [
            {"key": key, "permissions": [{**address, "privileges": privileges}]}
            for key, privileges in held.items()
        ],
    }
    for row in (*known["resources"], *known["roles"]):
        former = supersedes.get(row.get("id") or row["key"])
        if former:
            row["supersedes"] = former
    return known


NEXT = document(NEW, robots=OLD)
READER = document(roles={"reader": ["read"], "editor": ["read", "modify"]}, reader="viewer")
BOTH = document(NEW, {"reader": ["read"], "editor": ["read", "modify"]}, robots=OLD, reader="viewer")
WIDER = document(roles={"reader": ["read", "modify"], "editor": ["read", "modify"]}, reader="viewer")


class Line(Story):
    """The same, and asks for decisions."""

    def __init__(self) -> None:
        super().__init__()
        for slug, service in self.services.items():
            wanted = Wanted(role="user-reader", application_id="iam-portal", principal_application_id=service)
            assignments.assign(tenant=self.u.tenants[slug], wanted=wanted, by=SYSTEM, at=BORN)

    def static(self) -> list[dict[str, Any]]:
        """What the manifest declares, as the meter's ACL tells it."""
        return [entry for entry in self.acl()["resources"] if entry["kind"] == "static"]

    def allows(self, urn: str) -> frozenset[str]:
        """What the meter lets the bearer of a role do on beta's data, under whichever id it goes now."""
        beta = str(self.u.tenants["beta"].id)
        grants = [
            row for entry in self.static() if entry["owningTenantId"] == beta for row in entry["grants"]
        ]
        return frozenset(one for row in grants if row["role"] == urn for one in row["privileges"])

    def supersede(self, body: dict[str, Any], at: datetime | None = None) -> Diff:
        application = self.u.applications[METER]
        return manifests.declare(application=application, manifest=parse(body), by=SYSTEM, at=at or Clock.at)

    def decided(self, slug: str, caller: str, resource: dict[str, str], **more: Any) -> dict[str, Any]:
        body = {
            "principal": {"applicationId": caller},
            "applicationId": METER,
            "resourceType": resource["type"],
            "resourceId": resource["id"],
            "privilege": "read",
            **more,
        }
        tenant = self.u.tenants[slug]
        bearer = self.token(self.services[slug], slug, "aud:iam-portal")
        path = f"/iam/access-management/v1/tenants/{tenant.id}/decisions"
        headers = {"Authorization": f"Bearer {bearer}"}
        reply = self.browser.post(path, json.dumps(body), content_type="application/json", headers=headers)
        assert reply.status_code == 200, reply.content
        return dict(reply.json())

    def history(self, slug: str, action: str) -> list[Any]:
        tenant = self.u.tenants[slug]
        with tenant_scope(tenant.id):
            return list(HistoryEvent.objects.filter(tenant=tenant, action=action).order_by("id"))
