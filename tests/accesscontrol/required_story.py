"""Acme's planner requires roles of other applications; it is proposed to beta."""

from copy import copy
from dataclasses import dataclass
from typing import Any

from django.test import Client
from django.utils import timezone

from accesscontrol.models import Assignment
from applications.actions import contracts
from applications.actions.drafts import Offer
from applications.actions.manifests import declare
from applications.manifest import parse
from applications.models import Contract
from iam_portal.walls import tenant_scope
from tests.applications.story import Party

PLANNER, METER = "acme.fleet-planner", "acme.meter"
STRANGERS, NOBODYS = "gamma.fleet-planner", "gamma.nothing"
ASKED = [
    (METER, "reader"),
    (METER, "planner"),
    (METER, "nothing"),
    (STRANGERS, "reader"),
    (NOBODYS, "reader"),
]


def require(owner: Party, *asked: tuple[str, str]) -> None:
    """The planner's manifest, with what it requires."""
    document = {
        "resources": [
            {"type": "urn:fleet:tour", "id": "tours", "name": "Tours", "privileges": ["read", "modify"]}
        ],
        "roles": [{"key": "reader"}, {"key": "planner"}],
        "requiredRoles": [{"applicationId": pk, "role": role} for pk, role in asked],
    }
    application = owner.applications["planner"]
    declare(application=application, manifest=parse(document), by=owner.actor, at=timezone.now())


@dataclass
class Story:
    """acme proposes its planner, which requires roles of others, and its meter to beta. gamma is no party."""

    acme: Party
    beta: Party
    gamma: Party
    contract: Contract

    def fork(self) -> "Story":
        return Story(self.acme.fork(), self.beta.fork(), self.gamma.fork(), copy(self.contract))

    def accept(self, *asked: tuple[str, str], client: Client | None = None, of: str = PLANNER) -> Any:
        ticks = [{"applicationId": of, "requires": {"applicationId": pk, "role": role}} for pk, role in asked]
        path = f"/iam/application-management/v1/tenants/{self.beta.tenant.id}/contracts/{self.contract.id}"
        body = {"requiredRoles": ticks}
        return (client or self.beta.client).post(f"{path}/accept", body, content_type="application/json")

    def report(self, client: Client | None = None, **asked: str) -> Any:
        path = f"/iam/access-management/v1/tenants/{self.beta.tenant.id}/required-roles"
        return (client or self.beta.client).get(path, asked)

    def states(self, **asked: str) -> dict[tuple[str, str], str]:
        return {
            (row["requires"]["applicationId"], row["requires"]["role"]): row["state"]
            for row in self.report(**asked).json()["items"]
        }

    def given(self) -> set[tuple[str, str, str]]:
        with tenant_scope(self.beta.tenant.id):
            rows = Assignment.objects.filter(tenant=self.beta.tenant, application__isnull=False)
            return set(
                rows.values_list(
                    "application_id", "application_role__application_id", "application_role__key"
                )
            )

    @property
    def state(self) -> str:
        return Contract.objects.get(id=self.contract.id).state


def propose(acme: Party, beta: Party, *more: str) -> Contract:
    roles = [(pk, "reader") for pk in (PLANNER, *more)]
    act = {"by": acme.actor, "at": timezone.now()}
    row = contracts.draft(
        provider=acme.tenant,
        consumer_id=beta.tenant.id,
        offer=Offer(type="provision", roles=roles),
        **act,
    )
    return contracts.propose(tenant=acme.tenant, contract_id=row.id, **act)
