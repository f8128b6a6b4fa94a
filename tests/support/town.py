"""A small town for whoever tries every door: something of each kind is there, and everybody may come.

Its rows are made by the real actions at the moment of telling; the doors that are knocked at read the clock.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.test import Client as Browser

from accesscontrol.portal_roles import ROLE_KEYS
from applications.actions import clients
from tests.applications import sharing
from tests.support.factories import SYSTEM, make_group, make_partners, make_tenant, make_user
from tests.support.knocking import Knocker, basic, browser, person, service

METER = "acme.meter"
ACCESS, SHARING = "/iam/access-management/v1/tenants/{}/", "/iam/application-management/v1/tenants/{}/"


@dataclass
class Town:
    """``visitors`` by what they are; ``rows`` by what addresses call them."""

    visitors: dict[str, Knocker] = field(default_factory=dict)
    rows: dict[str, Any] = field(default_factory=dict)


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
        "realm": acme.id,
        "application_id": METER,
        "client_id": METER,
        "contract_id": contract.id,
        "partnership_id": partnership.id,
        "organization_id": beta.id,
        "user_id": user.id,
        "group_id": group.id,
        "secret_id": secret.id,
    }
    visitors = {
        "manager": browser(acme, person(acme, "administrator", *ROLE_KEYS)[1]),
        "plain user": browser(acme, person(acme, "plain")[1]),
        "application": Knocker(headers=basic(METER, value)),
        "outsider": service(beta, "robot", *ROLE_KEYS),
        "nobody": Knocker(),
    }
    town = Town(visitors, {name: str(value) for name, value in rows.items()})
    _furnish(town)
    return town


def _furnish(town: Town) -> None:
    """What the manager makes by the doors themselves."""
    rows, manager = town.rows, town.visitors["manager"]
    browser = Browser(headers=manager.headers)
    browser.cookies.load(manager.cookies)

    def make(root: str, path: str, **body: Any) -> dict[str, Any]:
        reply = browser.post(root.format(rows["tenant_id"]) + path, body, "application/json")
        assert reply.status_code == 201, reply.content
        return dict(reply.json())

    permission = {"applicationId": METER, "resourceType": "urn:test", "resourceId": "machines"}
    role = make(
        ACCESS, "roles", key="operator", name="Operator", permissions=[{**permission, "privileges": ["read"]}]
    )
    given = {"principal": {"userId": rows["user_id"]}, "role": {"key": "operator"}}
    hook = make(SHARING, "webhooks", url="https://hooks.example.org/in", types=["iam.contract.paused.v1"])
    rows["key"], rows["webhook_id"] = role["key"], hook["webhookId"]
    rows["assignment_id"] = make(ACCESS, "assignments", **given)["assignmentId"]
