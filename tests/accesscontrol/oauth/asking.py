"""A service of a tenant that reads roles, and so may ask who may do what there."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from accesscontrol.actions import assignments
from accesscontrol.actions.assignments import Wanted
from tenants.models import Tenant
from tests.accesscontrol.oauth.conftest import World
from tests.support.factories import SYSTEM

BASE = "/iam/access-management/v1/tenants"
METER, READER = "acme.meter", "globex.reader"


@dataclass
class Asker:
    """Asks at the doors of one tenant with a service token for the portal."""

    world: World
    tenant: Tenant
    bearer: dict[str, str] = field(default_factory=dict)

    def post(self, door: str, body: Any, tenant: Tenant | UUID | None = None) -> Any:
        tenant_id = getattr(tenant, "id", tenant) or self.tenant.id
        return self.world.browser.post(
            f"{BASE}/{tenant_id}/{door}", body, content_type="application/json", headers=self.bearer
        )

    def get(self, door: str, tenant: Tenant | None = None, **headers: str) -> Any:
        path = f"{BASE}/{(tenant or self.tenant).id}/{door}"
        return self.world.browser.get(path, headers={**self.bearer, **headers})

    def decide(self, principal: dict[str, Any], **asked: Any) -> dict[str, Any]:
        """The answer about the meter's machines."""
        reply = self.post("decisions", question(principal, **asked))
        assert reply.status_code == 200, reply.content
        body: dict[str, Any] = reply.json()
        assert bool(body["reasons"])
        return body


def question(principal: dict[str, Any], **asked: Any) -> dict[str, Any]:
    return {
        "principal": {name: str(value) for name, value in principal.items()},
        "applicationId": METER,
        "resourceType": "urn:test",
        "resourceId": "machines",
        "privilege": "read",
        **asked,
    }


def asker(world: World, tenant: Tenant, caller: str = "") -> Asker:
    """A service that holds the portal's role user-reader there."""
    caller = caller or f"{tenant.slug}.desk"
    if caller not in world.secrets:
        world.application(tenant, caller.partition(".")[2])
    world.assign(tenant, caller, "iam-portal", "user-reader")
    reply = world.token(caller, tenant, "aud:iam-portal")
    assert reply.status_code == 200, reply.content
    return Asker(world, tenant, {"Authorization": f"Bearer {reply.json()['access_token']}"})


def assign(world: World, tenant: Tenant, role: str, application_id: str | None = METER, **more: Any) -> None:
    wanted = Wanted(role=role, application_id=application_id, **more)
    assignments.assign(tenant=tenant, wanted=wanted, by=SYSTEM, at=world.clock.at)


def codes(reasons: Iterator[Any] | list[Any]) -> list[str]:
    return [each["code"] for each in reasons]
