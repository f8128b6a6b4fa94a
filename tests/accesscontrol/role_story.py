"""An organization that makes roles for itself, and its partner: what their pages are tried on."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils import timezone

from accesscontrol.actions import assignments, tenant_roles
from accesscontrol.actions.assignments import Wanted
from accesscontrol.actions.tenant_roles import Definition
from accesscontrol.models import TenantRole, TenantRolePermission
from applications import manifest as manifests
from applications.actions.manifests import declare
from applications.models import Contract, Resource
from iam_portal.walls import tenant_scope
from tenants.models import User
from tests.applications.story import Party, party, share
from tests.support import factories
from tests.support.forms import Forms

PLANNER = "acme.fleet-planner"
KIND = "urn:fleet:tour"
SCRIPT = "<script>alert(1)</script>"


@dataclass
class Story:
    """Acme's planner has a tree: depots, of which each has a yard; beta has it by provision."""

    acme: Party
    beta: Party
    contract: Contract
    sam: User

    def fork(self) -> "Story":
        return Story(self.acme.fork(), self.beta.fork(), self.contract, self.sam)

    def resource(self, key: str) -> UUID:
        return Resource.objects.get(application_id=PLANNER, key=key, during__endswith=None).id

    def role(self, key: str = "night") -> TenantRole | None:
        with tenant_scope(self.acme.tenant.id):
            rows = TenantRole.objects.at(timezone.now())
            return rows.filter(tenant=self.acme.tenant, key=key).first()

    def held(self, key: str = "night") -> list[tuple[str, str]]:
        with tenant_scope(self.acme.tenant.id):
            rows = TenantRolePermission.objects.at(timezone.now()).filter(role=self.role(key))
            return sorted(rows.values_list("resource__key", "privilege"))

    def make(self, *permissions: tuple[str, str], key: str = "night") -> TenantRole:
        asked = [(PLANNER, KIND, name, privilege) for name, privilege in permissions]
        definition = Definition(key=key, name=key.capitalize(), description="", permissions=asked)
        return tenant_roles.define(
            tenant=self.acme.tenant, definition=definition, by=factories.SYSTEM, at=timezone.now()
        )

    def give(self, key: str = "night") -> None:
        wanted = Wanted(role=key, user_id=self.sam.id)
        assignments.assign(tenant=self.acme.tenant, wanted=wanted, by=factories.SYSTEM, at=timezone.now())

    def give_role(self, role: str) -> None:
        """One of the planner's."""
        wanted = Wanted(role=role, application_id=PLANNER, user_id=self.sam.id)
        assignments.assign(tenant=self.acme.tenant, wanted=wanted, by=factories.SYSTEM, at=timezone.now())

    def box(self, key: str, privilege: str) -> str:
        return f"{self.resource(key)}.{privilege}"

    def form(self, path: str, **query: str) -> dict[str, Any]:
        """As the page draws it, with everything that is ticked."""
        return drawn(self.acme.get(path, **query))


def tree(depots: int = 2) -> manifests.Manifest:
    """``depot-0`` with ``yard-0`` in it, and so on; two roles."""
    resources: list[dict[str, Any]] = []
    for number in range(depots):
        depot = {"type": KIND, "id": f"depot-{number}", "name": f"Depot {number}"}
        yard = {"type": KIND, "id": f"yard-{number}", "name": f"Yard {number}"}
        yard["parent"] = {"type": KIND, "id": depot["id"]}
        resources += [{**depot, "privileges": ["read", "modify"]}, {**yard, "privileges": ["read", "delete"]}]
    allows = [
        {"resourceType": KIND, "resourceId": row["id"], "privileges": row["privileges"]} for row in resources
    ]
    return manifests.parse(
        {
            "resources": resources,
            "roles": [
                {"key": "planner", "name": "Planner", "permissions": allows},
                {"key": "reader", "name": "Reader", "permissions": [{**allows[0], "privileges": ["read"]}]},
            ],
        }
    )


class Boxes(Forms):
    """The same with all boxes that are ticked: they have one name."""

    def _input(self, said: dict[str, str]) -> None:
        if said.get("name") != "p":
            super()._input(said)
        elif "checked" in said and "disabled" not in said:
            self._form.setdefault("p", []).append(said["value"])  # type: ignore[union-attr, attr-defined]


def drawn(response: Any, field: str = "kept") -> dict[str, Any]:
    """What a browser would send of the page's form."""
    return dict(Boxes(response.content.decode()).with_fields(field))


def text_of(response: Any) -> str:
    assert response.status_code == 200, response
    return str(response.content.decode())


def tell() -> Story:
    """Acme with its planner, which beta has by provision."""
    acme, beta = party("acme"), party("beta")
    factories.make_partners(acme.tenant, beta.tenant, at=timezone.now())
    planner = acme.applications["planner"]
    declare(application=planner, manifest=tree(), by=acme.actor, at=timezone.now())
    contract = share(acme, beta, planner)
    return Story(acme, beta, contract, factories.make_user(acme.tenant, "sam", at=timezone.now()))
