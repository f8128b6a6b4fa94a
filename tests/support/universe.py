"""A small universe told twice: to the portal through its actions, and to the naive model."""

import base64
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from accesscontrol.actions import assignments
from accesscontrol.actions.assignments import Wanted
from applications.actions import applications, clients, contracts, manifests
from applications.actions.applications import Details
from applications.actions.drafts import Offer
from applications.manifest import parse
from applications.models import Application, Contract
from iam_portal.walls import tenant_scope
from tenants.actions import groups, memberships
from tenants.models import Group, Tenant, User
from tests.support import naive
from tests.support.factories import SYSTEM, make_partners, make_tenant, make_user

TENANTS = ("acme", "beta", "gamma", "delta")
OWNERS = {"acme.meter": "acme", "beta.reader": "beta", "gamma.planner": "gamma"}
PRIVILEGES = {"viewer": ["read"], "editor": ["read", "modify"]}


def manifest_of(keys: tuple[str, ...]) -> Any:
    """A declaration with one resource and these roles."""
    permission = {"resourceType": "urn:test", "resourceId": "machines"}
    return parse(
        {
            "resources": [{"type": "urn:test", "id": "machines", "privileges": ["read", "modify"]}],
            "roles": [
                {"key": key, "permissions": [{**permission, "privileges": PRIVILEGES[key]}]} for key in keys
            ],
        }
    )


def basic(client_id: str, secret: str) -> dict[str, str]:
    """The headers of a client that authenticates by Basic."""
    encoded = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    return {"Authorization": f"Basic {encoded}"}


