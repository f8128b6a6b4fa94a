"""A small town for whoever tries every door: something of each kind is there, and everybody may come.

Its rows are made by the real actions at the moment of telling; the doors that are knocked at read the clock.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.test import Client as Browser

from accesscontrol.portal_roles import ROLE_KEYS
from applications.actions import clients
from iam_portal.launchers.doors import Door
from tenants.models import Tenant
from tests.applications import sharing
from tests.support.factories import SYSTEM, make_group, make_partners, make_tenant, make_user
from tests.support.knocking import Knocker, address_of, basic, browser, person, service

METER = "acme.meter"
ACCESS = "/iam/access-management/v1/tenants/{tenant_id}/"
SHARING = "/iam/application-management/v1/tenants/{tenant_id}/"


@dataclass
class Town:
    """``visitors`` by what they are; ``rows`` by what addresses call them."""

    visitors: dict[str, Knocker]
    acme: Tenant
    rows: dict[str, Any] = field(default_factory=dict)

    def address(self, door: Door) -> str:
        """Where something is, as far as there is something."""
        return address_of(door, self.acme, **self.rows)

    def ask(self, who: str, method: str, path: str, *, revision: str = "", **body: Any) -> Any:
        """What the door answers to a request that must succeed; what it does stays done."""
        visitor = self.visitors[who]
        headers = {**visitor.headers, **({"If-Match": f'"{revision}"'} if revision else {})}
        browser = Browser(headers=headers)
        browser.cookies.load(visitor.cookies)
        address, _, query = path.format(**self.rows).partition("?")
        sent = json.dumps(body) if body else ""
        reply = browser.generic(method, address, sent, "application/json", QUERY_STRING=query)
        assert reply.status_code < 300, (reply.status_code, reply.content)
        return reply.json() if reply.content else None


def told() -> Town:
    """Within a transaction of the caller's."""
    at = datetime.now(UTC)
    acme, beta = make_tenant("acme", at=at), make_tenant("beta", at=at)
    partnership = make_partners(acme, beta, at=at)
    sharing.register(acme, "meter", at)
    contract = sharing.accepted(acme, beta, METER, at=at)
    user = make_user(acme, "jo", at=at)
    group = make_group(acme, members=(user,), at=at)
    secret, value = clients.add_secret(tenant=acme, client_id=METER, by=SYSTEM, at=at)
    rows = {
        "tenant_id": acme.id,
        "beta": beta.id,
        "realm": acme.id,
        "application_id": METER,
        "client_id": METER,
        "contract_id": contract.id,
        "partnership_id": partnership.id,
        "organization_id": beta.id,
        "user_id": user.id,
        "group_id": group.id,
        "secret_id": secret.id,
        "resource_type": "urn:test",
    }
    visitors = {
        "manager": browser(acme, person(acme, "administrator", *ROLE_KEYS)[1]),
        "plain user": browser(acme, person(acme, "plain")[1]),
        "application": Knocker(headers=basic(METER, value)),
        "outsider": service(beta, "robot", *ROLE_KEYS),
        "nobody": Knocker(),
    }
    town = Town(visitors, acme, {name: str(value) for name, value in rows.items()})
    _furnish(town)
    return town


def _furnish(town: Town) -> None:
    """What the manager makes by the doors themselves."""
    rows = town.rows
    permission = {"applicationId": METER, "resourceType": "urn:test", "resourceId": "machines"}
    held = [{**permission, "privileges": ["read"]}]
    role = town.ask("manager", "POST", f"{ACCESS}roles", key="operator", name="Operator", permissions=held)
    given = {"principal": {"userId": rows["user_id"]}, "role": {"key": "operator"}}
    types = ["iam.contract.paused.v1"]
    hook = town.ask("manager", "POST", f"{SHARING}webhooks", url="https://hooks.example.org/in", types=types)
    rows["key"], rows["webhook_id"] = role["key"], hook["webhookId"]
    rows["assignment_id"] = town.ask("manager", "POST", f"{ACCESS}assignments", **given)["assignmentId"]