@dataclass
class Universe:
    """Four tenants that are all partners, three applications with two roles each, a user and two groups each.

    Names stand for ids in the naive model; ``named`` finds the name behind an id.
    """

    tenants: dict[str, Tenant] = field(default_factory=dict)
    applications: dict[str, Application] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    partnerships: dict[frozenset[str], UUID] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    model: naive.Naive = field(default_factory=naive.Naive)

    @classmethod
    def create(cls, at: datetime) -> "Universe":
        """Built once; every example works in a savepoint and on a copy of the model."""
        made = cls()
        for slug in TENANTS:
            made._tenant(slug, at)
        for one in TENANTS:
            for other in TENANTS:
                if one < other:
                    made.join(one, other, at)
        for application_id, owner in OWNERS.items():
            made._application(application_id, owner, at)
        made._first_shares(at)
        return made

    def fork(self) -> "Universe":
        """For one example."""
        partnerships, model = dict(self.partnerships), deepcopy(self.model)
        return Universe(
            self.tenants,
            self.applications,
            self.secrets,
            self.users,
            self.groups,
            partnerships,
            self.names,
            model,
        )

    def named(self, tenant_id: object) -> str:
        return self.names[str(tenant_id)]

    def join(self, one: str, other: str, at: datetime) -> None:
        pair = frozenset((one, other))
        self.partnerships[pair] = make_partners(self.tenants[one], self.tenants[other], at=at).id
        self.model.partners.add(pair)

    def declare(self, application: str, keys: tuple[str, ...], at: datetime) -> None:
        """The manifest with exactly these roles."""
        row = self.applications[application]
        manifests.declare(application=row, manifest=manifest_of(keys), by=SYSTEM, at=at)
        for key, privileges in PRIVILEGES.items():
            living = self.model.living_role(application, key, at)
            if living is None and key in keys:
                self.model.roles.append(naive.Role(application, key, privileges, [at, None]))
            elif living is not None and key not in keys:
                self.model.take_role_away(application, key, at)

    def draft(self, provider: str, consumer: str, offer: Offer, at: datetime) -> Contract:
        row = contracts.draft(
            provider=self.tenants[provider],
            consumer_id=self.tenants[consumer].id,
            offer=offer,
            by=SYSTEM,
            at=at,
        )
        roles = [self.model.living_role(*pair, at) for pair in dict.fromkeys(offer.roles)]
        self.model.contracts[str(row.id)] = naive.Contract(
            type=offer.type,
            provider=provider,
            consumer=consumer,
            onward=offer.onward_access,
            terms=[naive.Term(role, [offer.starts_at or at, offer.ends_at]) for role in roles if role],
            starts=offer.starts_at,
            ends=offer.ends_at,
            answer_by=offer.answer_by,
        )
        return row

    def propose(self, contract_id: str, at: datetime) -> None:
        known = self.model.contracts[contract_id]
        tenant = self.tenants[known.provider]
        contracts.propose(tenant=tenant, contract_id=UUID(contract_id), by=SYSTEM, at=at)
        known.state = "proposed"

    def accept(self, contract_id: str, at: datetime) -> None:
        known = self.model.contracts[contract_id]
        tenant = self.tenants[known.consumer]
        contracts.accept(tenant=tenant, contract_id=UUID(contract_id), by=SYSTEM, at=at)
        self.model.accept(known, at)

    def assign(self, known: naive.Assignment, at: datetime) -> str:
        """Give the role; ``known`` says to whom, and its life says when."""
        principal = {
            "user": lambda: {"user_id": self.users[known.principal].id},
            "group": lambda: {"group_id": self.groups[known.principal].id},
            "application": lambda: {"principal_application_id": known.principal},
        }[known.kind]()
        wanted = Wanted(
            role=known.key,
            application_id=known.application,
            contract_id=UUID(known.contract) if known.contract else None,
            starts_at=known.life[0],
            ends_at=known.life[1],
            **principal,
        )
        row = assignments.assign(tenant=self.tenants[known.tenant], wanted=wanted, by=SYSTEM, at=at)
        self.model.assignments[str(row.id)] = known
        return str(row.id)

    def _tenant(self, slug: str, at: datetime) -> None:
        tenant = self.tenants[slug] = make_tenant(slug, at=at)
        self.names[str(tenant.id)] = slug
        self.model.tenants[slug] = []
        user = self.users[slug] = make_user(tenant, at=at)
        self.model.users[slug] = (slug, [[at, None]])
        with tenant_scope(tenant.id):
            top = groups.create(tenant=tenant, name="Top", by=SYSTEM, at=at)
            team = groups.create(tenant=tenant, name="Team", parent_id=top.id, by=SYSTEM, at=at)
            memberships.add(tenant=tenant, group_id=team.id, user_id=user.id, by=SYSTEM, at=at)
        self.groups |= {f"{slug}/top": top, f"{slug}/team": team}
        self.model.groups |= {f"{slug}/top": None, f"{slug}/team": f"{slug}/top"}
        self.model.members.append((slug, f"{slug}/team", [at, None]))

    def _application(self, application_id: str, owner: str, at: datetime) -> None:
        tenant = self.tenants[owner]
        name = application_id.partition(".")[2]
        details = Details(name=name, display_name=name.capitalize())
        self.applications[application_id] = applications.register(
            owner=tenant, details=details, by=SYSTEM, at=at, application_id=application_id
        )
        self.model.applications[application_id] = naive.Application(owner, [at, None])
        self.declare(application_id, tuple(PRIVILEGES), at)
        _, value = clients.add_secret(tenant=tenant, client_id=application_id, by=SYSTEM, at=at)
        self.secrets[application_id] = value
        # Reads applications of its own tenant through the portal's API.
        wanted = Wanted(
            role="module-manager", application_id="iam-portal", principal_application_id=application_id
        )
        assignments.assign(tenant=tenant, wanted=wanted, by=SYSTEM, at=at)

    def _first_shares(self, at: datetime) -> None:
        """acme → beta (onward) → gamma, and services that call through both."""
        roles = [("acme.meter", "viewer"), ("acme.meter", "editor")]
        first = str(
            self.draft("acme", "beta", Offer(type="provision", roles=roles, onward_access=True), at).id
        )
        second_offer = Offer(type="access", roles=roles[:1])
        self.propose(first, at)
        self.accept(first, at)
        second = str(self.draft("beta", "gamma", second_offer, at).id)
        self.propose(second, at)
        self.accept(second, at)
        viewer = self.model.living_role("acme.meter", "viewer", at)
        assert viewer is not None
        for tenant, caller, contract in (("beta", "beta.reader", None), ("gamma", "gamma.planner", second)):
            known = naive.Assignment(
                tenant, "application", caller, "acme.meter", "viewer", viewer, contract, [at, None]
            )
            self.assign(known, at)
